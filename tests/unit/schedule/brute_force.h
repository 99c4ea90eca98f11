/* A second evaluation of cron(), that shares nothing with the first: every minute is turned into a calendar day by the
 * C library, and each field's text is asked whether it means the value. Slow and simple. */
#ifndef TIDEMILL_TESTS_UNIT_SCHEDULE_BRUTE_FORCE_H
#define TIDEMILL_TESTS_UNIT_SCHEDULE_BRUTE_FORCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* minutes, hours, day-of-month, month, day-of-week, year */
struct brute {
    char field[6][64];
    bool minute[60], hour[24];
};

static inline int brute_number(const char *text, char **end) {
    static const char *const names[] = {"JAN1", "FEB2", "MAR3",  "APR4",  "MAY5",  "JUN6", "JUL7",
                                        "AUG8", "SEP9", "OCT10", "NOV11", "DEC12", "SUN1", "MON2",
                                        "TUE3", "WED4", "THU5",  "FRI6",  "SAT7"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncmp(text, names[i], 3) == 0) {
            memcpy(end, &(const char *){text + 3}, sizeof(*end));
            return atoi(names[i] + 3);
        }
    }
    return (int)strtol(text, end, 10);
}

/* Does one item of a list (no L, W, #) mean the value? */
static inline bool brute_item(const char *item, int value, int least, int most) {
    char *end = NULL;
    int from = least;
    int to = most;
    if (*item == '*') {
        memcpy(&end, &(const char *){item + 1}, sizeof(end));
    } else {
        from = to = brute_number(item, &end);
        if (*end == '-')
            to = brute_number(end + 1, &end);
        else if (*end == '/')
            to = most;
    }
    int step = *end == '/' ? atoi(end + 1) : 1;
    for (int i = from;; i = i == most ? least : i + 1) {
        int distance = i >= from ? i - from : i - from + most - least + 1;
        if (i == value && distance % step == 0)
            return true;
        if (i == to)
            return false;
    }
}

static inline bool brute_list(const char *list, int value, int least, int most,
                              bool (*special)(const char *item, const struct tm *day), const struct tm *day) {
    char copy[64];
    snprintf(copy, sizeof(copy), "%s", list);
    char *rest = copy;
    for (char *item = strsep(&rest, ","); item; item = strsep(&rest, ",")) {
        if (special &&
            (strpbrk(item, "LW#") && !strstr(item, "WED") && !strstr(item, "JUL") && strcmp(item, "*") != 0)) {
            if (special(item, day))
                return true;
        } else if (brute_item(item, value, least, most)) {
            return true;
        }
    }
    return false;
}

static inline int brute_month_length(const struct tm *day) {
    struct tm other = {.tm_year = day->tm_year, .tm_mon = day->tm_mon + 1, .tm_mday = 0, .tm_hour = 12};
    timegm(&other);
    return other.tm_mday;
}

static inline int brute_weekday(const struct tm *day, int of) {
    struct tm other = {.tm_year = day->tm_year, .tm_mon = day->tm_mon, .tm_mday = of, .tm_hour = 12};
    timegm(&other);
    return other.tm_wday;
}

/* Is `day` the weekday next to day `of` of its month? Tries distances 0, 1, 2, the day before first at 1. */
static inline bool brute_near(const struct tm *day, int of) {
    static const int order[] = {0, -1, 1, -2, 2};
    int length = brute_month_length(day);
    if (of > length)
        return false;
    for (int i = 0; i < 5; i++) {
        int candidate = of + order[i];
        if (candidate < 1 || candidate > length)
            continue;
        int weekday = brute_weekday(day, candidate);
        if (weekday != 0 && weekday != 6)
            return candidate == day->tm_mday;
    }
    return false;
}

static inline bool brute_day_special(const char *item, const struct tm *day) {
    int length = brute_month_length(day);
    if (strcmp(item, "L") == 0)
        return day->tm_mday == length;
    if (strcmp(item, "LW") == 0)
        return brute_near(day, length);
    return brute_near(day, atoi(item));
}

static inline bool brute_weekday_special(const char *item, const struct tm *day) {
    if (strcmp(item, "L") == 0)
        return day->tm_wday == 6;
    char *end = NULL;
    if (brute_number(item, &end) - 1 != day->tm_wday)
        return false;
    if (*end == 'L')
        return day->tm_mday + 7 > brute_month_length(day);
    return (day->tm_mday + 6) / 7 == atoi(end + 1);
}

static inline void brute_open(struct brute *brute, const char *expression) {
    memset(brute, 0, sizeof(*brute));
    snprintf(brute->field[5], sizeof(brute->field[5]), "*");
    sscanf(expression, "cron(%63s %63s %63s %63s %63s %63[^)])", brute->field[0], brute->field[1], brute->field[2],
           brute->field[3], brute->field[4], brute->field[5]);
    brute->field[4][strcspn(brute->field[4], ")")] = '\0';
    for (int i = 0; i < 60; i++)
        brute->minute[i] = brute_list(brute->field[0], i, 0, 59, NULL, NULL);
    for (int i = 0; i < 24; i++)
        brute->hour[i] = brute_list(brute->field[1], i, 0, 23, NULL, NULL);
}

static inline bool brute_matches(const struct brute *brute, const struct tm *time) {
    if (!brute->minute[time->tm_min] || !brute->hour[time->tm_hour])
        return false;
    return (brute->field[2][0] == '?' || brute_list(brute->field[2], time->tm_mday, 1, 31, brute_day_special, time)) &&
           brute_list(brute->field[3], time->tm_mon + 1, 1, 12, NULL, NULL) &&
           (brute->field[4][0] == '?' ||
            brute_list(brute->field[4], time->tm_wday + 1, 1, 7, brute_weekday_special, time)) &&
           brute_list(brute->field[5], time->tm_year + 1900, 1970, 2199, NULL, NULL);
}

#endif
