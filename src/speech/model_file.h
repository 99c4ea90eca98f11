/* The structure of a model file; see model_file_check in model.h. */
#ifndef TIDEMILL_SPEECH_MODEL_FILE_H
#define TIDEMILL_SPEECH_MODEL_FILE_H

#include <stdint.h>
#include <stdio.h>

#include "speech/model.h"

/* Walks `size` bytes of `file` from its start; *kind on success. ERROR_CORRUPT, ERROR_IO. */
bool model_file_walk(FILE *file, uint64_t size, enum model_kind *kind, struct error *err);

#endif
