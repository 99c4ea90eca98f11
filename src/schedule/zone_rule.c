#include "schedule/zone_rule.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

enum { DAY_SECONDS = 86400, HOURS_MOST = 167 };

/* What is left of the text. */
struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *c, char wanted) {
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool is_digit(const struct cursor *c) {
    return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static bool number(struct cursor *c, int least, int most, int *value) {
    if (!is_digit(c))
        return false;
    int found = 0;
    while (is_digit(c)) {
        found = found * 10 + (*c->at++ - '0');
        if (found > most)
            return false;
    }
    *value = found;
    return found >= least;
}

static bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool abbreviation(struct cursor *c, char out[ZONE_ABBREVIATION_SIZE]) {
    bool quoted = take(c, '<');
    const char *from = c->at;
    while (c->at < c->end && (is_letter(*c->at) || (quoted && (is_digit(c) || *c->at == '+' || *c->at == '-'))))
        c->at++;
    size_t length = (size_t)(c->at - from);
    if (length < 3 || length >= ZONE_ABBREVIATION_SIZE || (quoted && !take(c, '>')))
        return false;
    memcpy(out, from, length);
    out[length] = '\0';
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool clock_time(struct cursor *c, int hours_most, int64_t *seconds) {
    int sign = 1;
    if (take(c, '-'))
        sign = -1;
    else
        take(c, '+');
    int hours = 0;
    int minutes = 0;
    int rest = 0;
    if (!number(c, 0, hours_most, &hours))
        return false;
    if (take(c, ':') && (!number(c, 0, 59, &minutes) || (take(c, ':') && !number(c, 0, 59, &rest))))
        return false;
    *seconds = sign * ((int64_t)hours * 3600 + (int64_t)minutes * 60 + rest);
    return true;
}

static bool change(struct cursor *c, struct zone_change *out) {
    struct zone_change found = {.time = 7200};
    if (take(c, 'M')) {
        found.form = ZONE_DAY_WEEKDAY;
        if (!number(c, 1, 12, &found.month) || !take(c, '.') || !number(c, 1, 5, &found.week) || !take(c, '.') ||
            !number(c, 0, 6, &found.day))
            return false;
    } else if (take(c, 'J')) {
        found.form = ZONE_DAY_JULIAN;
        if (!number(c, 1, 365, &found.day))
            return false;
    } else {
        found.form = ZONE_DAY_OF_YEAR;
        if (!number(c, 0, 365, &found.day))
            return false;
    }
    if (take(c, '/') && !clock_time(c, HOURS_MOST, &found.time))
        return false;
    *out = found;
    return true;
}

bool zone_rule_parse(const char *text, size_t length, struct zone_rule *rule) {
    struct cursor c = {text, text + length};
    struct zone_rule found = {0};
    int64_t west = 0;
    if (!abbreviation(&c, found.standard) || !clock_time(&c, 24, &west))
        return false;
    found.standard_offset = -west; /* POSIX counts to the west */
    found.summer_offset = found.standard_offset + 3600;
    if (c.at < c.end) {
        found.changes = true;
        if (!abbreviation(&c, found.summer))
            return false;
        if (c.at < c.end && *c.at != ',') {
            if (!clock_time(&c, 24, &west))
                return false;
            found.summer_offset = -west;
        }
        if (!take(&c, ',') || !change(&c, &found.to_summer) || !take(&c, ',') || !change(&c, &found.to_standard))
            return false;
    }
    if (c.at != c.end)
        return false;
    *rule = found;
    return true;
}

static bool is_leap(int64_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970 of a change in a year. */
static int64_t change_day(const struct zone_change *change, int64_t year) {
    if (change->form == ZONE_DAY_OF_YEAR)
        return clock_days(year, 1, 1) + change->day;
    if (change->form == ZONE_DAY_JULIAN)
        return clock_days(year, 1, 1) + change->day - 1 + (is_leap(year) && change->day >= 60);
    int64_t first = clock_days(year, change->month, 1);
    int64_t next = change->month == 12 ? clock_days(year + 1, 1, 1) : clock_days(year, change->month + 1, 1);
    int64_t weekday = ((first % 7) + 11) % 7; /* 0 Sunday */
    int64_t day = first + (change->day - weekday + 7) % 7 + (int64_t)(change->week - 1) * 7;
    while (day >= next)
        day -= 7;
    return day;
}

struct turn {
    int64_t at;
    bool summer;
};

void zone_rule_period(const struct zone_rule *rule, int64_t utc, struct zone_period *period) {
    *period = (struct zone_period){INT64_MIN, INT64_MAX, rule->standard_offset, rule->standard};
    if (!rule->changes)
        return;
    int64_t year = 0;
    int month = 0;
    int day = 0;
    clock_civil(utc / DAY_SECONDS - (utc % DAY_SECONDS < 0), &year, &month, &day);
    /* The year of UTC may not be the local one, and the period may begin in the year before: five years surround it
     * all. Sorted as they come in, equal moments in their order, so that summer time all the year round has no holes.
     */
    struct turn turns[10];
    size_t count = 0;
    for (int64_t y = year - 2; y <= year + 2; y++) {
        for (int summer = 0; summer < 2; summer++) {
            const struct zone_change *change = summer ? &rule->to_summer : &rule->to_standard;
            int64_t before = summer ? rule->standard_offset : rule->summer_offset;
            struct turn turn = {change_day(change, y) * DAY_SECONDS + change->time - before, summer};
            size_t place = count++;
            for (; place > 0 && turns[place - 1].at > turn.at; place--)
                turns[place] = turns[place - 1];
            turns[place] = turn;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (turns[i].at > utc) {
            period->end = turns[i].at;
            break;
        }
        period->start = turns[i].at;
        period->offset = turns[i].summer ? rule->summer_offset : rule->standard_offset;
        period->abbreviation = turns[i].summer ? rule->summer : rule->standard;
    }
}
