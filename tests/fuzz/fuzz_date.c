/* Any text as a date and as a duration; what is understood must be in range, and read the same when written again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "web/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = memory_text_part((const char *)data, size);
    int64_t ms = 0;
    int64_t again = 0;
    int64_t seconds = -1;
    char written[DATE_RFC822_SIZE];
    char iso[CLOCK_ISO_SIZE];
    if (date_parse(text, &ms)) {
        /* Year 1 is where seconds since 1970 of 12 digits can lead; 9999 and a day is where offsets can. */
        clock_iso(ms, iso);
        if (ms > INT64_C(253402387200000) + INT64_C(86400000) || ms < INT64_C(-2209075200000))
            abort();
        if (ms < INT64_C(253402300800000)) {
            date_rfc822(ms, written);
            if (!date_parse(iso, &again) || again != ms)
                abort();
            int64_t second = ms - ((ms % 1000) + 1000) % 1000;
            if (second >= INT64_C(-2208988800000) && (!date_parse(written, &again) || again != second))
                abort();
        }
    }
    if (date_parse_duration(text, &seconds) && seconds < 0)
        abort();
    free(text);
    return 0;
}
