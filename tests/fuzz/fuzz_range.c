/* Range, If-Range, If-None-Match and dates: the first line is the size, the others are header values. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "http/compress.h"
#include "http/conditional.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = memory_text_part((const char *)data, size);
    char *value = strchr(text, '\n');
    if (value) {
        *value++ = 0;
        uint64_t total = strtoull(text, NULL, 10), first = 0, length = 0;
        int64_t date;
        if (range_parse(value, total, &first, &length) == RANGE_PART &&
            (length == 0 || first >= total || length > total - first))
            abort();
        conditional_date(value, &date);
        compress_accepted(value);
        if (conditional_matches(value, "\"a\"") != conditional_matches(value, "W/\"a\""))
            abort(); /* the comparison is the weak one */
        range_still_valid(value, "\"a\"", 784111777000);
    }
    free(text);
    return 0;
}
