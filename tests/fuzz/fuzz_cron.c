/* Schedule expressions and time zones. The first byte says which: an expression is parsed and stepped through, its
 * occurrences rise and agree with schedule_latest; a zone file is read and asked both ways. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schedule/expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_zone(const uint8_t *data, size_t size) {
    struct zone *zone = zone_read(data, size, NULL);
    if (!zone)
        return;
    int64_t at = -2208988800;
    for (int i = 0; i < 40; i++) {
        struct zone_period period;
        zone_period_at(zone, at, &period);
        if (at < period.start || at >= period.end)
            abort();
        int64_t utc = 0;
        if (zone_utc(zone, at + period.offset, &utc) && utc > at)
            abort(); /* the clock showed it at `at`, so not first later */
        at += 180000000;
    }
    zone_close(zone);
}

static void try_expression(const uint8_t *data, size_t size) {
    char *text = memory_text_part((const char *)data, size);
    struct zone *zone = zone_open("Australia/Lord_Howe", NULL);
    if (!zone)
        zone = zone_open("UTC", NULL);
    struct schedule_frame frame = {zone, 1770000000000, SCHEDULE_NO_TIME, SCHEDULE_NO_TIME};
    struct schedule_expression expression;
    if (schedule_expression_parse(text, &expression, NULL)) {
        const int64_t from = 1770000000000;
        int64_t at = from;
        for (int i = 0; i < 20; i++) {
            int64_t next = 0;
            if (!schedule_next(&expression, &frame, at, &next))
                break;
            int64_t latest = 0;
            if (next <= at || !schedule_latest(&expression, &frame, from, next, &latest) || latest != next)
                abort();
            at = next;
        }
    }
    zone_close(zone);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size && data[0] == 'T')
        try_zone(data, size);
    else
        try_expression(data, size);
    return 0;
}
