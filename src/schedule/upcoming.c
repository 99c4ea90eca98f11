#include "schedule/upcoming.h"

#include "base/json.h"
#include "base/text.h"

static int64_t date_of(const json_t *settings, const char *key) {
    const json_t *value = json_object_get(settings, key);
    return json_is_number(value) ? (int64_t)(json_number_value(value) * 1000.0) : SCHEDULE_NO_TIME;
}

bool schedule_upcoming(const json_t *settings, int64_t after_ms, int64_t *times, size_t most, size_t *count,
                       struct zone **zone, struct error *err) {
    struct schedule_expression expression;
    if (!schedule_expression_parse(json_get_text(settings, "ScheduleExpression", ""), &expression, err))
        return false;
    struct zone *found = zone_open(json_get_text(settings, "ScheduleExpressionTimezone", "UTC"), err);
    if (!found)
        return false;
    struct schedule_frame frame = {found, date_of(settings, "CreationDate"), date_of(settings, "StartDate"),
                                   date_of(settings, "EndDate")};
    bool enabled = text_equal(json_get_text(settings, "State", ""), "ENABLED");
    int64_t at = after_ms;
    for (*count = 0; enabled && *count < most && schedule_next(&expression, &frame, at, &at); (*count)++)
        times[*count] = at;
    *zone = found;
    return true;
}
