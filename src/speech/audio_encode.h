/* Samples become a FLAC file in memory, through libavcodec and libavformat. For this room only. */
#ifndef TIDEMILL_SPEECH_AUDIO_ENCODE_H
#define TIDEMILL_SPEECH_AUDIO_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* 16 kHz mono samples to 16 bit FLAC. The caller frees *bytes. ERROR_LIMIT above `ceiling` bytes. */
bool audio_encode_flac(const float *samples, size_t count, size_t ceiling, uint8_t **bytes, size_t *length,
                       struct error *err);

#endif
