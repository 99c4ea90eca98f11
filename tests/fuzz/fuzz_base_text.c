/* The small readers of base that see strangers' text: URLs for messages, times, numbers, UTF-8. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = memory_text_part((const char *)data, size);
    char url[128];
    must(redact_url(text, url, sizeof(url)) == url && strlen(url) < sizeof(url));
    int64_t ms = 0;
    char iso[CLOCK_ISO_SIZE];
    if (clock_parse_iso(text, &ms)) {
        int64_t again = 0;
        clock_iso(ms, iso);
        /* An offset may lead out of the four digits of a year. */
        if (ms >= -62167219200000 && ms <= 253402300799999)
            must(clock_parse_iso(iso, &again) && again == ms);
    }
    int64_t integer = 0;
    uint64_t natural = 0;
    double real = 0;
    text_to_int64(text, &integer);
    text_to_uint64(text, &natural);
    text_to_double(text, &real);
    char *repaired = utf8_repair((const char *)data, size);
    must(utf8_valid(repaired, strlen(repaired)));
    must(utf8_utf16_length(repaired, strlen(repaired)) <= strlen(repaired));
    must(!utf8_valid((const char *)data, size) || strlen(text) < size || strcmp(text, repaired) == 0);
    struct text escaped;
    text_open(&escaped, 64 * KIB);
    text_append_xml(&escaped, repaired);
    must(!strpbrk(text_value(&escaped), "<>\"'"));
    text_close(&escaped);
    free(repaired);
    free(text);
    return 0;
}
