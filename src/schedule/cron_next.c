/* Finding the next match. */
#include "base/clock.h"
#include "schedule/cron.h"

enum { DAY_MINUTES = 1440, SUNDAY = 1, SATURDAY = 7 };

static int month_length(int64_t year, int month) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : lengths[month - 1];
}

/* 1 Sunday to 7 Saturday, of a day when day 1 of the month is `first`. */
static int weekday_of(int day, int first) {
    return (first - 1 + day - 1) % 7 + 1;
}

/* The weekday nearest to a day within the month. */
static int nearest_weekday(int day, int first, int length) {
    int weekday = weekday_of(day, first);
    if (weekday == SATURDAY)
        return day > 1 ? day - 1 : day + 2;
    if (weekday == SUNDAY)
        return day < length ? day + 1 : day - 2;
    return day;
}

static uint32_t bit_of(int day) {
    return day > 0 ? (uint32_t)1 << day : 0;
}

static uint32_t days_of_month(const struct cron *cron, int first, int length) {
    uint32_t days = cron->days;
    if (cron->last_day)
        days |= (uint32_t)1 << length;
    if (cron->last_weekday)
        days |= bit_of(nearest_weekday(length, first, length));
    for (int day = 1; day <= length && cron->nearest; day++) {
        if (cron->nearest >> day & 1)
            days |= bit_of(nearest_weekday(day, first, length));
    }
    return days;
}

static uint32_t days_of_week(const struct cron *cron, int first, int length) {
    uint32_t days = 0;
    for (int day = 1; day <= length; day++) {
        int weekday = weekday_of(day, first);
        bool last = day + 7 > length;
        bool nth = cron->nth && weekday == cron->nth_weekday && (day - 1) / 7 + 1 == cron->nth;
        if ((cron->weekdays >> weekday & 1) || (last && (cron->last_weekdays >> weekday & 1)) || nth)
            days |= (uint32_t)1 << day;
    }
    return days;
}

uint32_t cron_days(const struct cron *cron, int64_t year, int month) {
    int length = month_length(year, month);
    int first = (int)(((clock_days(year, month, 1) % 7) + 11) % 7) + 1;
    uint32_t days = cron->by_weekday ? days_of_week(cron, first, length) : days_of_month(cron, first, length);
    return days & ((uint32_t)0xFFFFFFFE >> (31 - length));
}

/* The lowest bit at or above `from`; -1: none. */
static int next_bit(uint64_t bits, int from) {
    uint64_t rest = from < 64 ? bits >> from << from : 0;
    return rest ? __builtin_ctzll(rest) : -1;
}

/* The first match of a day at or after a minute of it; -1: none. */
static int next_minute(const struct cron *cron, int from) {
    int hour = next_bit(cron->hours, from / 60);
    if (hour < 0)
        return -1;
    if (hour > from / 60)
        return hour * 60 + next_bit(cron->minutes, 0);
    int minute = next_bit(cron->minutes, from % 60);
    if (minute >= 0)
        return hour * 60 + minute;
    hour = next_bit(cron->hours, hour + 1);
    return hour < 0 ? -1 : hour * 60 + next_bit(cron->minutes, 0);
}

static bool year_matches(const struct cron *cron, int64_t year) {
    int64_t bit = year - CRON_FIRST_YEAR;
    return cron->years[bit / 64] >> (bit % 64) & 1;
}

bool cron_next(const struct cron *cron, int64_t from, int64_t *next) {
    if (from < 0)
        from = 0; /* nothing is before 1970 */
    int64_t first_day = from / DAY_MINUTES;
    int64_t year = 0;
    int month = 0;
    int day = 0;
    clock_civil(first_day, &year, &month, &day);
    for (; year <= CRON_LAST_YEAR; year++, month = 1, day = 1) {
        if (!year_matches(cron, year))
            continue;
        for (; month <= 12; month++, day = 1) {
            if (!(cron->months >> month & 1))
                continue;
            uint32_t days = cron_days(cron, year, month);
            for (day = next_bit(days, day); day > 0; day = next_bit(days, day + 1)) {
                int64_t number = clock_days(year, month, day);
                int found = next_minute(cron, number == first_day ? (int)(from % DAY_MINUTES) : 0);
                if (found >= 0) {
                    *next = number * DAY_MINUTES + found;
                    return true;
                }
            }
        }
    }
    return false;
}
