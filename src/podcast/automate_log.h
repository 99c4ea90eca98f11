/* The logs of unattended runs: lines with their time, set aside as NAME.1 when they have grown to LIMIT_AUTOMATE_LOG.
 */
#ifndef TIDEMILL_PODCAST_AUTOMATE_LOG_H
#define TIDEMILL_PODCAST_AUTOMATE_LOG_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"

#define AUTOMATE_LOG_NAME "automation.log"
#define AUTOMATE_ERROR_LOG_NAME "automation-error.log"

struct automate_log;

/* Appends to FOLDER/NAME, which is made (mode 0600: lines may name private feeds); the folder must be there. */
struct automate_log *automate_log_open(const char *folder, const char *name, const struct clock *clock,
                                       struct error *err);
void automate_log_close(struct automate_log *log); /* NULL is allowed */
/* One line, redacted; control characters become spaces. What cannot be written is lost: a full disk stops no run. */
void automate_log_line(struct automate_log *log, const char *line);

#endif
