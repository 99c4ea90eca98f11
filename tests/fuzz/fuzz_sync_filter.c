/* Patterns against keys: the first line of the input is the pattern, the rest the key. A pattern that the check takes
 * must match without a crash, and a copy of the key with every character escaped must match the key. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "sync/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = memory_text_part((const char *)data, size);
    char *end = strchr(text, '\n');
    if (end) {
        *end = '\0';
        const char *pattern = text;
        const char *key = end + 1;
        struct filter filter = {.excludes = &pattern, .exclude_count = 1};
        if (filter_check(&filter, NULL))
            filter_takes(&filter, key);
        size_t length = strlen(key);
        if (length && length * 2 < LIMIT_SYNC_PATTERN_BYTES - 2 && key[length - 1] != '/') {
            char *escaped = memory_alloc(length * 2 + 1);
            for (size_t i = 0; i < length; i++) {
                escaped[2 * i] = '\\';
                escaped[2 * i + 1] = key[i];
            }
            if (strchr(key, '/') && !filter_matches(escaped, key))
                abort();
            free(escaped);
        }
    }
    free(text);
    return 0;
}
