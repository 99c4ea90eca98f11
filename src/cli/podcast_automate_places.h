/* Where a start of the unattended run can be put, and the steps that put it there or take it away. Steps are made
 * first, shown, and carried out on a yes. Private to podcast_automate_*.c. */
#ifndef TIDEMILL_CLI_PODCAST_AUTOMATE_PLACES_H
#define TIDEMILL_CLI_PODCAST_AUTOMATE_PLACES_H

#include "cli/podcast_automate.h"
#include "cli/schedule.h"
#include "podcast/automate_unit.h"

enum step_kind {
    STEP_WRITE,    /* text to path */
    STEP_REMOVE,   /* path */
    STEP_RUN,      /* words */
    STEP_CRONTAB,  /* text becomes the user's crontab; shown is `line` alone */
    STEP_SCHEDULE, /* body with method to the server's schedules */
    STEP_ENABLE,   /* automation-config.json */
};

struct step {
    enum step_kind kind;
    const char *path, *text, *line;
    const char *const *words;
    const char *method;
    json_t *body;  /* the arena's */
    bool may_fail; /* it goes on: nothing to stop, say */
};

enum { STEPS_MOST = 32 };
struct steps {
    struct step list[STEPS_MOST];
    size_t count;
};

struct place {
    const char *name; /* "systemd" */
    /* True if this machine has it. */
    bool (*there)(struct automate_cli *cli);
    /* What is written there at present, for people, with where; NULL: nothing of ours. ERROR_…: it cannot be told. */
    bool (*find)(struct automate_cli *cli, const char **where, const char **text, struct error *err);
    /* Adds the steps that lead to what `unit` says; none when it is so already. */
    bool (*install)(struct automate_cli *cli, const struct unit_settings *unit, struct steps *steps, struct error *err);
    /* Adds the steps that take it away; none when nothing of ours is there. */
    bool (*remove)(struct automate_cli *cli, struct steps *steps, struct error *err);
};

/* In the order in which they are preferred. */
extern const struct place place_launchd, place_systemd, place_cron, place_server;

void steps_add(struct steps *steps, const struct step *step);
/* A step that runs these words (NULL-ended, at most 8). */
void steps_run(struct automate_cli *cli, struct steps *steps, bool may_fail, const char *const *words);
/* The text of a file that bears UNIT_MARK; NULL where there is none. ERROR_EXISTS: there is one that was not written
 * here. */
bool place_read(struct automate_cli *cli, const char *path, const char **text, struct error *err);
/* Carries out a step on the server's schedule. */
bool automate_schedule_call(struct automate_cli *cli, const char *method, const json_t *body, struct error *err);
const char *place_home(struct automate_cli *cli);

#endif
