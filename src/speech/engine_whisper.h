/* whisper.cpp as an engine. For this room only. */
#ifndef TIDEMILL_SPEECH_ENGINE_WHISPER_H
#define TIDEMILL_SPEECH_ENGINE_WHISPER_H

#include "speech/engine.h"
#include "speech/transcribe.h"

struct engine *engine_whisper_open(const struct transcriber_settings *settings, struct error *err);

#endif
