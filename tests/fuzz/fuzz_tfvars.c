/* Files of Terraform's variables. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "podcast/tfvars.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 65536)
        return 0;
    ARENA_OWNED struct arena *arena = arena_open();
    /* Exactly so many bytes, so that a read behind them is seen. */
    char *text = malloc(size ? size : 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    struct error err = {0};
    struct tfvars file = {0};
    bool done = tfvars_parse(arena, "prod.tfvars", text, size, &file, &err);
    if (!done && err.code == ERROR_NONE)
        abort(); /* a refusal says why */
    int line = 0;
    for (size_t i = 0; done && i < file.count; i++) {
        if (!*file.entries[i].name || file.entries[i].line < line ||
            tfvars_find(&file, file.entries[i].name) != &file.entries[i])
            abort();
        line = file.entries[i].line;
    }
    free(text);
    return 0;
}
