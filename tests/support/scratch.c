#include "support/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"

static void must(bool done, const struct error *err) {
    if (done)
        return;
    fprintf(stderr, "scratch: %s\n", err->message);
    abort();
}

struct scratch *scratch_open(void) {
    struct scratch *scratch = memory_alloc(sizeof(*scratch));
    scratch->arena = arena_open();
    const char *above = getenv("TMPDIR");
    scratch->path = arena_format(scratch->arena, "%s/tidemill-test-XXXXXX", above && *above ? above : "/tmp");
    if (!mkdtemp(scratch->path)) {
        perror("mkdtemp");
        abort();
    }
    return scratch;
}

void scratch_close(struct scratch *scratch) {
    if (!scratch)
        return;
    struct error err = {0};
    must(file_remove_tree(scratch->path, &err), &err);
    arena_close(scratch->arena);
    free(scratch);
}

const char *scratch_path(struct scratch *scratch, const char *name) {
    return file_join(scratch->arena, scratch->path, name);
}

const char *scratch_write(struct scratch *scratch, const char *name, const char *text) {
    const char *path = scratch_path(scratch, name);
    struct error err = {0};
    must(file_make_parents(path, &err), &err);
    must(file_write(path, text, strlen(text), 0644, &err), &err);
    return path;
}

const char *scratch_read(struct scratch *scratch, const char *name) {
    char *text = NULL;
    size_t length = 0;
    struct error err = {0};
    if (file_read(scratch->arena, scratch_path(scratch, name), 64 * MIB, &text, &length, &err))
        return text;
    must(err.code == ERROR_ABSENT, &err);
    return NULL;
}
