/* What a transcription service answers. For this room only. */
#ifndef TIDEMILL_SPEECH_OPENAI_ANSWER_H
#define TIDEMILL_SPEECH_OPENAI_ANSWER_H

#include "speech/engine.h"

/* verbose_json. ERROR_INVALID when it is no such thing. Texts are made fit, times are brought into order; both are a
 * stranger's. */
bool openai_answer_json(struct arena *arena, const char *body, size_t length, struct engine_output *output,
                        struct error *err);
/* srt; ERROR_INVALID when it holds text but no cue. */
bool openai_answer_srt(struct arena *arena, const char *body, size_t length, struct engine_output *output,
                       struct error *err);

#endif
