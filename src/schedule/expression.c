#include "schedule/expression.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

/* 2199-12-31T23:59:59.999Z: no occurrence is after it, whatever the expression. */
#define LAST_MS INT64_C(7258118399999)

/* Digits of a fixed count; false when there is anything else. */
static bool fixed(const char **at, int count, int *value) {
    int found = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        found = found * 10 + (**at - '0');
    }
    *value = found;
    return true;
}

static bool mark(const char **at, char c) {
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static bool parse_at(const char *inside, size_t length, struct schedule_expression *out, struct error *err) {
    int year = 0;
    int month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    const char *at = inside;
    bool read = length == 19 && fixed(&at, 4, &year) && mark(&at, '-') && fixed(&at, 2, &month) && mark(&at, '-') &&
                fixed(&at, 2, &day) && mark(&at, 'T') && fixed(&at, 2, &hour) && mark(&at, ':') &&
                fixed(&at, 2, &minute) && mark(&at, ':') && fixed(&at, 2, &second);
    if (!read)
        return error_set(err, ERROR_INVALID, "at() has the form at(yyyy-mm-ddThh:mm:ss)");
    bool there = month >= 1 && month <= 12 && day >= 1 && hour <= 23 && minute <= 59 && second <= 59;
    if (there) {
        int64_t back_year = 0;
        int back_month = 0;
        int back_day = 0;
        clock_civil(clock_days(year, month, day), &back_year, &back_month, &back_day);
        there = back_month == month && back_day == day;
    }
    if (!there || year < CRON_FIRST_YEAR || year > CRON_LAST_YEAR)
        return error_set(err, ERROR_INVALID, "at(): there is no such day and time from 1970 to 2199");
    out->kind = SCHEDULE_AT;
    out->at = clock_days(year, month, day) * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
    return true;
}

static const struct unit {
    const char *name;
    int64_t ms;
} units[] = {{"minute", 60000},  {"minutes", 60000}, {"hour", 3600000},
             {"hours", 3600000}, {"day", 86400000},  {"days", 86400000}};

/* The service takes both forms of a unit with any value: its own guide has rate(1 days). */
static bool parse_rate(const char *inside, size_t length, struct schedule_expression *out, struct error *err) {
    size_t digits = 0;
    int64_t value = 0;
    for (; digits < length && inside[digits] >= '0' && inside[digits] <= '9'; digits++) {
        value = value * 10 + (inside[digits] - '0');
        if (value > LIMIT_SCHEDULE_RATE)
            return error_set(err, ERROR_INVALID, "rate(): the value is larger than %d", LIMIT_SCHEDULE_RATE);
    }
    if (!value || digits + 1 >= length || inside[digits] != ' ')
        return error_set(err, ERROR_INVALID, "rate() has the form rate(value unit), with a value of at least 1");
    const char *name = inside + digits + 1;
    size_t size = length - digits - 1;
    for (size_t i = 0; i < ARRAY_LENGTH(units); i++) {
        if (strlen(units[i].name) == size && memcmp(units[i].name, name, size) == 0) {
            out->kind = SCHEDULE_RATE;
            out->rate_ms = value * units[i].ms;
            return true;
        }
    }
    return error_set(err, ERROR_INVALID, "rate(): the unit must be minutes, hours or days");
}

static bool parse_cron(const char *inside, size_t length, struct schedule_expression *out, struct error *err) {
    out->kind = SCHEDULE_CRON;
    return cron_parse(inside, length, &out->cron, err);
}

static const struct form {
    const char *opening;
    bool (*parse)(const char *inside, size_t length, struct schedule_expression *out, struct error *err);
} forms[] = {{"at(", parse_at}, {"rate(", parse_rate}, {"cron(", parse_cron}};

bool schedule_expression_parse(const char *text, struct schedule_expression *expression, struct error *err) {
    size_t length = strlen(text);
    if (length > LIMIT_SCHEDULE_EXPRESSION)
        return error_set(err, ERROR_LIMIT, "a schedule expression has at most %d bytes", LIMIT_SCHEDULE_EXPRESSION);
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        size_t skip = strlen(forms[i].opening);
        if (!text_starts(text, forms[i].opening) || text[length - 1] != ')')
            continue;
        if (length - skip - 1 == 0)
            return error_set(err, ERROR_INVALID, "%s) is empty", forms[i].opening);
        struct schedule_expression found = {0};
        if (!forms[i].parse(text + skip, length - skip - 1, &found, err))
            return false;
        *expression = found;
        return true;
    }
    return error_set(err, ERROR_INVALID, "a schedule expression is at(...), rate(...) or cron(...)");
}

static int64_t floor_divide(int64_t value, int64_t by) {
    return value / by - (value % by < 0);
}

static bool next_at(const struct schedule_expression *expression, const struct schedule_frame *frame, int64_t after_ms,
                    int64_t *next_ms) {
    int64_t utc = 0;
    zone_utc(frame->zone, expression->at, &utc);
    if (utc * 1000 <= after_ms)
        return false;
    *next_ms = utc * 1000;
    return true;
}

static bool next_rate(const struct schedule_expression *expression, const struct schedule_frame *frame,
                      int64_t after_ms, int64_t *next_ms) {
    int64_t first = frame->start_ms != SCHEDULE_NO_TIME ? frame->start_ms : frame->created_ms;
    *next_ms = first;
    if (after_ms >= first)
        *next_ms = first + ((after_ms - first) / expression->rate_ms + 1) * expression->rate_ms;
    return true;
}

/* Candidates come in the order of the wall clock. One that the clock jumps over is passed by; so is one whose first
 * showing is over already, while the hour repeats. Both stretches are hours, a day at most. */
static bool next_cron(const struct schedule_expression *expression, const struct schedule_frame *frame,
                      int64_t after_ms, int64_t *next_ms) {
    int64_t after = floor_divide(after_ms, 1000);
    struct zone_period period;
    zone_period_at(frame->zone, after, &period);
    int64_t from = floor_divide(after + period.offset, 60) + 1;
    int64_t local = 0;
    int64_t utc = 0;
    while (cron_next(&expression->cron, from, &local)) {
        if (zone_utc(frame->zone, local * 60, &utc) && utc > after) {
            *next_ms = utc * 1000;
            return true;
        }
        from = local + 1;
    }
    return false;
}

bool schedule_next(const struct schedule_expression *expression, const struct schedule_frame *frame, int64_t after_ms,
                   int64_t *next_ms) {
    static bool (*const nexts[])(const struct schedule_expression *, const struct schedule_frame *, int64_t,
                                 int64_t *) = {
        [SCHEDULE_AT] = next_at, [SCHEDULE_RATE] = next_rate, [SCHEDULE_CRON] = next_cron};
    bool bounded = expression->kind != SCHEDULE_AT;
    if (bounded && frame->start_ms != SCHEDULE_NO_TIME && after_ms < frame->start_ms)
        after_ms = frame->start_ms - 1;
    if (after_ms < -1)
        after_ms = -1;
    int64_t found = 0;
    if (after_ms >= LAST_MS || !nexts[expression->kind](expression, frame, after_ms, &found) || found > LAST_MS)
        return false;
    if (bounded && frame->end_ms != SCHEDULE_NO_TIME && found > frame->end_ms)
        return false;
    *next_ms = found;
    return true;
}

/* The last moment from which the next occurrence is still not after `until_ms` lies right before the latest one. */
bool schedule_latest(const struct schedule_expression *expression, const struct schedule_frame *frame, int64_t after_ms,
                     int64_t until_ms, int64_t *latest_ms) {
    int64_t found = 0;
    if (!schedule_next(expression, frame, after_ms, &found) || found > until_ms)
        return false;
    int64_t low = after_ms < -1 ? -1 : after_ms; /* its next one is within */
    int64_t high = until_ms;                     /* its next one is not */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        int64_t next = 0;
        if (schedule_next(expression, frame, middle, &next) && next <= until_ms) {
            low = middle;
            found = next;
        } else {
            high = middle;
        }
    }
    *latest_ms = found;
    return true;
}
