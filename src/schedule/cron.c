/* Reading the fields. */
#include "schedule/cron.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                          "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const weekday_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

enum field { FIELD_MINUTE, FIELD_HOUR, FIELD_DAY, FIELD_MONTH, FIELD_WEEKDAY, FIELD_YEAR, FIELD_COUNT };

static const struct field_row {
    const char *name;
    int least, most;
    const char *const *names; /* of `least` and on */
    int name_count;
    bool wraps;
} fields[FIELD_COUNT] = {
    [FIELD_MINUTE] = {"minutes", 0, 59, NULL, 0, true},
    [FIELD_HOUR] = {"hours", 0, 23, NULL, 0, true},
    [FIELD_DAY] = {"day-of-month", 1, 31, NULL, 0, true},
    [FIELD_MONTH] = {"month", 1, 12, month_names, 12, true},
    [FIELD_WEEKDAY] = {"day-of-week", 1, 7, weekday_names, 7, true},
    [FIELD_YEAR] = {"year", CRON_FIRST_YEAR, CRON_LAST_YEAR, NULL, 0, false},
};

/* One field being read. Values are kept as bits of value - least. */
struct reading {
    struct cron *cron;
    enum field field;
    const struct field_row *row;
    const char *at, *end;
    uint64_t bits[4];
    size_t items;
    struct error *err;
};

static bool wrong(struct reading *r, const char *why) {
    return error_set(r->err, ERROR_INVALID, "the %s field: %s", r->row->name, why);
}

static bool take(struct reading *r, char c) {
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool at_item_end(const struct reading *r) {
    return r->at == r->end || *r->at == ',';
}

static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool named(struct reading *r, int *value) {
    for (int i = 0; i < r->row->name_count && r->end - r->at >= 3; i++) {
        const char *name = r->row->names[i];
        if (upper(r->at[0]) == name[0] && upper(r->at[1]) == name[1] && upper(r->at[2]) == name[2]) {
            r->at += 3;
            *value = i + r->row->least;
            return true;
        }
    }
    return false;
}

static bool digits(struct reading *r, int *value) {
    int found = 0;
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        found = found * 10 + (*r->at++ - '0');
        if (found > CRON_LAST_YEAR)
            return wrong(r, "a number is too large");
    }
    if (r->at == from)
        return wrong(r, "a number is missing or is not one");
    *value = found;
    return true;
}

static bool value(struct reading *r, int *out) {
    int found = 0;
    if (!named(r, &found) && !digits(r, &found))
        return false;
    if (found < r->row->least || found > r->row->most)
        return error_set(r->err, ERROR_INVALID, "the %s field: %d is not within %d to %d", r->row->name, found,
                         r->row->least, r->row->most);
    *out = found;
    return true;
}

static void set_range(struct reading *r, int from, int to, int step) {
    int span = r->row->most - r->row->least + 1;
    int length = to >= from ? to - from : to - from + span; /* over the end of the field */
    for (int i = 0; i <= length; i += step) {
        int bit = (from - r->row->least + i) % span;
        r->bits[bit / 64] |= (uint64_t)1 << (bit % 64);
    }
}

/* What may stand behind a single day: L, W, #. *taken: it did. */
static bool day_mark(struct reading *r, int day, bool *taken) {
    *taken = true;
    if (r->field == FIELD_DAY && take(r, 'W')) {
        r->cron->nearest |= (uint32_t)1 << day;
        return true;
    }
    if (r->field == FIELD_WEEKDAY && take(r, 'L')) {
        r->cron->last_weekdays |= (uint32_t)1 << day;
        return true;
    }
    if (r->field == FIELD_WEEKDAY && take(r, '#')) {
        int nth = 0;
        if (!digits(r, &nth))
            return false;
        if (nth < 1 || nth > 5)
            return wrong(r, "what follows # is not within 1 to 5");
        r->cron->nth_weekday = day;
        r->cron->nth = nth;
        return true;
    }
    *taken = false;
    return true;
}

/* L and LW of the month, L of the week. */
static bool last_mark(struct reading *r) {
    if (r->field == FIELD_WEEKDAY)
        set_range(r, 7, 7, 1);
    else if (take(r, 'W'))
        r->cron->last_weekday = true;
    else
        r->cron->last_day = true;
    return true;
}

static bool item(struct reading *r) {
    int from = r->row->least;
    int to = r->row->most;
    bool several = take(r, '*');
    if (!several) {
        if ((r->field == FIELD_DAY || r->field == FIELD_WEEKDAY) && take(r, 'L'))
            return last_mark(r);
        bool marked = false;
        if (!value(r, &from) || !day_mark(r, from, &marked))
            return false;
        if (marked)
            return true;
        to = from;
        if (take(r, '-')) {
            several = true;
            if (!value(r, &to))
                return false;
            if (to < from && !r->row->wraps)
                return wrong(r, "a range runs backwards");
        }
    }
    int step = 1;
    if (take(r, '/')) {
        if (!digits(r, &step))
            return false;
        if (step < 1 || step > r->row->most)
            return wrong(r, "the step is not within the field");
        if (!several)
            to = r->row->most; /* 5/15: from 5 on */
    }
    set_range(r, from, to, step);
    return true;
}

static bool read_items(struct reading *r) {
    do {
        r->items++;
        if (!item(r))
            return false;
        if (!at_item_end(r))
            return wrong(r, "something follows that has no meaning there");
    } while (take(r, ','));
    if (r->cron->nth && r->field == FIELD_WEEKDAY && r->items > 1)
        return wrong(r, "with # there can be one expression only");
    return true;
}

static void keep(const struct reading *r) {
    struct cron *cron = r->cron;
    switch (r->field) {
    case FIELD_MINUTE:
        cron->minutes = r->bits[0];
        break;
    case FIELD_HOUR:
        cron->hours = (uint32_t)r->bits[0];
        break;
    case FIELD_DAY:
        cron->days = (uint32_t)(r->bits[0] << 1);
        break;
    case FIELD_MONTH:
        cron->months = (uint32_t)(r->bits[0] << 1);
        break;
    case FIELD_WEEKDAY:
        cron->weekdays = (uint32_t)(r->bits[0] << 1);
        break;
    default:
        memcpy(cron->years, r->bits, sizeof(cron->years));
        break;
    }
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* Parts between blanks; one too many is counted, not kept. */
static size_t split(const char *text, size_t length, const char *from[FIELD_COUNT], const char *to[FIELD_COUNT]) {
    size_t count = 0;
    for (size_t at = 0; at < length;) {
        size_t start = at;
        while (at < length && !is_blank(text[at]))
            at++;
        if (at > start) {
            if (count < FIELD_COUNT) {
                from[count] = text + start;
                to[count] = text + at;
            }
            count++;
        }
        while (at < length && is_blank(text[at]))
            at++;
    }
    return count;
}

bool cron_parse(const char *text, size_t length, struct cron *cron, struct error *err) {
    const char *from[FIELD_COUNT];
    const char *to[FIELD_COUNT];
    size_t count = split(text, length, from, to);
    if (count < FIELD_YEAR || count > FIELD_COUNT || is_blank(text[0]) || is_blank(text[length - 1]))
        return error_set(err, ERROR_INVALID,
                         "cron() has the fields minutes, hours, day-of-month, month, day-of-week and year, with blanks "
                         "between them");
    struct cron found = {0};
    bool any_day[FIELD_COUNT] = {false};
    for (int i = 0; i < FIELD_COUNT; i++) {
        struct reading r = {.cron = &found, .field = (enum field)i, .row = &fields[i], .err = err};
        bool given = (size_t)i < count;
        r.at = given ? from[i] : "*"; /* no year is every year */
        r.end = given ? to[i] : r.at + 1;
        any_day[i] = (i == FIELD_DAY || i == FIELD_WEEKDAY) && r.end - r.at == 1 && *r.at == '?';
        if (!any_day[i] && !read_items(&r))
            return false;
        keep(&r);
    }
    if (any_day[FIELD_DAY] == any_day[FIELD_WEEKDAY])
        return error_set(err, ERROR_INVALID, "exactly one of day-of-month and day-of-week must be ?");
    found.by_weekday = any_day[FIELD_DAY];
    *cron = found;
    return true;
}
