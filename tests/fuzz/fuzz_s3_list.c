/* A page of a listing, as a service or somebody in between sends it: what is taken for one is whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/s3.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_open();
    struct s3_page page;
    if (s3_page_read(arena, (const char *)data, size, &page, NULL)) {
        size_t bytes = 0;
        for (size_t i = 0; i < page.count; i++) {
            if (!page.entries[i].key || !*page.entries[i].key || !page.entries[i].etag)
                abort();
            bytes += strlen(page.entries[i].key) + strlen(page.entries[i].etag);
        }
        for (size_t i = 0; i < page.prefix_count; i++) {
            if (!page.prefixes[i] || !*page.prefixes[i])
                abort();
            bytes += strlen(page.prefixes[i]);
        }
        if (bytes > size || page.truncated != (page.token && *page.token))
            abort();
    }
    arena_close(arena);
    return 0;
}
