#include "base/option_value.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void option_value_clear(struct option_value *value) {
    for (size_t i = 0; i < value->count; i++)
        free(value->items[i]);
    free(value->items);
    free(value->text);
    free(value->place);
    *value = (struct option_value){0};
}

static bool read_bool(const char *text, int64_t *number) {
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < ARRAY_LENGTH(yes); i++) {
        if (text_equal_nocase(text, yes[i]) || text_equal_nocase(text, no[i])) {
            *number = text_equal_nocase(text, yes[i]);
            return true;
        }
    }
    return false;
}

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},         {"b", 1},         {"k", 1024},       {"kb", 1024},       {"kib", 1024},       {"m", 1048576},
    {"mb", 1048576}, {"mib", 1048576}, {"g", 1073741824}, {"gb", 1073741824}, {"gib", 1073741824},
};
static const struct unit duration_units[] = {
    {"ms", 1}, {"", 1000}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000},
};

static bool read_unit(const char *text, const struct unit *units, size_t count, int64_t *number) {
    size_t digits = strspn(text, "0123456789");
    TEXT_OWNED char *plain = memory_text_part(text, digits);
    int64_t value = 0;
    if (!text_to_int64(plain, &value))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (text_equal_nocase(text + digits, units[i].name))
            return !__builtin_mul_overflow(value, units[i].factor, number);
    }
    return false;
}

static bool is_choice(const char *choices, const char *text) {
    size_t length = strlen(text);
    for (const char *at = choices; *at;) {
        size_t size = strcspn(at, "|");
        if (size == length && strncmp(at, text, size) == 0)
            return true;
        at += size + (at[size] == '|');
    }
    return false;
}

static void read_list(const char *text, struct option_value *value) {
    size_t capacity = 0;
    for (const char *at = text; *at;) {
        size_t size = strcspn(at, ",");
        TEXT_OWNED char *part = memory_text_part(at, size);
        const char *trimmed = text_trim(part);
        if (*trimmed) {
            value->items = memory_grow(value->items, value->count + 1, &capacity, sizeof(*value->items));
            value->items[value->count++] = memory_text(trimmed);
        }
        at += size + (at[size] == ',');
    }
}

static bool fail(const struct option_row *row, const char *text, const char *wanted, struct error *err) {
    return error_set(err, ERROR_CONFIG, "%s: \"%s\" is not %s", row->name, row->secret ? "***" : text, wanted);
}

bool option_value_read(const struct option_row *row, const char *text, struct option_value *value, struct error *err) {
    int64_t number = 0;
    switch (row->type) {
    case OPTION_BOOL:
        if (!read_bool(text, &number))
            return fail(row, text, "true or false", err);
        break;
    case OPTION_INTEGER:
        if (!text_to_int64(text, &number))
            return fail(row, text, "a whole number", err);
        break;
    case OPTION_SIZE:
        if (!read_unit(text, size_units, ARRAY_LENGTH(size_units), &number))
            return fail(row, text, "a size such as 500k, 20m or 2g", err);
        break;
    case OPTION_DURATION:
        if (!read_unit(text, duration_units, ARRAY_LENGTH(duration_units), &number))
            return fail(row, text, "a duration such as 500ms, 30s, 5m or 2h", err);
        break;
    case OPTION_CHOICE:
        if (!is_choice(row->choices, text)) {
            fail(row, text, "a known choice", err);
            return error_hint(err, "choose one of %s", row->choices);
        }
        break;
    case OPTION_LIST:
    case OPTION_TEXT:
    case OPTION_PATH:
        break;
    }
    bool counted = row->type == OPTION_INTEGER || row->type == OPTION_SIZE || row->type == OPTION_DURATION;
    if (counted && row->most > row->least && (number < row->least || number > row->most))
        return error_set(err, ERROR_CONFIG, "%s: %s is outside %lld to %lld", row->name, text, (long long)row->least,
                         (long long)row->most);
    *value = (struct option_value){.text = memory_text(text), .number = number};
    if (row->type == OPTION_LIST)
        read_list(text, value);
    return true;
}
