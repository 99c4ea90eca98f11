/* JSON of strangers: what is read can be written, and reads the same again. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error err = {0};
    json_t *value = json_parse((const char *)data, size, &err);
    if (!value) {
        if (err.code != ERROR_INVALID && err.code != ERROR_LIMIT)
            abort();
        return 0;
    }
    char *text = json_text(value, 2);
    json_t *again = json_parse(text, strlen(text), NULL);
    if (!again)
        abort();
    json_decref(again);
    free(text);
    json_decref(value);
    return 0;
}
