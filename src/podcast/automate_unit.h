/* The texts that make a machine look in: units of systemd, a property list of launchd, a line of a crontab. Pure: who
 * writes them where is the command's (cli/podcast_automate_install.c). All start the same command; they look in every
 * few hours, as only the due rule (automate.h) knows whether there is something to do. */
#ifndef TIDEMILL_PODCAST_AUTOMATE_UNIT_H
#define TIDEMILL_PODCAST_AUTOMATE_UNIT_H

#include "podcast/automate.h"

#define UNIT_SYSTEMD_NAME "tidemill-podcast"
#define UNIT_LAUNCHD_LABEL "tidemill.podcast"
/* At the end of the crontab's line, and within each file: what bears it was written here and may be replaced. */
#define UNIT_MARK "tidemill podcast automate install"

struct unit_settings {
    const char *const *words; /* the program, absolute, and its arguments */
    size_t count;
    const struct automate_plan *plan;
    const char *user;      /* of a system unit; NULL: a unit of the user's own manager */
    const char *error_log; /* of launchd: where it says that it could not start the program */
};

/* False, with ERROR_INVALID, where a word has control characters: no unit can hold it. */
bool unit_check(const struct unit_settings *settings, struct error *err);

/* systemd.service(5), systemd.timer(5); quoting after systemd.syntax(7) and "Command lines" of the former. */
const char *unit_systemd_service(struct arena *arena, const struct unit_settings *settings);
const char *unit_systemd_timer(struct arena *arena, const struct unit_settings *settings);
/* launchd.plist(5). */
const char *unit_launchd(struct arena *arena, const struct unit_settings *settings);
/* crontab(5), without the line end. NULL, with ERROR_LIMIT: longer than what cron takes. */
const char *unit_cron_line(struct arena *arena, const struct unit_settings *settings, struct error *err);
/* An expression of EventBridge Scheduler, in local time. */
const char *unit_expression(struct arena *arena, const struct automate_plan *plan);

/* `crontab` with `line` in place of the line that bears the mark, or at its end; NULL takes it out. */
const char *unit_cron_merge(struct arena *arena, const char *crontab, const char *line);
/* The line that bears the mark; NULL. */
const char *unit_cron_find(struct arena *arena, const char *crontab);

#endif
