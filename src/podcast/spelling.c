#include "podcast/spelling.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/spelling_match.h"

/* One character at text[at..length): its code and bytes. A byte that is no UTF-8 is a character that equals nothing. */
static size_t next_code(const char *text, size_t length, size_t at, uint32_t *code) {
    size_t bytes = utf8_decode(text + at, length - at, code);
    if (bytes)
        return bytes;
    *code = UINT32_MAX;
    return 1;
}

static bool is_word_code(uint32_t code) {
    if (code == '_')
        return true;
    if (code > 0x10FFFF)
        return false;
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return true;
    default:
        return false;
    }
}

/* Simple case folding through both mappings, so that sigma, final sigma and long s fold too. White space is a space: a
 * cue's text may be broken there. The typographic apostrophe is the plain one. */
static uint32_t fold(uint32_t code) {
    if (code == '\n' || code == '\r' || code == '\t' || code == 0xA0)
        return ' ';
    if (code == 0x2019)
        return '\'';
    if (code < 0x80)
        return code >= 'A' && code <= 'Z' ? code + 32 : code;
    if (code > 0x10FFFF)
        return code;
    return (uint32_t)utf8proc_tolower(utf8proc_toupper((utf8proc_int32_t)code));
}

static struct spelling_node *child_of(const struct spelling_node *node, uint32_t code) {
    struct spelling_node *child = node->child;
    while (child && child->code != code)
        child = child->next;
    return child;
}

/* The node where a text ends in the tree, made as needed. */
static struct spelling_node *plant(struct spelling *spelling, const char *text) {
    struct spelling_node *node = &spelling->root;
    size_t length = strlen(text);
    uint32_t code = 0;
    for (size_t at = 0; at < length;) {
        at += next_code(text, length, at, &code);
        struct spelling_node *child = child_of(node, fold(code));
        if (!child) {
            child = arena_alloc(spelling->arena, sizeof(*child));
            child->code = fold(code);
            child->next = node->child;
            node->child = child;
        }
        node = child;
    }
    return node;
}

/* The longest form that stands as whole words at `start`. */
static bool match_at(const struct spelling *spelling, const char *text, size_t length, size_t start,
                     struct spelling_match *match) {
    const struct spelling_node *node = &spelling->root;
    bool found = false;
    uint32_t code = 0;
    for (size_t at = start; at < length;) {
        at += next_code(text, length, at, &code);
        node = child_of(node, fold(code));
        if (!node)
            break;
        uint32_t after = ' ';
        if (at < length)
            next_code(text, length, at, &after);
        if (is_word_code(after))
            continue;
        bool right = node->right && strlen(node->right) == at - start && !memcmp(node->right, text + start, at - start);
        if (!right && !node->group)
            continue;
        *match = (struct spelling_match){.start = start, .end = at, .group = right ? 0 : node->group};
        found = true;
    }
    return found;
}

bool spelling_find(const struct spelling *spelling, const char *text, size_t length, size_t *from,
                   struct spelling_match *match) {
    bool after_word = false;
    uint32_t code = 0;
    if (*from > 0) {
        size_t last = *from - 1;
        while (last > 0 && ((unsigned char)text[last] & 0xC0) == 0x80)
            last--;
        next_code(text, length, last, &code);
        after_word = is_word_code(code);
    }
    for (size_t at = *from; at < length;) {
        if (!after_word && match_at(spelling, text, length, at, match)) {
            *from = match->end;
            return true;
        }
        at += next_code(text, length, at, &code);
        after_word = is_word_code(code);
    }
    *from = length;
    return false;
}

/* ---- loading ---- */

static bool is_plain(const json_t *value) {
    const char *text = json_string_value(value);
    if (!text || strlen(text) != json_string_length(value))
        return false;
    for (; *text; text++)
        if ((unsigned char)*text < 0x20)
            return false;
    return true;
}

static bool add_group(struct spelling *spelling, const json_t *row, size_t index, struct error *err) {
    const json_t *right = json_object_get(row, "correctedSpelling");
    const json_t *wrong = json_object_get(row, "misspellings");
    if (!is_plain(right) || !*json_string_value(right))
        return error_set(err, ERROR_INVALID, "correctionsToApply[%zu].correctedSpelling must be one line of text",
                         index);
    if (!json_is_array(wrong))
        return error_set(err, ERROR_INVALID, "correctionsToApply[%zu].misspellings must be a list", index);
    spelling->groups = arena_grow(spelling->arena, spelling->groups, spelling->group_count, &spelling->group_capacity,
                                  sizeof(*spelling->groups));
    const char *corrected = arena_text(spelling->arena, json_string_value(right));
    spelling->groups[spelling->group_count++].corrected = corrected;
    for (size_t i = 0; i < json_array_size(wrong); i++) {
        const json_t *value = json_array_get(wrong, i);
        if (!is_plain(value) || json_string_length(value) > LIMIT_SPELLING_BYTES)
            return error_set(err, ERROR_INVALID,
                             "correctionsToApply[%zu].misspellings[%zu] must be text of at most %d bytes", index, i,
                             LIMIT_SPELLING_BYTES);
        if (++spelling->rule_count > LIMIT_SPELLING_RULES)
            return error_set(err, ERROR_LIMIT, "more than %d misspellings", LIMIT_SPELLING_RULES);
        const char *text = text_trim(arena_text(spelling->arena, json_string_value(value)));
        struct spelling_node *node = *text ? plant(spelling, text) : NULL;
        if (node && !node->group)
            node->group = (uint32_t)spelling->group_count;
    }
    return true;
}

/* What is right already is known too, so that "Billy" inside a right "Billy Bob" is left alone, and applying twice
 * changes nothing more. */
static void plant_right_forms(struct spelling *spelling) {
    for (size_t i = 0; i < spelling->group_count; i++) {
        struct spelling_node *node = plant(spelling, spelling->groups[i].corrected);
        /* A form that is right for one row and wrong for another stays wrong, but for its own row. */
        if (!node->group || node->group == i + 1 ||
            !strcmp(spelling->groups[node->group - 1].corrected, spelling->groups[i].corrected))
            node->right = spelling->groups[i].corrected;
    }
}

static bool add_text(struct spelling *spelling, const char *text, size_t length, struct error *err) {
    JSON_OWNED json_t *root = json_parse(text, length, err);
    if (!root)
        return false;
    const json_t *rows = json_object_get(root, "correctionsToApply");
    if (!json_is_array(rows))
        return error_set(err, ERROR_INVALID, "correctionsToApply must be a list");
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (!add_group(spelling, json_array_get(rows, i), i, err))
            return false;
    return true;
}

static struct spelling *spelling_new(struct arena *arena) {
    struct spelling *spelling = arena_alloc(arena, sizeof(*spelling));
    spelling->arena = arena;
    return spelling;
}

struct spelling *spelling_parse(struct arena *arena, const char *text, size_t length, struct error *err) {
    struct spelling *spelling = spelling_new(arena);
    if (!add_text(spelling, text, length, err))
        return NULL;
    plant_right_forms(spelling);
    hash_text(HASH_SHA256, text, length, spelling->hash);
    return spelling;
}

struct loading {
    struct arena *arena;
    struct spelling *spelling;
    struct hash *hash;
    const char **warnings;
    size_t warning_count, warning_capacity;
};

static void warn(struct loading *loading, const char *text) {
    loading->warnings = arena_grow(loading->arena, loading->warnings, loading->warning_count,
                                   &loading->warning_capacity, sizeof(*loading->warnings));
    loading->warnings[loading->warning_count++] = text;
}

/* Adds a file's corrections, or none of them. */
static void load_file(struct loading *loading, const char *path) {
    char *text = NULL;
    size_t length = 0;
    struct error err = {0};
    if (!file_read(loading->arena, path, LIMIT_CONFIG_BYTES, &text, &length, &err)) {
        if (err.code != ERROR_ABSENT)
            warn(loading, arena_format(loading->arena, "%s; its corrections are left out", err.message));
        return;
    }
    if (!spelling_parse(loading->arena, text, length, &err) || !add_text(loading->spelling, text, length, &err)) {
        warn(loading, arena_format(loading->arena, "%s: %s; its corrections are left out", path, err.message));
        return;
    }
    hash_add(loading->hash, text, length);
    hash_add(loading->hash, "", 1);
}

struct spelling *spelling_load(struct arena *arena, const struct site *site, const char *workspace_root,
                               const char ***warnings, size_t *warning_count) {
    struct loading loading = {.arena = arena, .spelling = spelling_new(arena), .hash = hash_open(HASH_SHA256)};
    load_file(&loading, file_join(arena, site->folder, "spelling-corrections.json"));
    if (workspace_root) {
        load_file(&loading, file_join(arena, workspace_root, "_custom-spelling-corrections.json"));
        /* Where the older system had it. */
        load_file(&loading, file_join(arena, workspace_root, "packages/spelling/_custom-spelling-corrections.json"));
    }
    plant_right_forms(loading.spelling);
    hash_end(loading.hash, loading.spelling->hash);
    hash_close(loading.hash);
    if (warnings) {
        *warnings = loading.warnings;
        *warning_count = loading.warning_count;
    }
    return loading.spelling;
}

bool spelling_is_empty(const struct spelling *spelling) {
    return spelling->rule_count == 0;
}

const char *spelling_hash(const struct spelling *spelling) {
    return spelling->hash;
}
