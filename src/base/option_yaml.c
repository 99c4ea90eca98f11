/* tidemill.yaml, through libyaml's events: nested mappings make dotted names, a sequence makes a list. Declared in
 * base/option.h. libyaml (what libcyaml stands on) serves better here than libcyaml itself: the option table is the
 * schema, and each value needs its line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/option.h"
#include "base/option_value.h"

enum { DEEPEST = 8 };

struct yaml_reader {
    struct options *options;
    const char *path;
    struct error *err;
    char *prefix[DEEPEST]; /* the keys of the mappings that are open */
    int depth;
    char *key; /* the key whose value comes next */
    bool in_list;
    struct text list;
};

static bool complain(struct yaml_reader *reader, size_t line, const char *what) {
    return error_set(reader->err, ERROR_CONFIG, "%s:%zu: %s", reader->path, line + 1, what);
}

static char *dotted(const struct yaml_reader *reader, const char *key) {
    struct text name;
    text_open(&name, 1024);
    for (int i = 1; i < reader->depth; i++) {
        text_append(&name, reader->prefix[i]);
        text_append_char(&name, '.');
    }
    text_append(&name, key);
    return text_take(&name);
}

static bool set_value(struct yaml_reader *reader, const char *value, size_t line) {
    TEXT_OWNED char *name = dotted(reader, reader->key);
    TEXT_OWNED char *place = NULL;
    if (asprintf(&place, "%s:%zu", reader->path, line + 1) < 0)
        abort();
    if (option_row_find(reader->options, name))
        return options_set(reader->options, name, value, ORIGIN_FILE, place, reader->err);
    size_t count = reader->options->count;
    const char **names = memory_alloc_array(count + 1, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = reader->options->rows[i].name;
    const char *near = text_nearest(name, names, count);
    error_set(reader->err, ERROR_CONFIG, "%s: unknown setting \"%s\"", place, name);
    if (near)
        error_hint(reader->err, "did you mean %s?", near);
    else
        error_hint(reader->err, "`tidemill config` lists the settings");
    free(names);
    return false;
}

static void drop_key(struct yaml_reader *reader) {
    free(reader->key);
    reader->key = NULL;
}

static bool on_scalar(struct yaml_reader *reader, const yaml_event_t *event) {
    const char *value = (const char *)event->data.scalar.value;
    size_t line = event->start_mark.line;
    if (reader->in_list) {
        if (reader->list.length)
            text_append_char(&reader->list, ',');
        text_append(&reader->list, value);
        return true;
    }
    if (!reader->depth)
        return *value ? complain(reader, line, "the file must be a mapping of settings") : true;
    if (!reader->key) {
        reader->key = memory_text(value);
        return true;
    }
    bool plain_null = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                      (!*value || strcmp(value, "~") == 0 || strcmp(value, "null") == 0);
    bool done = plain_null || set_value(reader, value, line);
    drop_key(reader);
    return done;
}

static bool on_event(struct yaml_reader *reader, const yaml_event_t *event) {
    size_t line = event->start_mark.line;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(reader, event);
    case YAML_MAPPING_START_EVENT:
        if (reader->depth >= DEEPEST || reader->in_list || (reader->depth && !reader->key))
            return complain(reader, line, "a mapping is out of place here");
        reader->prefix[reader->depth++] = reader->key;
        reader->key = NULL;
        return true;
    case YAML_MAPPING_END_EVENT:
        free(reader->prefix[--reader->depth]);
        return true;
    case YAML_SEQUENCE_START_EVENT:
        if (!reader->key || reader->in_list)
            return complain(reader, line, "a list is out of place here");
        reader->in_list = true;
        text_reset(&reader->list);
        return true;
    case YAML_SEQUENCE_END_EVENT: {
        reader->in_list = false;
        bool done = set_value(reader, text_value(&reader->list), line);
        drop_key(reader);
        return done;
    }
    case YAML_ALIAS_EVENT:
        return complain(reader, line, "aliases are not used here");
    default:
        return true;
    }
}

bool options_read_yaml(struct options *options, const char *path, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    char *data = NULL;
    size_t length = 0;
    if (!file_read(arena, path, LIMIT_CONFIG_BYTES, &data, &length, err))
        return false;
    struct yaml_reader reader = {.options = options, .path = path, .err = err};
    text_open(&reader.list, LIMIT_CONFIG_BYTES);
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return error_set(err, ERROR_INTERNAL, "the YAML parser did not start");
    yaml_parser_set_input_string(&parser, (const unsigned char *)data, length);
    bool done = true;
    for (bool more = true; done && more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            done = complain(&reader, parser.problem_mark.line, parser.problem ? parser.problem : "not YAML");
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        done = on_event(&reader, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    while (reader.depth > 0)
        free(reader.prefix[--reader.depth]);
    drop_key(&reader);
    text_close(&reader.list);
    return done;
}
