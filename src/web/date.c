/* One scanner for all forms. It goes through the text once and files each word or number by what it can be and what is
 * still missing: names of months, weekdays and zones cannot be mistaken for one another, a number with a colon is a
 * time, a sign behind the time is an offset. Only the all-digit order of ISO 8601 is looked at first. */
#include "web/date.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

enum { TEXT_AT_MOST = 200, NOT_SET = -1 };

struct scan {
    const char *at;
    int year, month, day;
    int hour, minute, second, millisecond;
    bool after_noon, before_noon;
    bool date_done; /* an ISO date was read: what follows is time and zone */
    bool zone_given;
    bool zone_named; /* by a name: an offset behind it ("GMT+2") counts on */
    bool zone_unknown;
    int zone_minutes;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t digits_at(const char *text) {
    return strspn(text, "0123456789");
}

static int number_of(const char *digits, size_t length) {
    int value = 0;
    for (size_t i = 0; i < length && i < 9; i++)
        value = value * 10 + (digits[i] - '0');
    return value;
}

/* ---- names ---- */

static const char *const months[] = {"january", "february", "march",     "april",   "may",      "june",
                                     "july",    "august",   "september", "october", "november", "december"};
static const char *const weekdays[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};

/* Minutes east of Greenwich. Where a name has several meanings, the one of date.h. */
static const struct {
    const char *name;
    int minutes;
} zones[] = {
    {"gmt", 0},        {"ut", 0},          {"utc", 0},        {"wet", 0},    {"z", 0},      {"est", -300},
    {"edt", -240},     {"cst", -360},      {"cdt", -300},     {"mst", -420}, {"mdt", -360}, {"pst", -480},
    {"pdt", -420},     {"et", -300},       {"ct", -360},      {"mt", -420},  {"pt", -480},  {"akst", -540},
    {"akdt", -480},    {"hst", -600},      {"hdt", -540},     {"ast", -240}, {"adt", -180}, {"nst", -210},
    {"ndt", -150},     {"brt", -180},      {"brst", -120},    {"art", -180}, {"clt", -240}, {"bst", 60},
    {"ist", 330},      {"west", 60},       {"cet", 60},       {"met", 60},   {"mez", 60},   {"cest", 120},
    {"mest", 120},     {"mesz", 120},      {"eet", 120},      {"eest", 180}, {"sast", 120}, {"cat", 120},
    {"eat", 180},      {"wat", 60},        {"msk", 180},      {"msd", 240},  {"trt", 180},  {"gst", 240},
    {"pkt", 300},      {"npt", 345},       {"ict", 420},      {"wib", 420},  {"hkt", 480},  {"sgt", 480},
    {"myt", 480},      {"pht", 480},       {"awst", 480},     {"jst", 540},  {"kst", 540},  {"acst", 570},
    {"acdt", 630},     {"aest", 600},      {"aedt", 660},     {"nzst", 720}, {"nzdt", 780}, {"eastern", -300},
    {"central", -360}, {"mountain", -420}, {"pacific", -480},
};

/* The index of the name that `word` is the first three letters of or more ("sept", "Tues", "thurs"), or -1. */
static int find_name(const char *const *names, size_t count, const char *word, size_t length) {
    for (size_t i = 0; i < count && length >= 3; i++) {
        if (length <= strlen(names[i]) && strncasecmp(names[i], word, length) == 0)
            return (int)i;
    }
    return -1;
}

/* RFC 822 section 5.1 with the true signs: A to I and K to M are +1 to +12, N to Y -1 to -12. J is nobody's. */
static bool military_zone(char letter, int *minutes) {
    char c = (char)(letter | 0x20);
    if (c >= 'a' && c <= 'i')
        *minutes = (c - 'a' + 1) * 60;
    else if (c >= 'k' && c <= 'm')
        *minutes = (c - 'k' + 10) * 60;
    else if (c >= 'n' && c <= 'y')
        *minutes = -(c - 'n' + 1) * 60;
    else
        return false;
    return true;
}

static bool find_zone(const char *word, size_t length, int *minutes) {
    for (size_t i = 0; i < ARRAY_LENGTH(zones); i++) {
        if (strlen(zones[i].name) == length && strncasecmp(zones[i].name, word, length) == 0) {
            *minutes = zones[i].minutes;
            return true;
        }
    }
    return length == 1 && military_zone(*word, minutes);
}

static bool word_is(const char *word, size_t length, const char *name) {
    return strlen(name) == length && strncasecmp(word, name, length) == 0;
}

/* ---- what a scan takes ---- */

static bool take_zone_word(struct scan *s, const char *word, size_t length) {
    if (s->zone_named && word_is(word, length, "daylight")) {
        s->zone_minutes += 60;
        return true;
    }
    if (s->zone_named && (word_is(word, length, "standard") || word_is(word, length, "time")))
        return true;
    if (s->zone_given)
        return true; /* "+0100 CET": the offset was first and is exact */
    int minutes = 0;
    if (find_zone(word, length, &minutes)) {
        s->zone_minutes = minutes;
        s->zone_given = s->zone_named = true;
        return true;
    }
    if (s->zone_unknown)
        return false;
    s->zone_unknown = true;
    return true;
}

static bool take_word(struct scan *s) {
    const char *word = s->at;
    size_t length = 0;
    while (is_alpha(word[length]))
        length++;
    s->at += length;
    if (!s->date_done && s->month == NOT_SET) {
        int month = find_name(months, ARRAY_LENGTH(months), word, length);
        if (month >= 0) {
            s->month = month + 1;
            return true;
        }
    }
    if (find_name(weekdays, ARRAY_LENGTH(weekdays), word, length) >= 0)
        return true;
    if (s->hour != NOT_SET) {
        if (word_is(word, length, "am") || word_is(word, length, "pm")) {
            s->after_noon = (word[0] | 0x20) == 'p';
            s->before_noon = !s->after_noon;
            return true;
        }
        return take_zone_word(s, word, length);
    }
    if (word_is(word, length, "at") || word_is(word, length, "t") || word_is(word, length, "of"))
        return true;
    /* A weekday of another language or a misspelt one in front of everything. */
    if (s->day == NOT_SET && s->month == NOT_SET && s->year == NOT_SET)
        return true;
    bool whole = s->day != NOT_SET && s->month != NOT_SET && s->year != NOT_SET;
    return whole && take_zone_word(s, word, length);
}

static void skip_blanks(const char **at) {
    while (**at == ' ' || **at == '\t')
        (*at)++;
}

/* ":05" behind a time, blanks around the colon allowed; *value stays when there is none. */
static bool take_minutes(const char **at, int *value) {
    const char *next = *at;
    skip_blanks(&next);
    if (*next != ':')
        return true;
    next++;
    skip_blanks(&next);
    size_t length = digits_at(next);
    if (length < 1 || length > 2)
        return false;
    *value = number_of(next, length);
    *at = next + length;
    return true;
}

static void take_fraction(const char **at, int *millisecond) {
    if ((**at != '.' && **at != ',') || !is_digit((*at)[1]))
        return;
    const char *digits = *at + 1;
    size_t length = digits_at(digits);
    int value = 0;
    for (size_t i = 0; i < 3; i++)
        value = value * 10 + (i < length ? digits[i] - '0' : 0);
    *millisecond = value;
    *at = digits + length;
}

/* At the digits of the hour. */
static bool take_time(struct scan *s, size_t hour_length) {
    if (s->hour != NOT_SET || hour_length > 2)
        return false;
    s->hour = number_of(s->at, hour_length);
    s->at += hour_length;
    s->minute = s->second = s->millisecond = 0;
    const char *before_seconds;
    if (!take_minutes(&s->at, &s->minute))
        return false;
    before_seconds = s->at;
    if (!take_minutes(&s->at, &s->second))
        return false;
    if (s->at != before_seconds)
        take_fraction(&s->at, &s->millisecond);
    return true;
}

/* "15", "1504", "150405" behind an ISO date. */
static bool take_basic_time(struct scan *s, size_t length) {
    if (s->hour != NOT_SET || (length != 2 && length != 4 && length != 6))
        return false;
    s->hour = number_of(s->at, 2);
    s->minute = length >= 4 ? number_of(s->at + 2, 2) : 0;
    s->second = length == 6 ? number_of(s->at + 4, 2) : 0;
    s->millisecond = 0;
    s->at += length;
    take_fraction(&s->at, &s->millisecond);
    return true;
}

static bool take_year(struct scan *s, int value, size_t length) {
    if (s->year != NOT_SET || length < 2 || length > 4)
        return false;
    if (length == 2)
        value += value < 50 ? 2000 : 1900;
    else if (length == 3)
        value += 1900;
    s->year = value;
    return true;
}

/* "1/2/2006": American order, unless the first number can be no month. */
static bool take_slashes(struct scan *s, size_t first_length) {
    if (s->day != NOT_SET || s->month != NOT_SET || first_length > 2)
        return false;
    int first = number_of(s->at, first_length);
    const char *at = s->at + first_length + 1;
    size_t length = digits_at(at);
    if (length < 1 || length > 2 || at[length] != '/')
        return false;
    int second = number_of(at, length);
    at += length + 1;
    length = digits_at(at);
    if (!take_year(s, number_of(at, length), length))
        return false;
    s->month = first > 12 ? second : first;
    s->day = first > 12 ? first : second;
    s->at = at + length;
    return true;
}

static bool take_number(struct scan *s) {
    size_t length = digits_at(s->at);
    const char *behind = s->at + length;
    skip_blanks(&behind);
    if (*behind == ':')
        return take_time(s, length);
    if (s->date_done)
        return take_basic_time(s, length);
    if (s->at[length] == '/')
        return take_slashes(s, length);
    int value = number_of(s->at, length);
    const char *word = s->at + length;
    if (s->day == NOT_SET && length <= 2) {
        s->day = value;
        /* "2nd", "1st": the letters go with the number. */
        if (is_alpha(word[0]) && is_alpha(word[1]) && !is_alpha(word[2]))
            word += word_is(word, 2, "st") || word_is(word, 2, "nd") || word_is(word, 2, "rd") || word_is(word, 2, "th")
                        ? 2
                        : 0;
        s->at = word;
        return true;
    }
    /* "3 PM" */
    if (s->year != NOT_SET && s->hour == NOT_SET && length <= 2) {
        const char *half = word;
        skip_blanks(&half);
        if ((half[0] | 0x20) == 'a' || (half[0] | 0x20) == 'p')
            return take_time(s, length);
    }
    s->at += length;
    return take_year(s, value, length);
}

/* At a sign behind the time: "+0100", "+01:00", "-5", "-530". */
static bool take_offset(struct scan *s) {
    int sign = *s->at == '-' ? -1 : 1;
    s->at++;
    skip_blanks(&s->at);
    size_t length = digits_at(s->at);
    if (!length)
        return true; /* a lone hyphen */
    if (length > 4)
        return false;
    int hours = number_of(s->at, length > 2 ? length - 2 : length);
    int minutes = length > 2 ? number_of(s->at + length - 2, 2) : 0;
    s->at += length;
    if (length <= 2 && !take_minutes(&s->at, &minutes))
        return false;
    int ignored = 0;
    if (hours > 15 || minutes > 59 || !take_minutes(&s->at, &ignored))
        return false;
    if (s->zone_given && !s->zone_named)
        return false;
    s->zone_minutes = (s->zone_named ? s->zone_minutes : 0) + sign * (hours * 60 + minutes);
    s->zone_given = true;
    s->zone_named = false;
    return true;
}

/* A date in ISO 8601's order at the start of the text; false if it is none (nothing was taken). */
static bool take_iso_date(struct scan *s) {
    const char *at = s->at;
    size_t length = digits_at(at);
    int year = number_of(at, 4);
    if (length == 8 && !is_digit(at[8])) {
        s->month = number_of(at + 4, 2);
        s->day = number_of(at + 6, 2);
        at += 8;
    } else if (length == 4 && (at[4] == '-' || at[4] == '/' || at[4] == '.') && is_digit(at[5])) {
        char between = at[4];
        size_t month = digits_at(at + 5);
        if (month > 2)
            return false;
        s->month = number_of(at + 5, month);
        s->day = 1;
        at += 5 + month;
        if (*at == between) {
            size_t day = digits_at(++at);
            if (day < 1 || day > 2)
                return false;
            s->day = number_of(at, day);
            at += day;
        }
    } else {
        return false;
    }
    s->year = year;
    s->date_done = true;
    if ((*at == 'T' || *at == 't' || *at == '_') && is_digit(at[1]))
        at++;
    s->at = at;
    return true;
}

static bool scan_all(struct scan *s) {
    const char *start = s->at;
    take_iso_date(s);
    while (*s->at) {
        char c = *s->at;
        bool ok = true;
        if (is_digit(c)) {
            ok = take_number(s);
        } else if (is_alpha(c)) {
            ok = take_word(s);
        } else if ((c == '+' || c == '-') && s->hour != NOT_SET) {
            ok = take_offset(s);
        } else if (strchr(" \t\r\n,.-;/'", c)) {
            s->at++;
        } else if ((unsigned char)c >= 0x80 && s->day == NOT_SET && s->at - start < 24) {
            s->at++; /* a letter of a weekday's name elsewhere */
        } else {
            ok = false;
        }
        if (!ok)
            return false;
    }
    return true;
}

/* ---- putting together ---- */

static int month_days(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool moment_of(struct scan *s, int64_t *ms) {
    if (s->hour == NOT_SET)
        s->hour = 0;
    if (s->year < 1900 || s->year > 9999 || s->month < 1 || s->month > 12 || s->day < 1 ||
        s->day > month_days(s->year, s->month))
        return false;
    if (s->after_noon && s->hour < 12)
        s->hour += 12;
    if (s->before_noon && s->hour == 12)
        s->hour = 0;
    bool midnight = s->hour == 24 && s->minute == 0 && s->second == 0;
    if ((s->hour > 23 && !midnight) || s->minute > 59 || s->second > 60)
        return false;
    int64_t minutes = (clock_days(s->year, s->month, s->day) * 24 + s->hour) * 60 + s->minute - s->zone_minutes;
    *ms = (minutes * 60 + s->second) * 1000 + s->millisecond;
    return true;
}

/* "1700000000" and "1700000000000". */
static bool parse_epoch(const char *text, int64_t *ms) {
    size_t length = digits_at(text);
    int64_t value = 0;
    if (text[length] || !text_to_int64(text, &value))
        return false;
    if (length == 9 || length == 10)
        *ms = value * 1000;
    else if (length == 12 || length == 13)
        *ms = value;
    else
        return false;
    return true;
}

/* Copies `text` without comments in parentheses (RFC 5322 section 3.2.2) and blanks at the ends. False when it is too
 * long. */
static bool clean(const char *text, char out[TEXT_AT_MOST]) {
    size_t made = 0;
    int depth = 0;
    for (; *text; text++) {
        if (*text == '(') {
            depth++;
        } else if (*text == ')' && depth) {
            depth--;
        } else if (!depth) {
            if (made >= TEXT_AT_MOST - 1)
                return false;
            out[made++] = *text;
        }
    }
    out[made] = 0;
    char *start = text_trim(out);
    memmove(out, start, strlen(start) + 1);
    return *out != 0;
}

bool date_parse_zone(const char *text, int64_t *ms, enum date_zone *zone) {
    char copy[TEXT_AT_MOST];
    if (!text || !clean(text, copy))
        return false;
    if (parse_epoch(copy, ms)) {
        if (zone)
            *zone = DATE_ZONE_GIVEN;
        return true;
    }
    struct scan s = {.at = copy, .year = NOT_SET, .month = NOT_SET, .day = NOT_SET, .hour = NOT_SET};
    int64_t made = 0;
    if (!scan_all(&s) || !moment_of(&s, &made))
        return false;
    *ms = made;
    if (zone)
        *zone = s.zone_given ? DATE_ZONE_GIVEN : s.zone_unknown ? DATE_ZONE_UNKNOWN : DATE_ZONE_NONE;
    return true;
}

bool date_parse(const char *text, int64_t *ms) {
    return date_parse_zone(text, ms, NULL);
}

char *date_rfc822(int64_t ms, char out[DATE_RFC822_SIZE]) {
    char http[CLOCK_ISO_SIZE];
    clock_http(ms, http);
    char *zone = strstr(http, "GMT");
    snprintf(out, DATE_RFC822_SIZE, "%.*s+0000", zone ? (int)(zone - http) : 0, http);
    return out;
}

bool date_parse_duration(const char *text, int64_t *seconds) {
    int64_t total = 0;
    unsigned parts = 0;
    if (!text)
        return false;
    while (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r')
        text++;
    for (;;) {
        size_t length = digits_at(text);
        if (length < 1 || length > 9 || ++parts > 3)
            return false;
        total = total * 60 + number_of(text, length);
        text += length;
        if (*text != ':')
            break;
        text++;
    }
    if (*text == '.') {
        text++;
        text += digits_at(text);
    }
    while (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r')
        text++;
    if (*text)
        return false;
    *seconds = total;
    return true;
}
