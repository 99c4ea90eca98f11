/* What all expressions share: texts, comparisons. */
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "flow/path.h"

const char *expression_text(struct arena *arena, const json_t *value, size_t ceiling, size_t *length) {
    TEXT_SCOPED struct text text;
    text_open(&text, ceiling);
    if (!json_append(&text, value, 0))
        return NULL;
    if (length)
        *length = text.length;
    return arena_text_part(arena, text_value(&text), text.length);
}

/* In UTF-16 the characters beyond U+FFFF (lead bytes F0 and above) come before U+E000 to U+FFFF (EE and EF). */
static int unit_rank(unsigned char byte) {
    return byte >= 0xF0 ? 0xED : byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte;
}

int expression_compare_texts(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t shorter = a_length < b_length ? a_length : b_length;
    for (size_t i = 0; i < shorter; i++) {
        if (a[i] != b[i]) {
            int left = unit_rank((unsigned char)a[i]), right = unit_rank((unsigned char)b[i]);
            return left != right ? left - right : (unsigned char)a[i] - (unsigned char)b[i];
        }
    }
    return a_length < b_length ? -1 : a_length > b_length;
}

int expression_compare_numbers(const json_t *a, const json_t *b) {
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t left = json_integer_value(a), right = json_integer_value(b);
        return left < right ? -1 : left > right;
    }
    double left = json_number_value(a), right = json_number_value(b);
    return left < right ? -1 : left > right;
}

static bool objects_equal(const json_t *a, const json_t *b, size_t *budget) {
    if (json_object_size(a) != json_object_size(b))
        return false;
    const char *key = NULL;
    size_t length = 0;
    json_t *value = NULL;
    json_object_keylen_foreach((json_t *)(uintptr_t)a, key, length, value) {
        const json_t *other = json_object_getn(b, key, length);
        if (!other || !expression_equal(value, other, budget))
            return false;
    }
    return true;
}

static bool arrays_equal(const json_t *a, const json_t *b, size_t *budget) {
    size_t size = json_array_size(a);
    if (size != json_array_size(b))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!expression_equal(json_array_get(a, i), json_array_get(b, i), budget))
            return false;
    }
    return true;
}

bool expression_equal(const json_t *a, const json_t *b, size_t *budget) {
    if (*budget == 0 || json_typeof(a) != json_typeof(b))
        return false;
    --*budget;
    if (a == b)
        return true;
    if (json_is_number(a))
        return expression_compare_numbers(a, b) == 0;
    if (json_is_object(a))
        return objects_equal(a, b, budget);
    if (json_is_array(a))
        return arrays_equal(a, b, budget);
    if (json_is_string(a))
        return json_string_length(a) == json_string_length(b) &&
               memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
    return true; /* null, true, false: the type says all */
}

static void let_go(void *value) {
    json_decref(value);
}

const json_t *expression_keep(struct arena *arena, json_t *value) {
    if (value)
        arena_defer(arena, let_go, value);
    return value;
}
