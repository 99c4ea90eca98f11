/* Flags. Declared in base/option.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/option.h"
#include "base/option_value.h"

struct flag_reader {
    struct options *options;
    bool (*allowed)(void *to, const struct option_row *row);
    void *to;
    struct error *err;
};

static const struct option_row *row_of_flag(const struct flag_reader *reader, const char *flag, size_t length) {
    for (size_t i = 0; i < reader->options->count; i++) {
        const struct option_row *row = &reader->options->rows[i];
        if (row->flag && strlen(row->flag) == length && strncmp(row->flag, flag, length) == 0 &&
            reader->allowed(reader->to, row))
            return row;
    }
    return NULL;
}

static const struct option_row *row_of_letter(const struct flag_reader *reader, char letter) {
    for (size_t i = 0; i < reader->options->count; i++) {
        const struct option_row *row = &reader->options->rows[i];
        if (row->letter == letter && reader->allowed(reader->to, row))
            return row;
    }
    return NULL;
}

static bool unknown(const struct flag_reader *reader, const char *flag, size_t length) {
    const char **names = memory_alloc_array(reader->options->count + 1, sizeof(*names));
    size_t count = 0;
    for (size_t i = 0; i < reader->options->count; i++) {
        const struct option_row *row = &reader->options->rows[i];
        if (row->flag && reader->allowed(reader->to, row))
            names[count++] = row->flag;
    }
    TEXT_OWNED char *name = memory_text_part(flag, length);
    const char *near = text_nearest(name, names, count);
    error_set(reader->err, ERROR_USAGE, "unknown flag --%s", name);
    if (near)
        error_hint(reader->err, "did you mean --%s?", near);
    else
        error_hint(reader->err, "--help lists the flags");
    free(names);
    return false;
}

static bool set_flag(const struct flag_reader *reader, const struct option_row *row, const char *value) {
    char place[96];
    snprintf(place, sizeof(place), "flag --%s", row->flag);
    if (options_set(reader->options, row->name, value, ORIGIN_FLAG, place, reader->err))
        return true;
    if (reader->err)
        reader->err->code = ERROR_USAGE;
    return false;
}

/* argv[*at] is "--…"; moves *at on past a value that stands in a word of its own. */
static bool long_flag(const struct flag_reader *reader, int argc, char **argv, int *at) {
    const char *flag = argv[*at] + 2;
    size_t length = strcspn(flag, "=");
    const char *value = flag[length] ? flag + length + 1 : NULL;
    const struct option_row *row = row_of_flag(reader, flag, length);
    if (!row && text_starts(flag, "no-") && !value) {
        row = row_of_flag(reader, flag + 3, length - 3);
        if (row && row->type == OPTION_BOOL)
            return set_flag(reader, row, "false");
        row = NULL;
    }
    if (!row)
        return unknown(reader, flag, length);
    if (!value && row->type == OPTION_BOOL)
        value = "true";
    if (!value && *at + 1 < argc)
        value = argv[++*at];
    if (!value)
        return error_set(reader->err, ERROR_USAGE, "--%s needs a value (%s)", row->flag,
                         row->value_name ? row->value_name : "VALUE");
    return set_flag(reader, row, value);
}

/* argv[*at] is "-x" or "-xVALUE". */
static bool short_flag(const struct flag_reader *reader, int argc, char **argv, int *at) {
    const char *letters = argv[*at] + 1;
    const struct option_row *row = row_of_letter(reader, *letters);
    if (!row) {
        error_set(reader->err, ERROR_USAGE, "unknown flag -%c", *letters);
        return error_hint(reader->err, "--help lists the flags");
    }
    if (row->type == OPTION_BOOL) {
        for (; *letters; letters++) {
            row = row_of_letter(reader, *letters);
            if (!row || row->type != OPTION_BOOL)
                return error_set(reader->err, ERROR_USAGE, "unknown flag -%c", *letters);
            if (!set_flag(reader, row, "true"))
                return false;
        }
        return true;
    }
    const char *value = letters[1] ? letters + 1 : *at + 1 < argc ? argv[++*at] : NULL;
    if (!value)
        return error_set(reader->err, ERROR_USAGE, "-%c needs a value", row->letter);
    return set_flag(reader, row, value);
}

bool options_read_flags(struct options *options, int argc, char **argv,
                        bool (*allowed)(void *to, const struct option_row *row), void *to, char ***words,
                        size_t *word_count, struct error *err) {
    struct flag_reader reader = {options, allowed, to, err};
    char **found = memory_alloc_array((size_t)argc + 1, sizeof(*found));
    size_t count = 0;
    bool ended = false;
    for (int at = 1; at < argc; at++) {
        bool done = true;
        if (!ended && strcmp(argv[at], "--") == 0)
            ended = true;
        else if (!ended && text_starts(argv[at], "--"))
            done = long_flag(&reader, argc, argv, &at);
        else if (!ended && argv[at][0] == '-' && argv[at][1])
            done = short_flag(&reader, argc, argv, &at);
        else
            found[count++] = argv[at];
        if (!done) {
            free(found);
            return false;
        }
    }
    *words = found;
    *word_count = count;
    return true;
}
