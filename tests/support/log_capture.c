#include "support/log_capture.h"

#include <pthread.h>

#include "base/limits.h"
#include "base/text.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct text lines;

static void take_line(void *to, enum log_level level, const char *line) {
    (void)to;
    (void)level;
    pthread_mutex_lock(&lock);
    text_append(&lines, line);
    text_append_char(&lines, '\n');
    pthread_mutex_unlock(&lock);
}

void log_capture_open(enum log_level level) {
    text_open(&lines, 16 * MIB);
    log_set_level(level);
    log_set_sink(take_line, NULL);
}

const char *log_capture_text(void) {
    return text_value(&lines);
}

void log_capture_close(void) {
    log_set_sink(NULL, NULL);
    log_set_level(LOG_WARN);
    text_close(&lines);
}
