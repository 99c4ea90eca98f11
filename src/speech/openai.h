/* Transcription by a service that speaks OpenAI's audio interface (POST {base}/audio/transcriptions,
 * multipart/form-data): the same parts, gate, resume and result as the engine at home. Parts are sent as FLAC, without
 * their pauses (the service is paid by the second), each below the service's size limit. */
#ifndef TIDEMILL_SPEECH_OPENAI_H
#define TIDEMILL_SPEECH_OPENAI_H

#include "base/http_client.h"
#include "speech/transcribe.h"

/* Fields 0 or NULL take the default named. */
struct openai_settings {
    struct http_client *http; /* required; borrowed until close. It retries 429 and 5xx with back-off */
    const char *base_url;     /* "https://api.openai.com/v1" */
    const char *key;          /* bearer token; NULL: none is sent. Never printed */
    const char *model;        /* "whisper-1" */
    const char *vad_path;     /* as transcriber_settings */
    uint64_t largest_upload;  /* bytes of one request: 25,000,000 */
    int64_t part_ms;          /* 600,000 */
    unsigned attempts;        /* tries of a part that the gate refuses: 2 (each is paid for) */
};

/* A transcriber over the service; used and closed as any other. Answers in verbose_json with word and segment times are
 * asked for; a service that refuses that form (400) is asked for srt from then on, and gives no word times. Errors of
 * transcriber_run in addition: those of http_perform, with the service's own message; ERROR_DENIED for 401 and 403;
 * ERROR_INVALID for an answer that is not what was asked for. */
struct transcriber *transcriber_open_openai(const struct openai_settings *settings, struct error *err);

#endif
