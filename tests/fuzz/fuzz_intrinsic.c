/* Intrinsic functions of strangers: what compiles gives a value that can be written as JSON, or says why not. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "flow/expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char document[] =
    "{\"a\": [1, 2, 2, {\"b\": 1.5}, null], \"t\": \"n={} \\\\{\", \"n\": -7, \"o\": {\"k\": \"v\"}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 4096)
        return 0;
    ARENA_OWNED struct arena *arena = arena_open();
    char *text = arena_alloc(arena, size + 8);
    memcpy(text, "States.", 7);
    memcpy(text + 7, data, size);
    struct error err = {0};
    const struct path *path = path_compile(arena, text, PATH_ANY, true, &err);
    if (!path) {
        if (err.code != ERROR_INVALID || !err.message[0])
            abort();
        return 0;
    }
    JSON_OWNED json_t *input = json_parse(document, strlen(document), NULL);
    struct variables variables = {.values = input};
    struct random random;
    random_seed(&random, 1);
    struct evaluation evaluation = {
        .arena = arena, .input = input, .context = input, .variables = &variables, .random = &random};
    struct failure failure = {0};
    JSON_OWNED json_t *value = path_read(path, &evaluation, &failure);
    if (!value && (!failure.error || !failure.cause))
        abort();
    TEXT_OWNED char *written = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    if (value && !written)
        abort();
    return 0;
}
