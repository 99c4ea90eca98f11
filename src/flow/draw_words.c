/* The words of a picture: how wide they are, where they break, what a rule says in one line. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/draw_inside.h"

enum { VALUE_CHARACTERS = 24, TITLE_CHARACTERS = 400, RULE_DEPTH_MOST = 8 };

#define ELLIPSIS "\xE2\x80\xA6"

/* Widths in parts of the font's size, for a semibold sans serif. Full-width characters: Unicode Standard Annex 11, the
 * blocks from Hangul Jamo on that are wide throughout. */
static double character_width(uint32_t code) {
    if (code < 0x80) {
        if (strchr("ijlI.,:;'|!()[]{}/\\ ftr-", (int)code))
            return 0.42;
        return strchr("mwMW@%", (int)code) ? 0.95 : code >= 'A' && code <= 'Z' ? 0.74 : 0.64;
    }
    bool wide = (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
                (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
                (code >= 0xFF00 && code <= 0xFF60) || code >= 0x1F300;
    return wide ? 1.05 : 0.7;
}

/* The character at *at; what is no UTF-8 counts as U+FFFD of one byte. */
static uint32_t next_character(const char *text, size_t length, size_t *at) {
    uint32_t code = 0xFFFD;
    size_t bytes = utf8_decode(text + *at, length - *at, &code);
    *at += bytes ? bytes : 1;
    return bytes ? code : 0xFFFD;
}

double draw_text_width(const char *text, double size) {
    double width = 0;
    size_t length = strlen(text);
    for (size_t at = 0; at < length;)
        width += character_width(next_character(text, length, &at)) * size;
    return width;
}

/* Bytes of `text` that fit `width`. */
static size_t fitting(const char *text, double size, double width) {
    size_t length = strlen(text), at = 0;
    double used = 0;
    while (at < length) {
        size_t next = at;
        used += character_width(next_character(text, length, &next)) * size;
        if (used > width)
            break;
        at = next;
    }
    return at;
}

/* A good place to break within the first `most` bytes: behind a space or sign, or before a capital; else `most`. */
static size_t break_at(const char *text, size_t most) {
    for (size_t at = most; at > most / 3; at--) {
        char before = text[at - 1], here = text[at];
        bool capital = here >= 'A' && here <= 'Z' && !(before >= 'A' && before <= 'Z');
        if (strchr(" -_./:", before) || capital)
            return at;
    }
    return most;
}

const char *draw_fit(struct arena *arena, const char *text, double size, double width) {
    if (!text[fitting(text, size, width)])
        return text;
    size_t fits = fitting(text, size, width - character_width(0x2026) * size);
    return arena_format(arena, "%.*s" ELLIPSIS, (int)fits, text);
}

size_t draw_wrap(struct arena *arena, const char *name, double size, double width, const char *lines[DRAW_LINES_MOST]) {
    size_t count = 0;
    const char *rest = name;
    while (*rest && count < DRAW_LINES_MOST) {
        size_t fits = fitting(rest, size, width);
        if (!rest[fits]) {
            lines[count++] = arena_text(arena, rest);
            return count;
        }
        if (fits == 0)
            fits = strlen(rest); /* one character is wider than the box: cannot be, but must end */
        if (count + 1 == DRAW_LINES_MOST) {
            lines[count++] = draw_fit(arena, rest, size, width);
            return count;
        }
        fits = break_at(rest, fits);
        lines[count++] = arena_text_part(arena, rest, fits);
        rest += fits;
        rest += strspn(rest, " ");
    }
    return count;
}

const char *draw_cut(struct arena *arena, const char *text, size_t characters) {
    size_t length = strlen(text), at = 0, last = 0;
    for (size_t count = 0; at < length; count++) {
        if (count == characters)
            return arena_format(arena, "%.*s" ELLIPSIS, (int)last, text);
        if (count + 1 < characters)
            last = at;
        next_character(text, length, &at);
        if (count + 1 < characters)
            last = at;
    }
    return text;
}

/* ---- rules ---- */

static const struct {
    const char *name, *sign;
} operators[] = {
    {"GreaterThanEquals", ">="}, {"LessThanEquals", "<="}, {"GreaterThan", ">"},
    {"LessThan", "<"},           {"Matches", "matches"},   {"Equals", "="},
};
static const struct {
    const char *name, *yes, *no;
} tests[] = {
    {"IsNull", "is null", "is not null"},
    {"IsPresent", "is there", "is not there"},
    {"IsString", "is a text", "is no text"},
    {"IsNumeric", "is a number", "is no number"},
    {"IsBoolean", "is true or false", "is neither true nor false"},
    {"IsTimestamp", "is a time", "is no time"},
};

static void append_rule(struct arena *arena, struct text *out, const json_t *rule, int depth);

static void append_list(struct arena *arena, struct text *out, const json_t *rules, const char *word, int depth) {
    size_t i;
    json_t *rule;
    json_array_foreach (rules, i, rule) {
        bool nested = json_object_get(rule, "And") || json_object_get(rule, "Or");
        text_append(out, i ? word : "");
        text_append(out, nested ? "(" : "");
        append_rule(arena, out, rule, depth + 1);
        text_append(out, nested ? ")" : "");
    }
}

static void append_comparison(struct arena *arena, struct text *out, const json_t *rule) {
    const char *key;
    json_t *value;
    text_append(out, json_get_text(rule, "Variable", "?"));
    json_object_foreach ((json_t *)(uintptr_t)rule, key, value) {
        for (size_t i = 0; i < ARRAY_LENGTH(tests); i++) {
            if (strcmp(key, tests[i].name) == 0)
                text_append_format(out, " %s", json_is_true(value) ? tests[i].yes : tests[i].no);
        }
        const char *found = NULL;
        size_t sign = 0;
        for (; sign < ARRAY_LENGTH(operators) && !found; sign++)
            found = strstr(key, operators[sign].name);
        if (!found || found == key)
            continue;
        TEXT_OWNED char *shown = json_is_string(value) && text_ends(key, "Path") ? memory_text(json_string_value(value))
                                                                                 : json_text(value, 0);
        text_append_format(out, " %s %s", operators[sign - 1].sign, draw_cut(arena, shown, VALUE_CHARACTERS));
    }
}

static void append_rule(struct arena *arena, struct text *out, const json_t *rule, int depth) {
    const json_t *list;
    if (depth > RULE_DEPTH_MOST) {
        text_append(out, ELLIPSIS);
    } else if ((list = json_object_get(rule, "And"))) {
        append_list(arena, out, list, " and ", depth);
    } else if ((list = json_object_get(rule, "Or"))) {
        append_list(arena, out, list, " or ", depth);
    } else if ((list = json_object_get(rule, "Not"))) {
        text_append(out, "not (");
        append_rule(arena, out, list, depth + 1);
        text_append(out, ")");
    } else if ((list = json_object_get(rule, "Condition"))) {
        const char *text = json_is_string(list) ? json_string_value(list) : "";
        size_t skip = text_starts(text, "{%") ? 2 : 0, length = strlen(text);
        char *inside = arena_text_part(arena, text + skip, length - skip - (skip && text_ends(text, "%}") ? 2 : 0));
        text_append(out, text_trim(inside));
    } else {
        append_comparison(arena, out, rule);
    }
}

const char *draw_rule(struct arena *arena, const json_t *rule) {
    struct text out;
    text_open(&out, 32 * KIB);
    append_rule(arena, &out, rule, 0);
    const char *line = draw_cut(arena, arena_text(arena, text_value(&out)), TITLE_CHARACTERS);
    text_close(&out);
    return line;
}

const char *draw_errors(struct arena *arena, const char *const *errors, size_t count) {
    struct text out;
    text_open(&out, 32 * KIB);
    for (size_t i = 0; i < count; i++)
        text_append_format(&out, "%s%s", i ? ", " : "", errors[i]);
    const char *line = draw_cut(arena, arena_text(arena, text_value(&out)), TITLE_CHARACTERS);
    text_close(&out);
    return line;
}

/* ---- details ---- */

/* What a Resource calls, in short: "lambda: invoke", "podcast.transcribe". */
static const char *resource_detail(struct arena *arena, const struct resource *resource) {
    if (resource->name && resource->name[0])
        return resource->kind == RESOURCE_ACTIVITY ? arena_format(arena, "activity %s", resource->name)
               : resource->kind == RESOURCE_LAMBDA ? arena_format(arena, "lambda %s", resource->name)
                                                   : resource->name;
    if (resource->type && resource->action)
        return arena_format(arena, "%s: %s", resource->type, resource->action);
    const char *text = resource->text ? resource->text : "";
    const char *colon = strrchr(text, ':');
    return colon ? colon + 1 : text;
}

static const char *wait_detail(struct arena *arena, const struct state *state) {
    if (state->seconds.given)
        return state->seconds.path ? "some seconds" : arena_format(arena, "%g s", state->seconds.value);
    if (state->timestamp.given)
        return state->timestamp.path || !state->timestamp.value ? "until a time" : state->timestamp.value;
    return "";
}

const char *draw_detail(struct arena *arena, const struct state *state) {
    const char *more = "";
    if (state->type == STATE_TASK)
        more = resource_detail(arena, &state->resource);
    else if (state->type == STATE_WAIT)
        more = wait_detail(arena, state);
    else if (state->type == STATE_MAP)
        more = state->map.distributed ? "distributed" : "";
    else if (state->type == STATE_FAIL && state->error.given && !state->error.path && state->error.value)
        more = state->error.value;
    return draw_cut(arena, more, 60);
}
