/* Timestamps: RFC 3339 section 5.6 with a capital T and a zone, as the service takes them ("ISO-8601 extended offset
 * date-time"). */
#include <string.h>

#include "flow/expression.h"

/* `count` digits at *text, which moves on. */
static bool digits(const char **text, int count, int *value) {
    *value = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        *value = *value * 10 + (**text - '0');
    }
    return true;
}

static bool mark(const char **text, char c) {
    if (**text != c)
        return false;
    (*text)++;
    return true;
}

static int month_days(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Days from 1970-01-01 (the civil calendar, running on to the past), by eras of 400 years that start in March. */
static int64_t days_from_epoch(int year, int month, int day) {
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* ".123456": milliseconds, what is finer is cut off; at most nine digits, as Java has them. */
static bool fraction(const char **text, int *ms) {
    *ms = 0;
    if (!mark(text, '.'))
        return true;
    int scale = 100, count = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++, count++) {
        *ms += (**text - '0') * scale;
        scale /= 10;
    }
    return count >= 1 && count <= 9;
}

/* "Z", "+01:00": seconds east of UTC. */
static bool zone(const char **text, int *offset_s) {
    *offset_s = 0;
    if (mark(text, 'Z'))
        return true;
    int sign = **text == '-' ? -1 : 1, hours = 0, minutes = 0;
    if (!mark(text, '+') && !mark(text, '-'))
        return false;
    if (!digits(text, 2, &hours) || !mark(text, ':') || !digits(text, 2, &minutes) || hours > 18 || minutes > 59)
        return false;
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return hours < 18 || minutes == 0;
}

bool expression_timestamp(const char *text, int64_t *wall_ms) {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0, offset_s = 0;
    if (!digits(&text, 4, &year) || !mark(&text, '-') || !digits(&text, 2, &month) || !mark(&text, '-') ||
        !digits(&text, 2, &day) || !mark(&text, 'T') || !digits(&text, 2, &hour) || !mark(&text, ':') ||
        !digits(&text, 2, &minute) || !mark(&text, ':') || !digits(&text, 2, &second))
        return false;
    if (!fraction(&text, &ms) || !zone(&text, &offset_s) || *text)
        return false;
    if (month < 1 || month > 12 || day < 1 || day > month_days(year, month) || hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t minutes = days_from_epoch(year, month, day) * 1440 + (int64_t)hour * 60 + minute;
    int64_t seconds = minutes * 60 + second - offset_s;
    *wall_ms = seconds * 1000 + ms;
    return true;
}
