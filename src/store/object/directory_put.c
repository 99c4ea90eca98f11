/* A put of the directory driver: a source's bytes into a file on its way. */
#include <stdlib.h>

#include "base/memory.h"
#include "store/object/directory_part.h"

enum { BLOCK_BYTES = 256 * 1024 };

static bool fill(const struct directory_part *part, const struct object_source *source, uint64_t expected,
                 struct error *err) {
    size_t size = expected && expected < BLOCK_BYTES ? (size_t)expected + 1 : BLOCK_BYTES;
    TEXT_OWNED char *block = memory_alloc(size);
    for (;;) {
        size_t got = 0;
        if (!source->read(source->from, block, size, &got, err))
            return false;
        if (!got)
            return true;
        if (!directory_part_write(part, block, got, err))
            return false;
    }
}

bool directory_put(void *self, const char *key, const struct object_source *source,
                   const struct object_put_options *options, struct object_facts *facts, struct error *err) {
    struct directory_part part;
    if (!directory_part_open(self, key, options, &part, err))
        return false;
    bool done = fill(&part, source, options->expected_size, err) && directory_part_publish(&part, options, facts, err);
    directory_part_close(&part, !done);
    return done;
}
