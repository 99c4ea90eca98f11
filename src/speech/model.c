#include "speech/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "speech/model_mark.h"

bool model_cpu_check(struct error *err) {
#if defined(__x86_64__)
    unsigned a, b, c, d;
    bool f16c = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2") || !f16c) {
        error_set(err, ERROR_UNSUPPORTED,
                  "this processor lacks AVX2, FMA, F16C or BMI2, which whisper.cpp is built for");
        return error_hint(err, "transcribe on another machine, or use --provider openai");
    }
#endif
    (void)err;
    return true;
}

const char *model_file(struct arena *arena, const char *folder, const char *name) {
    const struct model *row = model_find(name, NULL);
    return file_join(arena, folder, arena_format(arena, "ggml-%s.bin", row ? row->name : name));
}

static bool damaged(const struct model *row, struct error *err) {
    error_context(err, "model %s", row->name);
    return error_hint(err, "\"tidemill model get %s\" fetches it again", row->name);
}

/* Size, then hash; the structure only to say what is wrong. */
static bool check_row(struct arena *arena, const struct model *row, const char *path, bool again, struct error *err) {
    uint64_t size;
    if (!file_size(path, &size, err))
        return false;
    if (!again) {
        const char *mark = model_mark_read(arena, path);
        if (mark && strcmp(mark, row->hash) == 0)
            return true;
    }
    char digest[HASH_TEXT_SIZE];
    enum model_kind kind;
    if (size != row->bytes) {
        if (!model_file_check(path, &kind, err))
            return damaged(row, err);
        error_set(err, ERROR_CORRUPT, "%s has %" PRIu64 " bytes; the published file has %" PRIu64, path, size,
                  row->bytes);
        return damaged(row, err);
    }
    if (!hash_file(row->hash_kind, path, digest, err))
        return error_context(err, "model %s", row->name);
    if (strcmp(digest, row->hash) != 0) {
        (void)model_mark_remove(arena, path, NULL);
        if (model_file_check(path, &kind, err))
            error_set(err, ERROR_CORRUPT, "%s is not the published file: its hash is %s", path, digest);
        return damaged(row, err);
    }
    model_mark_write(arena, path, row->hash);
    return true;
}

/* A file that is in no row: the user's word, and its structure. */
static bool check_unknown(struct arena *arena, const char *path, bool again, struct error *err) {
    enum model_kind kind;
    const char *mark = model_mark_read(arena, path);
    if (mark && strcmp(mark, MODEL_MARK_UNVERIFIED) == 0 && !again)
        return true;
    if (!mark) {
        error_set(err, ERROR_CORRUPT, "%s has no known hash, or has changed since it was installed", path);
        return error_hint(err, "\"tidemill model get NAME --from FILE --unverified\" takes a file on your word");
    }
    return model_file_check(path, &kind, err);
}

static const char *check(struct arena *arena, const char *folder, const char *name, bool again, struct error *err) {
    enum model_kind kind;
    if (strchr(name, '/'))
        return model_file_check(name, &kind, err) ? arena_text(arena, name) : NULL;
    struct error unknown = {0};
    const struct model *row = model_find(name, &unknown);
    if (!row && !model_name_check(name, err))
        return NULL;
    const char *path = model_file(arena, folder, name);
    if (!file_size(path, NULL, err)) {
        if (!row) {
            error_copy(err, &unknown);
        } else if (!err || err->code == ERROR_ABSENT) {
            error_set(err, ERROR_ABSENT, "the model %s is not in %s", row->name, folder);
            error_hint(err, "\"tidemill model get %s\" fetches it (%" PRIu64 " MB)", row->name, row->bytes / 1000000);
        }
        return NULL;
    }
    /* A row's file may have been installed on the user's word, as a build of the same name with other weights. */
    const char *mark = row && !again ? model_mark_read(arena, path) : NULL;
    if (mark && strcmp(mark, MODEL_MARK_UNVERIFIED) == 0)
        return path;
    bool good = row ? check_row(arena, row, path, again, err) : check_unknown(arena, path, again, err);
    return good ? path : NULL;
}

const char *model_path(struct arena *arena, const char *folder, const char *name, struct error *err) {
    return check(arena, folder, name, false, err);
}

bool model_verify(const char *folder, const char *name, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    return check(arena, folder, name, true, err) != NULL;
}

const char *model_state_name(enum model_state state) {
    static const char *const names[] = {"absent", "present", "verified", "unverified", "damaged"};
    return names[state];
}

struct listing {
    struct arena *arena;
    const char *folder;
    struct model_entry *entries;
    size_t count, capacity;
};

static void listing_add(struct listing *list, const struct model *row, const char *name) {
    struct model_entry entry = {.row = row, .name = name, .path = model_file(list->arena, list->folder, name)};
    uint64_t size;
    entry.bytes = row ? row->bytes : 0;
    if (file_size(entry.path, &size, NULL)) {
        const char *mark = model_mark_read(list->arena, entry.path);
        entry.bytes = size;
        if (mark && strcmp(mark, MODEL_MARK_UNVERIFIED) == 0)
            entry.state = MODEL_UNVERIFIED;
        else if (row && mark && strcmp(mark, row->hash) == 0)
            entry.state = MODEL_VERIFIED;
        else if (row && size != row->bytes)
            entry.state = MODEL_DAMAGED;
        else
            entry.state = MODEL_PRESENT;
    }
    list->entries = arena_grow(list->arena, list->entries, list->count, &list->capacity, sizeof(*list->entries));
    list->entries[list->count++] = entry;
}

static bool listing_visit(void *to, const char *name, bool is_folder, struct error *err) {
    struct listing *list = to;
    (void)err;
    size_t length = strlen(name);
    if (is_folder || length <= strlen("ggml-.bin") || !text_starts(name, "ggml-") || !text_ends(name, ".bin"))
        return true;
    if (!model_find(name, NULL))
        listing_add(list, NULL, arena_text_part(list->arena, name + strlen("ggml-"), length - strlen("ggml-.bin")));
    return true;
}

bool model_list(struct arena *arena, const char *folder, struct model_entry **entries, size_t *count,
                struct error *err) {
    struct listing list = {.arena = arena, .folder = folder};
    size_t rows;
    const struct model *row = model_rows(&rows);
    for (size_t i = 0; i < rows; i++)
        listing_add(&list, &row[i], row[i].name);
    struct error problem = {0};
    if (!file_list(folder, listing_visit, &list, &problem) && problem.code != ERROR_ABSENT)
        return error_copy(err, &problem);
    *entries = list.entries;
    *count = list.count;
    return true;
}

bool model_remove(const char *folder, const char *name, bool *removed, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    if (!model_find(name, NULL) && !model_name_check(name, err))
        return false;
    const char *path = model_file(arena, folder, name);
    const char *part = arena_format(arena, "%s.part", path);
    bool there = file_size(path, NULL, NULL) || file_size(part, NULL, NULL);
    if (!file_remove(path, err) || !file_remove(part, err) || !model_mark_remove(arena, path, err))
        return error_context(err, "model %s", name);
    if (removed)
        *removed = there;
    return true;
}
