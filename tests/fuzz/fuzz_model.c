/* A model file is the user's, or a publisher's: its structure is walked before whisper.cpp sees it. */
#include <stdio.h>

#include "speech/model_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    FILE *file = fmemopen((void *)(uintptr_t)data, size, "rb");
    if (!file)
        return 0;
    enum model_kind kind;
    (void)model_file_walk(file, size, &kind, NULL);
    fclose(file);
    return 0;
}
