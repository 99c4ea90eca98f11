/* Formats of an ItemReader (Step Functions developer guide, "ItemReader (Map)"): JSON, JSON Lines, CSV (RFC 4180). */
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/tasks.h"

static size_t most_items(const json_t *options) {
    double most = json_get_real(options, "maxItems", 0);
    return most > 0 && most < (double)LIMIT_FLOW_ITEMS ? (size_t)most : LIMIT_FLOW_ITEMS;
}

/* ---- JSON ---- */

/* "/a/b": RFC 6901 over objects; borrowed, or NULL. */
static json_t *follow(json_t *value, const char *pointer) {
    if (!pointer)
        return value;
    while (value && *pointer == '/') {
        const char *end = strchrnul(++pointer, '/');
        TEXT_OWNED char *name = memory_text_part(pointer, (size_t)(end - pointer));
        char *to = name;
        for (const char *from = name; *from; from++) {
            if (from[0] == '~' && (from[1] == '0' || from[1] == '1'))
                *to++ = *++from == '0' ? '~' : '/';
            else
                *to++ = *from;
        }
        *to = '\0';
        value = json_object_get(value, name);
        pointer = end;
    }
    return value;
}

static json_t *parse_json(const char *text, size_t length, const json_t *options, struct error *err) {
    JSON_OWNED json_t *whole = json_parse(text, length, err);
    if (!whole)
        return NULL;
    json_t *list = follow(whole, json_get_text(options, "pointer", NULL));
    if (!json_is_array(list) && !json_is_object(list)) {
        error_set(err, ERROR_INVALID, "Attempting to map over non-iterable node.");
        return NULL;
    }
    json_t *items = json_array();
    size_t most = most_items(options);
    if (json_is_array(list)) {
        for (size_t i = 0; i < json_array_size(list) && i < most; i++)
            json_array_append(items, json_array_get(list, i));
        return items;
    }
    json_decref(items);
    error_set(err, ERROR_INVALID, "Attempting to map over non-iterable node.");
    return NULL;
}

static json_t *parse_lines(const char *text, size_t length, const json_t *options, struct error *err) {
    json_t *items = json_array();
    size_t most = most_items(options);
    size_t line = 0;
    for (const char *at = text; at < text + length && json_array_size(items) < most;) {
        const char *end = memchr(at, '\n', (size_t)(text + length - at));
        end = end ? end : text + length;
        line++;
        if (strspn(at, " \t\r") < (size_t)(end - at)) {
            json_t *item = json_parse(at, (size_t)(end - at), err);
            if (!item) {
                error_context(err, "line %zu", line);
                json_decref(items);
                return NULL;
            }
            json_array_append_new(items, item);
        }
        at = end + 1;
    }
    return items;
}

/* ---- CSV ---- */

struct csv {
    const char *at, *end;
    char delimiter;
};

/* One field; *last: it ends its record. */
static void read_field(struct csv *csv, struct text *field, bool *last) {
    bool quoted = csv->at < csv->end && *csv->at == '"';
    text_reset(field);
    if (quoted)
        csv->at++;
    while (csv->at < csv->end) {
        char c = *csv->at++;
        if (quoted && c == '"') {
            if (csv->at < csv->end && *csv->at == '"')
                csv->at++;
            else {
                quoted = false;
                continue;
            }
        } else if (!quoted && c == csv->delimiter) {
            *last = false;
            return;
        } else if (!quoted && (c == '\n' || c == '\r')) {
            if (c == '\r' && csv->at < csv->end && *csv->at == '\n')
                csv->at++;
            *last = true;
            return;
        }
        text_append_char(field, c);
    }
    *last = true;
}

/* A record's fields as texts. */
static json_t *read_record(struct csv *csv, struct text *field) {
    json_t *record = json_array();
    bool last = false;
    while (!last) {
        read_field(csv, field, &last);
        char *valid = utf8_repair(text_value(field), field->length);
        json_array_append_new(record, json_string(valid));
        free(valid);
    }
    return record;
}

static bool is_blank(const json_t *record) {
    return json_array_size(record) == 1 && json_string_length(json_array_get(record, 0)) == 0;
}

static bool headers_differ(const json_t *headers, struct error *err) {
    JSON_OWNED json_t *seen = json_object();
    size_t i;
    const json_t *name;
    json_array_foreach (headers, i, name) {
        if (json_object_get(seen, json_string_value(name)))
            return error_set(err, ERROR_INVALID, "CSV headers cannot contain duplicates.");
        json_object_set_new(seen, json_string_value(name), json_true());
    }
    return true;
}

static json_t *to_object(const json_t *headers, const json_t *record) {
    json_t *item = json_object();
    size_t i;
    const json_t *name;
    json_array_foreach (headers, i, name) {
        json_t *value = json_array_get(record, i);
        json_object_set_new(item, json_string_value(name), value ? json_incref(value) : json_string(""));
    }
    return item;
}

static json_t *parse_csv(const char *text, size_t length, const json_t *options, struct error *err) {
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        length -= 3;
    }
    struct csv csv = {text, text + length, json_get_text(options, "delimiter", ",")[0]};
    TEXT_SCOPED struct text field;
    text_open(&field, LIMIT_FLOW_PAYLOAD);
    JSON_OWNED json_t *headers = json_get_bool(options, "firstRow", false)
                                     ? read_record(&csv, &field)
                                     : json_incref(json_object_get(options, "headers"));
    if (!json_get_bool(options, "firstRow", false) && !headers_differ(headers, err))
        return NULL;
    json_t *items = json_array();
    size_t most = most_items(options);
    while (csv.at < csv.end && json_array_size(items) < most) {
        JSON_OWNED json_t *record = read_record(&csv, &field);
        if (field.overflow) {
            error_set(err, ERROR_LIMIT, "a field of the CSV file is too long");
            json_decref(items);
            return NULL;
        }
        if (!is_blank(record))
            json_array_append_new(items, to_object(headers, record));
    }
    return items;
}

json_t *items_parse(const char *kind, const char *text, size_t length, const json_t *options, struct error *err) {
    if (json_get_real(options, "maxItems", 0) < 0) {
        error_set(err, ERROR_INVALID, "field MaxItems must be positive");
        return NULL;
    }
    if (strcmp(kind, "CSV") == 0)
        return parse_csv(text, length, options, err);
    if (strcmp(kind, "JSONL") == 0)
        return parse_lines(text, length, options, err);
    return parse_json(text, length, options, err);
}
