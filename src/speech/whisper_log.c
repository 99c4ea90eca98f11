#include "speech/whisper_log.h"

#include <ggml.h>
#include <string.h>
#include <whisper.h>

#include "base/log.h"

static void forward(enum ggml_log_level level, const char *message, void *to) {
    (void)to;
    if (log_level() > LOG_DEBUG || (level != GGML_LOG_LEVEL_WARN && level != GGML_LOG_LEVEL_ERROR))
        return;
    int length = (int)strcspn(message, "\n");
    if (length)
        log_debug("whisper", "%.*s", length, message);
}

void whisper_log_quiet(void) {
    whisper_log_set(forward, NULL); /* ggml's own log too */
}
