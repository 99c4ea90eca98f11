#include "podcast/art_worker.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"

static size_t pixel_bytes(const struct art *art) {
    return (size_t)art->width * (size_t)art->height * 3;
}

bool art_task(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    ARENA_OWNED struct arena *arena = arena_open();
    char *bytes = NULL;
    size_t length = 0;
    struct art art = {0};
    if (!file_read(arena, json_get_text(input, "path", ""), LIMIT_COVER_BYTES, &bytes, &length, err) ||
        !art_decode(arena, bytes, length, &art, err))
        return false;
    size_t size = pixel_bytes(&art);
    unsigned char *text = arena_alloc(arena, size / 3 * 4 + 8);
    EVP_EncodeBlock(text, art.pixels, (int)size);
    *output = json_pack("{s:i, s:i, s:s}", "width", art.width, "height", art.height, "pixels", (const char *)text);
    return true;
}

/* The worker is not believed: sizes and pixels must fit each other. */
static bool take_picture(struct arena *arena, const json_t *output, struct art *art, struct error *err) {
    int64_t width = json_get_int(output, "width", 0);
    int64_t height = json_get_int(output, "height", 0);
    const char *text = json_get_text(output, "pixels", "");
    size_t length = strlen(text);
    if (width < 1 || height < 1 || width > 4096 || height > 4096 || length > INT_MAX || length % 4)
        return error_set(err, ERROR_CRASHED, "the worker's picture makes no sense");
    struct art made = {(int)width, (int)height, arena_alloc(arena, length / 4 * 3 + 3)};
    int got = EVP_DecodeBlock(made.pixels, (const unsigned char *)text, (int)length);
    if (got < 0 || (size_t)got < pixel_bytes(&made))
        return error_set(err, ERROR_CRASHED, "the worker's picture makes no sense");
    *art = made;
    return true;
}

bool art_decode_apart(struct arena *arena, struct worker *worker, const char *scratch, const void *bytes, size_t length,
                      struct art *art, struct error *err) {
    const char *path = file_join(arena, scratch, "picture");
    if (!file_write(path, bytes, length, 0600, err))
        return false;
    JSON_OWNED json_t *input = json_pack("{s:s}", "path", path);
    JSON_OWNED json_t *output = NULL;
    struct worker_call call = {.task = "podcast.picture", .input = input};
    bool done = worker_call(worker, &call, &output, err) && take_picture(arena, output, art, err);
    file_remove(path, NULL);
    return done;
}
