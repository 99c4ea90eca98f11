/* Writing JSON: jansson's form (its escapes, its order of keys, its blanks), but each real has the fewest digits with
 * which it is read the same again, and the text has a ceiling. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

enum { DEEPEST = 2048 }; /* as jansson reads */

struct writer {
    struct text *text;
    int indent;
    int depth;
};

static bool write_value(struct writer *writer, const json_t *value);

/* An escape for one byte: "\n", "\u001F"; NULL: the byte stands for itself. */
static const char *escape(unsigned char byte, char buffer[8]) {
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        break;
    }
    if (byte >= 0x20)
        return NULL;
    snprintf(buffer, 8, "\\u%04X", byte);
    return buffer;
}

static bool write_string(struct writer *writer, const char *string, size_t length) {
    if (!utf8_valid(string, length) || !text_append_char(writer->text, '"'))
        return false;
    size_t start = 0;
    for (size_t i = 0; i < length; i++) {
        char buffer[8];
        const char *escaped = escape((unsigned char)string[i], buffer);
        if (!escaped)
            continue;
        text_append_part(writer->text, string + start, i - start);
        text_append(writer->text, escaped);
        start = i + 1;
    }
    text_append_part(writer->text, string + start, length - start);
    return text_append_char(writer->text, '"');
}

/* "1.5", "1.0", "1e300": a real keeps the look of one, its exponent has neither plus nor zeros in front. */
static bool write_real(struct writer *writer, double value) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    char *exponent = strchr(text, 'e');
    if (!exponent)
        return text_append(writer->text, text) && (strchr(text, '.') || text_append(writer->text, ".0"));
    return text_append_part(writer->text, text, (size_t)(exponent - text) + 1) &&
           text_append_format(writer->text, "%d", (int)strtol(exponent + 1, NULL, 10));
}

static bool write_integer(struct writer *writer, json_int_t value) {
    char text[24];
    int length = snprintf(text, sizeof(text), "%lld", (long long)value);
    return text_append_part(writer->text, text, (size_t)length);
}

static bool write_break(struct writer *writer) {
    if (!writer->indent)
        return true;
    text_append_char(writer->text, '\n');
    for (int i = 0; i < writer->depth * writer->indent; i++)
        text_append_char(writer->text, ' ');
    return !writer->text->overflow;
}

static bool write_array(struct writer *writer, const json_t *array) {
    size_t count = json_array_size(array);
    text_append_char(writer->text, '[');
    writer->depth++;
    for (size_t i = 0; i < count; i++) {
        if ((i && !text_append_char(writer->text, ',')) || !write_break(writer) ||
            !write_value(writer, json_array_get(array, i)))
            return false;
    }
    writer->depth--;
    return (count == 0 || write_break(writer)) && text_append_char(writer->text, ']');
}

static bool write_object(struct writer *writer, const json_t *object) {
    const char *key = NULL;
    size_t length = 0, count = 0;
    json_t *value = NULL;
    text_append_char(writer->text, '{');
    writer->depth++;
    json_object_keylen_foreach((json_t *)(uintptr_t)object, key, length, value) {
        if ((count++ && !text_append_char(writer->text, ',')) || !write_break(writer) ||
            !write_string(writer, key, length) || !text_append(writer->text, writer->indent ? ": " : ":") ||
            !write_value(writer, value))
            return false;
    }
    writer->depth--;
    return (count == 0 || write_break(writer)) && text_append_char(writer->text, '}');
}

static bool write_value(struct writer *writer, const json_t *value) {
    if (!value || writer->depth > DEEPEST || writer->text->overflow) /* what is too long already is not gone through */
        return false;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(writer, value);
    case JSON_ARRAY:
        return write_array(writer, value);
    case JSON_STRING:
        return write_string(writer, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        return write_integer(writer, json_integer_value(value));
    case JSON_REAL:
        return write_real(writer, json_real_value(value));
    case JSON_TRUE:
        return text_append(writer->text, "true");
    case JSON_FALSE:
        return text_append(writer->text, "false");
    case JSON_NULL:
        break;
    }
    return text_append(writer->text, "null");
}

bool json_append(struct text *text, const json_t *value, int indent) {
    struct writer writer = {.text = text, .indent = indent};
    return write_value(&writer, value) && !text->overflow;
}

char *json_text_within(const json_t *value, size_t ceiling, size_t *length) {
    TEXT_SCOPED struct text text;
    text_open(&text, ceiling);
    if (!json_append(&text, value, 0))
        return NULL;
    if (length)
        *length = text.length;
    return text_take(&text);
}
