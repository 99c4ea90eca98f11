#include "speech/model_mark.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

enum { MARK_BYTES = 256, NAME_BYTES = 64 };

static const char *mark_path(struct arena *arena, const char *path) {
    return arena_format(arena, "%s.verified", path);
}

/* What the mark says before the hash; NULL when the file is not there. */
static const char *mark_identity(struct arena *arena, const char *path) {
    struct stat info;
    if (stat(path, &info) != 0)
        return NULL;
    return arena_format(arena, "tidemill-model 1 %" PRIu64 " %" PRId64 ".%09ld %" PRIu64 " ", (uint64_t)info.st_size,
                        (int64_t)info.st_mtim.tv_sec, info.st_mtim.tv_nsec, (uint64_t)info.st_ino);
}

const char *model_mark_read(struct arena *arena, const char *path) {
    const char *identity = mark_identity(arena, path);
    char *text;
    size_t length;
    if (!identity || !file_read(arena, mark_path(arena, path), MARK_BYTES, &text, &length, NULL))
        return NULL;
    size_t prefix = strlen(identity);
    if (length <= prefix + 1 || memcmp(text, identity, prefix) != 0 || text[length - 1] != '\n')
        return NULL;
    text[length - 1] = '\0';
    return text + prefix;
}

void model_mark_write(struct arena *arena, const char *path, const char *hash) {
    const char *identity = mark_identity(arena, path);
    if (!identity)
        return;
    const char *line = arena_format(arena, "%s%s\n", identity, hash);
    (void)file_write(mark_path(arena, path), line, strlen(line), 0644, NULL);
}

bool model_mark_remove(struct arena *arena, const char *path, struct error *err) {
    return file_remove(mark_path(arena, path), err);
}

bool model_name_check(const char *name, struct error *err) {
    size_t length = strlen(name);
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (length == 0 || length > NAME_BYTES || name[0] == '.' || strspn(name, allowed) != length)
        return error_set(err, ERROR_INVALID,
                         "\"%.100s\" is no name of a model: letters, digits, \".\", \"-\" and \"_\", at most %d", name,
                         NAME_BYTES);
    return true;
}
