#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall(const struct clock *clock) {
    (void)clock;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic(const struct clock *clock) {
    (void)clock;
    return read_clock(CLOCK_MONOTONIC);
}

/* In slices, so that a cancel is seen within 50 ms without a thread or a pipe of its own. */
static bool system_wait(const struct clock *clock, int64_t ms, const struct cancel *cancel) {
    int64_t end = system_monotonic(clock) + ms;
    for (;;) {
        if (cancel_requested(cancel))
            return false;
        int64_t left = end - system_monotonic(clock);
        if (left <= 0)
            return true;
        int64_t slice = left < 50 ? left : 50;
        struct timespec pause = {.tv_sec = 0, .tv_nsec = (long)(slice * 1000000)};
        nanosleep(&pause, NULL);
    }
}

const struct clock *clock_system(void) {
    static const struct clock system_clock = {system_wall, system_monotonic, system_wait};
    return &system_clock;
}

int64_t clock_wall_ms(const struct clock *clock) {
    return clock->wall_ms(clock);
}

int64_t clock_monotonic_ms(const struct clock *clock) {
    return clock->monotonic_ms(clock);
}

bool clock_wait(const struct clock *clock, int64_t ms, const struct cancel *cancel) {
    return clock->wait(clock, ms, cancel);
}

/* Both ways after "chrono-Compatible Low-Level Date Algorithms" (H. Hinnant), days_from_civil and civil_from_days. */
int64_t clock_days(int64_t year, int month, int day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void clock_civil(int64_t days, int64_t *year, int *month, int *day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static int64_t floor_divide(int64_t value, int64_t by) {
    return value / by - (value % by < 0);
}

struct moment {
    int64_t year;
    int month, day, hour, minute, second, millisecond, weekday;
};

static struct moment moment_of(int64_t wall_ms) {
    struct moment moment;
    int64_t days = floor_divide(wall_ms, 86400000);
    int64_t rest = wall_ms % 86400000;
    rest += rest < 0 ? 86400000 : 0;
    clock_civil(days, &moment.year, &moment.month, &moment.day);
    moment.hour = (int)(rest / 3600000);
    moment.minute = (int)(rest / 60000 % 60);
    moment.second = (int)(rest / 1000 % 60);
    moment.millisecond = (int)(rest % 1000);
    moment.weekday = (int)(((days % 7) + 11) % 7);
    return moment;
}

char *clock_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE]) {
    struct moment m = moment_of(wall_ms);
    snprintf(out, CLOCK_ISO_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)m.year, m.month, m.day, m.hour, m.minute,
             m.second, m.millisecond);
    return out;
}

char *clock_day(int64_t wall_ms, char out[CLOCK_ISO_SIZE]) {
    struct moment m = moment_of(wall_ms);
    snprintf(out, CLOCK_ISO_SIZE, "%04d-%02d-%02d", (int)m.year, m.month, m.day);
    return out;
}

char *clock_http(int64_t wall_ms, char out[CLOCK_ISO_SIZE]) {
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct moment m = moment_of(wall_ms);
    snprintf(out, CLOCK_ISO_SIZE, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[m.weekday], m.day, months[m.month - 1],
             (int)m.year, m.hour, m.minute, m.second);
    return out;
}

/* Reads exactly `count` digits. */
static bool digits(const char **at, int count, int *value) {
    int number = 0;
    for (int i = 0; i < count; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        number = number * 10 + (c - '0');
    }
    *at += count;
    *value = number;
    return true;
}

static bool literal(const char **at, char c) {
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static bool parse_offset(const char **at, int *minutes) {
    if (literal(at, 'Z') || literal(at, 'z')) {
        *minutes = 0;
        return true;
    }
    int sign = **at == '-' ? -1 : 1;
    if (**at != '-' && **at != '+')
        return false;
    (*at)++;
    int hours = 0;
    int rest = 0;
    if (!digits(at, 2, &hours))
        return false;
    literal(at, ':');
    if (!digits(at, 2, &rest) || hours > 23 || rest > 59)
        return false;
    *minutes = sign * (hours * 60 + rest);
    return true;
}

static bool parse_time(const char **at, int64_t *ms) {
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!digits(at, 2, &hour) || !literal(at, ':') || !digits(at, 2, &minute))
        return false;
    if (literal(at, ':') && !digits(at, 2, &second))
        return false;
    int64_t fraction = 0;
    if (literal(at, '.')) {
        int64_t scale = 100;
        if (**at < '0' || **at > '9')
            return false;
        for (; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
            fraction += (**at - '0') * scale;
    }
    if (hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute || second)))
        return false;
    *ms = ((int64_t)hour * 3600 + (int64_t)minute * 60 + second) * 1000 + fraction;
    return true;
}

static int month_length(int64_t year, int month) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : lengths[month - 1];
}

bool clock_parse_iso(const char *text, int64_t *wall_ms) {
    const char *at = text;
    int year = 0;
    int month = 0;
    int day = 0;
    if (!digits(&at, 4, &year) || !literal(&at, '-') || !digits(&at, 2, &month) || !literal(&at, '-') ||
        !digits(&at, 2, &day) || month < 1 || month > 12 || day < 1 || day > month_length(year, month))
        return false;
    int64_t ms = 0;
    int offset = 0;
    if (*at) {
        if (!literal(&at, 'T') && !literal(&at, 't') && !literal(&at, ' '))
            return false;
        if (!parse_time(&at, &ms) || !parse_offset(&at, &offset) || *at)
            return false;
    }
    *wall_ms = clock_days(year, month, day) * 86400000 + ms - (int64_t)offset * 60000;
    return true;
}

char *clock_duration(int64_t ms, char out[CLOCK_ISO_SIZE]) {
    int64_t seconds = ms > 0 ? ms / 1000 : 0;
    int64_t hours = seconds / 3600;
    if (hours)
        snprintf(out, CLOCK_ISO_SIZE, "%lld:%02d:%02d", (long long)hours, (int)(seconds / 60 % 60),
                 (int)(seconds % 60));
    else
        snprintf(out, CLOCK_ISO_SIZE, "%d:%02d", (int)(seconds / 60), (int)(seconds % 60));
    return out;
}
