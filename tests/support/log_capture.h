/* Collects what is logged while it is open. One at a time. */
#ifndef TIDEMILL_TESTS_SUPPORT_LOG_CAPTURE_H
#define TIDEMILL_TESTS_SUPPORT_LOG_CAPTURE_H

#include "base/log.h"

/* Takes all lines of at least `level` from now on. */
void log_capture_open(enum log_level level);
/* The lines so far, each ended by a newline; valid until the next line or the end. */
const char *log_capture_text(void);
void log_capture_close(void);

#endif
