#include "base/option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/env_file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/option_value.h"

const struct option_row *option_row_find(const struct options *options, const char *name) {
    for (size_t i = 0; i < options->count; i++) {
        if (strcmp(options->rows[i].name, name) == 0)
            return &options->rows[i];
    }
    return NULL;
}

static struct option_value *value_of(const struct options *options, const char *name) {
    const struct option_row *row = option_row_find(options, name);
    if (!row) {
        fprintf(stderr, "tidemill: no option is named %s\n", name);
        abort();
    }
    return &options->values[row - options->rows];
}

static bool row_is_sound(const struct options *options, size_t index, struct error *err) {
    const struct option_row *row = &options->rows[index];
    for (size_t i = 0; i < index; i++) {
        const struct option_row *other = &options->rows[i];
        if (strcmp(row->name, other->name) == 0 || (row->flag && other->flag && strcmp(row->flag, other->flag) == 0) ||
            (row->letter && row->letter == other->letter))
            return error_set(err, ERROR_INTERNAL, "options %s and %s share a name or a flag", other->name, row->name);
    }
    if (!row->help || (row->type == OPTION_CHOICE && !row->choices))
        return error_set(err, ERROR_INTERNAL, "option %s lacks its help or its choices", row->name);
    return true;
}

struct options *options_open(const struct option_row *rows, size_t count, struct error *err) {
    struct options *options = memory_alloc(sizeof(*options));
    options->rows = rows;
    options->count = count;
    options->values = memory_alloc_array(count ? count : 1, sizeof(*options->values));
    for (size_t i = 0; i < count; i++) {
        bool sound = row_is_sound(options, i, err);
        if (sound && rows[i].otherwise)
            sound = option_value_read(&rows[i], rows[i].otherwise, &options->values[i], err);
        if (!sound) {
            options_close(options);
            return NULL;
        }
    }
    return options;
}

void options_close(struct options *options) {
    if (!options)
        return;
    for (size_t i = 0; i < options->count; i++) {
        if (options->rows[i].secret && options->values[i].text)
            memory_wipe(options->values[i].text, strlen(options->values[i].text));
        option_value_clear(&options->values[i]);
    }
    free(options->values);
    free(options);
}

bool options_set(struct options *options, const char *name, const char *value, enum option_origin origin,
                 const char *place, struct error *err) {
    struct option_value *old = value_of(options, name);
    const struct option_row *row = &options->rows[old - options->values];
    if (origin < old->origin)
        return true;
    struct option_value fresh = {0};
    if (row->type == OPTION_LIST && origin == old->origin && origin == ORIGIN_FLAG && old->text) {
        /* A repeated flag adds to the list. */
        char *joined = NULL;
        if (asprintf(&joined, "%s,%s", old->text, value) < 0)
            abort();
        bool done = option_value_read(row, joined, &fresh, err);
        free(joined);
        if (!done)
            return false;
    } else if (!option_value_read(row, value, &fresh, err)) {
        return error_context(err, "%s", place);
    }
    if (row->secret)
        redact_add(value);
    fresh.origin = origin;
    fresh.place = memory_text(place);
    option_value_clear(old);
    *old = fresh;
    return true;
}

/* The row one of whose environment names is name[0..length). */
static const struct option_row *row_of_environment(const struct options *options, const char *name, size_t length) {
    for (size_t i = 0; i < options->count; i++) {
        for (const char *at = options->rows[i].environment; at && *at;) {
            size_t size = strcspn(at, "|");
            if (size == length && strncmp(at, name, size) == 0)
                return &options->rows[i];
            at += size + (at[size] == '|');
        }
    }
    return NULL;
}

bool options_read_environment(struct options *options, const char *(*get)(const char *name), struct error *err) {
    for (size_t i = 0; i < options->count; i++) {
        const struct option_row *row = &options->rows[i];
        for (const char *at = row->environment; at && *at;) {
            size_t size = strcspn(at, "|");
            TEXT_OWNED char *name = memory_text_part(at, size);
            const char *value = get(name);
            if (value && *value) {
                TEXT_OWNED char *place = NULL;
                if (asprintf(&place, "environment %s", name) < 0)
                    abort();
                if (!options_set(options, row->name, value, ORIGIN_ENVIRONMENT, place, err))
                    return false;
                break;
            }
            at += size + (at[size] == '|');
        }
    }
    return true;
}

static bool env_entry(struct options *options, const struct env_entry *entry, const char *path, struct error *err) {
    const struct option_row *row = row_of_environment(options, entry->name, strlen(entry->name));
    if (!row || !*entry->value)
        return true;
    TEXT_OWNED char *place = NULL;
    if (asprintf(&place, "%s:%u", path, entry->line) < 0)
        abort();
    return options_set(options, row->name, entry->value, ORIGIN_ENV_FILE, place, err);
}

bool options_read_env_file(struct options *options, const char *path, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct env_file file;
    if (!env_file_read(arena, path, &file, err))
        return false;
    if (file.odd_line)
        return error_set(err, ERROR_CONFIG, "%s:%u: no NAME=value in the line", path, file.odd_line);
    for (size_t i = 0; i < file.count; i++) {
        if (!env_entry(options, &file.entries[i], path, err))
            return false;
    }
    return true;
}

const char *options_text(const struct options *options, const char *name) {
    return value_of(options, name)->text;
}

bool options_bool(const struct options *options, const char *name) {
    return value_of(options, name)->number != 0;
}

int64_t options_integer(const struct options *options, const char *name) {
    return value_of(options, name)->number;
}

bool options_is_set(const struct options *options, const char *name) {
    return value_of(options, name)->origin != ORIGIN_DEFAULT;
}

const char *const *options_list(const struct options *options, const char *name, size_t *count) {
    const struct option_value *value = value_of(options, name);
    *count = value->count;
    return (const char *const *)value->items;
}

const char *options_origin(const struct options *options, const char *name) {
    const struct option_value *value = value_of(options, name);
    return value->origin == ORIGIN_DEFAULT ? "default" : value->place;
}

const struct option_row *options_rows(const struct options *options, size_t *count) {
    *count = options->count;
    return options->rows;
}
