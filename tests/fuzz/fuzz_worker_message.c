/* What a worker that was taken over might say to the program. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "run/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct text in;
    text_open(&in, 2 * MIB);
    /* The first byte says in what pieces it arrives. */
    size_t piece = size ? data[0] % 16 + 1 : 1;
    for (size_t at = 1; at < size; at += piece) {
        if (!text_append_part(&in, data + at, size - at < piece ? size - at : piece))
            break;
        json_t *message = NULL;
        struct error err = {0};
        bool understood = true;
        while ((understood = message_take(&in, &message, &err)) && message) {
            struct error said = {0};
            message_read_error(json_object_get(message, "error"), &said);
            if (said.code == ERROR_NONE)
                abort();
            json_decref(message_of_error(&said));
            json_decref(message);
        }
        if (!understood)
            break;
    }
    text_close(&in);
    return 0;
}
