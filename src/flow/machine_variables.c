/* Which variables each state of a definition refers to, as DescribeStateMachine tells it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "flow/machines.h"

static void read_states(const json_t *states, json_t *told);

/* The names in "$name.x" and in the arguments of functions; not "$", "$$", nor what stands in a quoted literal. */
static void read_text(const char *text, json_t *names) {
    bool quoted = false;
    for (; *text; text++) {
        if (*text == '\\' && text[1]) {
            text++;
        } else if (*text == '\'') {
            quoted = !quoted;
        } else if (!quoted && *text == '$' && text[1] == '$') {
            text++;
        } else if (!quoted && *text == '$' && (isalpha((unsigned char)text[1]) || text[1] == '_')) {
            size_t length = 1;
            while (isalnum((unsigned char)text[1 + length]) || text[1 + length] == '_')
                length++;
            char *name = memory_text_part(text + 1, length);
            json_object_set_new(names, name, json_true());
            free(name);
            text += length;
        }
    }
}

static bool holds_path(const char *key) {
    return text_ends(key, ".$") || text_ends(key, "Path") || text_equal(key, "Variable");
}

/* Of a state's own fields; states within it speak for themselves. */
static void read_value(const json_t *value, json_t *names) {
    const char *key;
    json_t *member;
    size_t i;
    json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
        if (json_is_string(member) && holds_path(key))
            read_text(json_string_value(member), names);
        else if (!text_equal(key, "States"))
            read_value(member, names);
    }
    json_array_foreach (value, i, member) {
        read_value(member, names);
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *sorted(json_t *names) {
    size_t count = 0;
    const char **list = memory_alloc_array(json_object_size(names), sizeof(*list));
    const char *key;
    json_t *unused, *array = json_array();
    json_object_foreach (names, key, unused) {
        list[count++] = key;
    }
    qsort(list, count, sizeof(*list), by_name);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(list[i]));
    free(list);
    return array;
}

static void read_inner(const json_t *state, json_t *told) {
    size_t i;
    json_t *branch;
    read_states(json_object_get(json_object_get(state, "ItemProcessor"), "States"), told);
    read_states(json_object_get(json_object_get(state, "Iterator"), "States"), told);
    json_array_foreach (json_object_get(state, "Branches"), i, branch) {
        read_states(json_object_get(branch, "States"), told);
    }
}

static void read_states(const json_t *states, json_t *told) {
    const char *name;
    json_t *state;
    json_object_foreach ((json_t *)(uintptr_t)states, name, state) {
        JSON_OWNED json_t *names = json_object();
        read_value(state, names);
        if (json_object_size(names))
            json_object_set_new(told, name, sorted(names));
        read_inner(state, told);
    }
}

json_t *machine_variables(const char *definition) {
    JSON_OWNED json_t *source = json_parse(definition, strlen(definition), NULL);
    json_t *told = json_object();
    read_states(json_object_get(source, "States"), told);
    if (json_object_size(told))
        return told;
    json_decref(told);
    return NULL;
}
