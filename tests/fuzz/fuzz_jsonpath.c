/* Paths of strangers: what compiles is read in bounded time, gives a value or says why not, and the same value when it
 * is compiled again. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char document[] =
    "{\"a\": {\"b\": [{\"x\": 1, \"y\": \"p\", \"k\": [1, 2]}, {\"x\": 2, \"y\": \"q\"}, {\"y\": null}], \"s\": "
    "\"str\","
    " \"arr\": [10, 20.5, -30]}, \"list\": [\"p\", \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"], \"t\": true}";

static json_t *read_once(struct arena *arena, const char *text, const json_t *input) {
    struct error err = {0};
    const struct path *path = path_compile(arena, text, PATH_ANY, false, &err);
    if (!path) {
        if (err.code != ERROR_INVALID || !err.message[0])
            abort();
        return NULL;
    }
    JSON_OWNED json_t *context = json_pack("{s:O}", "Input", input);
    struct variables variables = {.values = context};
    struct evaluation evaluation = {.arena = arena, .input = input, .context = context, .variables = &variables};
    struct failure failure = {0};
    json_t *value = path_read(path, &evaluation, &failure);
    if (!value && (!failure.error || !failure.cause))
        abort();
    json_t *found = NULL;
    if (path_find(path, &evaluation, &found, &failure) == 1 && !found)
        abort();
    json_decref(found);
    return value;
}

static void write_once(struct arena *arena, const char *text, const json_t *input) {
    const struct path *path = path_compile(arena, text, PATH_REFERENCE, false, NULL);
    struct failure failure = {0};
    JSON_OWNED json_t *value = json_integer(7);
    JSON_OWNED json_t *made = path ? path_write(path, input, value, arena, &failure) : NULL;
    if (path && !made && !failure.cause)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 4096)
        return 0;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *text = arena_text_part(arena, (const char *)data, size);
    JSON_OWNED json_t *input = json_parse(document, strlen(document), NULL);
    JSON_OWNED json_t *first = read_once(arena, text, input);
    JSON_OWNED json_t *second = read_once(arena, text, input);
    if (!first != !second || (first && !json_equal(first, second)))
        abort();
    write_once(arena, text, input);
    JSON_OWNED json_t *fresh = json_parse(document, strlen(document), NULL);
    if (!json_equal(input, fresh)) /* reading and writing change nothing */
        abort();
    return 0;
}
