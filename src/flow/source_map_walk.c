/* The walk over a JSON text (RFC 8259). What it says of a fault are the words of Jackson, the parser of the service:
 * those of the recorded cases, and its source's for the others (com.fasterxml.jackson.core, ReaderBasedJsonParser). */
#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/source_map_inside.h"

#define VALUES "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

struct walk {
    struct source_map *map;
    struct arena *arena;
    struct source_fault *fault;
    const char *text;
    size_t length;
    size_t at;
    int depth;
};

/* ---- faults ---- */

static bool fail(struct walk *walk, size_t start, size_t end, const char *message) {
    walk->fault->message = message;
    walk->fault->start = start;
    walk->fault->offset = end;
    return false;
}

static const char *character(struct walk *walk) {
    uint32_t code = 0;
    size_t bytes = utf8_decode(walk->text + walk->at, walk->length - walk->at, &code);
    if (!bytes)
        code = (unsigned char)walk->text[walk->at];
    if (code < 0x20 || code == 0x7F)
        return arena_format(walk->arena, "((CTRL-CHAR, code %u))", code);
    const char *shown = arena_text_part(walk->arena, walk->text + walk->at, bytes ? bytes : 1);
    return arena_format(walk->arena, "('%s' (code %u))", shown, code);
}

static bool fail_character(struct walk *walk, const char *what) {
    const char *message = arena_format(walk->arena, "Unexpected character %s%s", character(walk), what);
    return fail(walk, walk->at, walk->at + 1, message);
}

static bool fail_end(struct walk *walk, const char *what) {
    return fail(walk, walk->length, walk->length, arena_format(walk->arena, "Unexpected end-of-input%s", what));
}

static bool fail_open(struct walk *walk, size_t start, const char *kind) {
    const char *name = source_name(walk->arena, walk->text, walk->length, source_position_of(walk->text, start));
    return fail_end(walk, arena_format(walk->arena, ": expected close marker for %s (start marker at %s)", kind, name));
}

/* ---- the parts ---- */

static void begin_line(struct walk *walk, size_t offset) {
    struct source_map *map = walk->map;
    map->lines = arena_grow(walk->arena, map->lines, map->line_count, &map->line_capacity, sizeof(*map->lines));
    map->lines[map->line_count++] = (uint32_t)offset;
}

static bool ended(const struct walk *walk) {
    return walk->at >= walk->length;
}

static void skip_space(struct walk *walk) {
    for (; !ended(walk); walk->at++) {
        char c = walk->text[walk->at];
        if (c == '\n')
            begin_line(walk, walk->at + 1);
        else if (c != ' ' && c != '\t' && c != '\r')
            return;
    }
}

static bool read_hex(const char *text, uint32_t *code) {
    *code = 0;
    for (int i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)text[i]))
            return false;
        char c = text[i];
        *code = *code * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return true;
}

/* At a backslash: goes behind the escape. */
static bool skip_escape(struct walk *walk) {
    size_t start = walk->at++;
    if (ended(walk))
        return fail_end(walk, " in character escape sequence");
    char c = walk->text[walk->at];
    if (c == 'u') {
        uint32_t code;
        if (walk->length - walk->at < 5)
            return fail_end(walk, " in character escape sequence");
        if (!read_hex(walk->text + walk->at + 1, &code)) {
            walk->at++;
            return fail_character(walk, ": expected a hex-digit for character escape sequence");
        }
        walk->at += 5;
        return true;
    }
    if (!c || !strchr("\"\\/bfnrt", c))
        return fail(walk, start, walk->at + 1,
                    arena_format(walk->arena, "Unrecognized character escape %s", character(walk)));
    walk->at++;
    return true;
}

/* At the opening quote: goes behind the closing one. */
static bool skip_string(struct walk *walk, bool name, bool *escaped) {
    walk->at++;
    while (!ended(walk) && walk->text[walk->at] != '"') {
        unsigned char c = (unsigned char)walk->text[walk->at];
        if (c == '\\') {
            *escaped = true;
            if (!skip_escape(walk))
                return false;
        } else if (c < 0x20) {
            const char *message = arena_format(walk->arena,
                                               "Illegal unquoted character %s: has to be escaped using backslash to be "
                                               "included in %s",
                                               character(walk), name ? "name" : "string value");
            return fail(walk, walk->at, walk->at + 1, message);
        } else {
            walk->at++;
        }
    }
    if (ended(walk))
        return fail_end(walk, name ? " in field name" : ": was expecting closing quote for a string value");
    walk->at++;
    return true;
}

/* The text of a key. A lone surrogate becomes U+FFFD; jansson refuses such a text anyhow. */
static char *decode(struct walk *walk, size_t from, size_t to, uint32_t *length) {
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char *key = arena_alloc(walk->arena, to - from + 1);
    size_t count = 0;
    while (from < to) {
        char c = walk->text[from++];
        if (c != '\\') {
            key[count++] = c;
            continue;
        }
        c = walk->text[from++];
        if (c != 'u') {
            key[count++] = meant[strchr(plain, c) - plain];
            continue;
        }
        uint32_t code = 0, low = 0;
        (void)read_hex(walk->text + from, &code);
        from += 4;
        if (code >> 10 == 0x36 && to - from >= 6 && read_hex(walk->text + from + 2, &low) && low >> 10 == 0x37) {
            code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF);
            from += 6;
        }
        char bytes[4];
        size_t size = utf8_encode(code, bytes);
        if (!size)
            size = utf8_encode(0xFFFD, bytes);
        memcpy(key + count, bytes, size);
        count += size;
    }
    *length = (uint32_t)count;
    return key;
}

static bool skip_digits(struct walk *walk) {
    size_t from = walk->at;
    while (!ended(walk) && isdigit((unsigned char)walk->text[walk->at]))
        walk->at++;
    return walk->at > from;
}

static bool fail_digit(struct walk *walk, const char *what) {
    const char *words = arena_format(walk->arena, " in numeric value: %s", what);
    return ended(walk) ? fail_end(walk, words) : fail_character(walk, words);
}

static bool skip_number(struct walk *walk) {
    if (walk->text[walk->at] == '-')
        walk->at++;
    size_t first = walk->at;
    if (!skip_digits(walk))
        return fail_digit(walk, "expected digit (0-9) to follow minus sign, for valid numeric value");
    if (walk->text[first] == '0' && walk->at > first + 1)
        return fail(walk, first, first + 1, "Invalid numeric value: Leading zeroes not allowed");
    if (!ended(walk) && walk->text[walk->at] == '.') {
        walk->at++;
        if (!skip_digits(walk))
            return fail_digit(walk, "Decimal point not followed by a digit");
    }
    if (!ended(walk) && (walk->text[walk->at] | 0x20) == 'e') {
        walk->at++;
        if (!ended(walk) && strchr("+-", walk->text[walk->at]) && walk->text[walk->at])
            walk->at++;
        if (!skip_digits(walk))
            return fail_digit(walk, "Exponent indicator not followed by a digit");
    }
    return true;
}

/* true, false, null; or what stands there instead of a value. */
static bool skip_word(struct walk *walk) {
    size_t start = walk->at;
    while (!ended(walk) && (isalnum((unsigned char)walk->text[walk->at]) || walk->text[walk->at] == '_' ||
                            walk->text[walk->at] == '$' || (unsigned char)walk->text[walk->at] >= 0x80))
        walk->at++;
    size_t size = walk->at - start;
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (size == strlen(words[i]) && memcmp(walk->text + start, words[i], size) == 0)
            return true;
    }
    if (size == 0 || isdigit((unsigned char)walk->text[start]))
        return fail_character(walk, ": expected a valid value " VALUES);
    size_t shown = size > 64 ? utf8_cut(walk->text + start, 64) : size;
    return fail(walk, start, walk->at,
                arena_format(walk->arena, "Unrecognized token '%s%s': was expecting " VALUES,
                             arena_text_part(walk->arena, walk->text + start, shown), shown < size ? "..." : ""));
}

/* ---- values ---- */

static uint32_t add_node(struct walk *walk, uint32_t parent, uint32_t before) {
    struct source_map *map = walk->map;
    map->nodes = memory_grow(map->nodes, map->count, &map->capacity, sizeof(*map->nodes));
    uint32_t made = (uint32_t)map->count++;
    map->nodes[made] = (struct source_node){.offset = (uint32_t)walk->at,
                                            .index = before == SOURCE_NONE ? 0 : map->nodes[before].index + 1,
                                            .parent = parent,
                                            .first = SOURCE_NONE,
                                            .next = SOURCE_NONE,
                                            .last_found = SOURCE_NONE};
    if (before != SOURCE_NONE)
        map->nodes[before].next = made;
    else if (parent != SOURCE_NONE)
        map->nodes[parent].first = made;
    return made;
}

static bool walk_value(struct walk *walk, uint32_t node);

/* At a key: reads it, the colon, and stands at the value. */
static bool walk_key(struct walk *walk, uint32_t node) {
    size_t start = walk->at;
    bool escaped = false;
    if (!skip_string(walk, true, &escaped))
        return false;
    uint32_t length = (uint32_t)(walk->at - start - 2);
    const char *key = escaped ? decode(walk, start + 1, walk->at - 1, &length)
                              : arena_text_part(walk->arena, walk->text + start + 1, length);
    skip_space(walk);
    if (ended(walk))
        return fail_end(walk, " within/between Object entries");
    if (walk->text[walk->at] != ':')
        return fail_character(walk, ": was expecting a colon to separate field name and value");
    walk->at++;
    skip_space(walk);
    struct source_node *made = &walk->map->nodes[node];
    made->key = key;
    made->key_length = length;
    made->key_offset = (uint32_t)start;
    made->offset = (uint32_t)walk->at;
    return true;
}

/* Behind an entry: at the next one (*more), or behind the closing bracket. */
static bool walk_comma(struct walk *walk, size_t start, bool object, bool *more) {
    skip_space(walk);
    if (ended(walk))
        return fail_open(walk, start, object ? "Object" : "Array");
    char c = walk->text[walk->at];
    *more = c == ',';
    if (!*more && c != (object ? '}' : ']'))
        return fail_character(walk, object ? ": was expecting comma to separate Object entries"
                                           : ": was expecting comma to separate Array entries");
    walk->at++;
    skip_space(walk);
    return true;
}

static bool walk_entries(struct walk *walk, uint32_t node, size_t start, bool object) {
    uint32_t before = SOURCE_NONE;
    for (bool more = true; more;) {
        if (ended(walk))
            return fail_open(walk, start, object ? "Object" : "Array");
        if (object && walk->text[walk->at] != '"')
            return fail_character(walk, ": was expecting double-quote to start field name");
        uint32_t entry = add_node(walk, node, before);
        if (object && !walk_key(walk, entry))
            return false;
        if (!walk_value(walk, entry) || !walk_comma(walk, start, object, &more))
            return false;
        before = entry;
    }
    return true;
}

static bool walk_container(struct walk *walk, uint32_t node) {
    size_t start = walk->at++;
    bool object = walk->text[start] == '{';
    walk->map->nodes[node].container = true;
    if (++walk->depth > LIMIT_JSON_DEPTH) {
        walk->fault->too_deep = true;
        return fail(walk, start, start + 1,
                    arena_format(walk->arena, "The definition is nested deeper than %d levels", LIMIT_JSON_DEPTH));
    }
    skip_space(walk);
    if (!ended(walk) && walk->text[walk->at] == (object ? '}' : ']'))
        walk->at++;
    else if (!walk_entries(walk, node, start, object))
        return false;
    walk->depth--;
    return true;
}

static bool walk_value(struct walk *walk, uint32_t node) {
    if (ended(walk))
        return fail_end(walk, ": expected a value");
    char c = walk->text[walk->at];
    bool escaped = false;
    if (c == '{' || c == '[')
        return walk_container(walk, node);
    if (c == '"')
        return skip_string(walk, false, &escaped);
    if (c == '-' || isdigit((unsigned char)c))
        return skip_number(walk);
    return skip_word(walk);
}

static bool walk_text(struct walk *walk) {
    begin_line(walk, 0);
    if (walk->length >= UINT32_MAX)
        return fail(walk, 0, 0, "The definition is too long");
    skip_space(walk);
    if (!walk_value(walk, add_node(walk, SOURCE_NONE, SOURCE_NONE)))
        return false;
    skip_space(walk);
    return ended(walk) || fail_character(walk, ": was expecting the end of the text");
}

struct source_map *source_map_make(struct arena *arena, const char *text, size_t length, struct source_fault *fault) {
    struct source_map *map = arena_alloc(arena, sizeof(*map));
    struct walk walk = {map, arena, fault, text, length, 0, 0};
    *fault = (struct source_fault){0};
    map->text = text;
    map->length = length;
    if (!walk_text(&walk)) {
        source_map_close(map);
        return NULL;
    }
    source_map_note_duplicates(map, arena);
    return map;
}
