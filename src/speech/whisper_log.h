/* Sends what whisper.cpp and ggml print to our debug log. For this room only. */
#ifndef TIDEMILL_SPEECH_WHISPER_LOG_H
#define TIDEMILL_SPEECH_WHISPER_LOG_H

void whisper_log_quiet(void);

#endif
