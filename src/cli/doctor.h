/* `tidemill doctor`: one table of checks (doctor.c), each of which looks at one thing, says what it found and names the
 * command that mends it. Checks change nothing and know nothing of each other; what several need (the sites, the
 * mapping, AWS) is opened once, and a check that needs what could not be had says so. */
#ifndef TIDEMILL_CLI_DOCTOR_H
#define TIDEMILL_CLI_DOCTOR_H

#include "cli/cloud.h"
#include "cli/command.h"
#include "cli/workspace.h"
#include "podcast/accounts.h"
#include "run/task.h"

/* State, its name in JSON, its mark, its colour. */
#define DOCTOR_STATES(X)                                                                                               \
    X(DOCTOR_OK, "ok", "✅", OUTPUT_PLAIN)                                                                              \
    X(DOCTOR_WARNING, "warning", "⚠️ ", OUTPUT_YELLOW)                                                             \
    X(DOCTOR_MISSING, "missing", "❌", OUTPUT_RED)                                                                      \
    X(DOCTOR_NOT_ASKED, "not-asked", "⏸️ ", OUTPUT_DIM) /* what it would have needed is missing */                 \
    X(DOCTOR_NOT_NEEDED, "not-needed", "⚪", OUTPUT_DIM)

enum doctor_state {
#define X(state, name, mark, colour) state,
    DOCTOR_STATES(X)
#undef X
        DOCTOR_STATE_COUNT
};

struct doctor_site {
    const struct site *site;
    const struct site_account *account; /* NULL: has none */
    bool role_taken;
};

struct doctor_check;

struct doctor {
    struct command_context *context;
    const struct doctor_check *check; /* the one that runs */
    json_t *answers;
    size_t counts[DOCTOR_STATE_COUNT];
    struct workspace workspace;
    bool workspace_found;
    struct error workspace_error;
    struct site_list list;
    bool sites_loaded;
    struct error sites_error;
    struct doctor_site *sites; /* the selected ones */
    size_t site_count;
    struct site_accounts accounts;
    bool accounts_loaded;
    struct error accounts_error;
    struct cloud *cloud; /* NULL: not needed, or could not be opened */
    struct error cloud_error;
    bool base_good; /* the base credentials are somebody's */
};

enum doctor_needs {
    DOCTOR_NEEDS_CLOUD = 1 << 0,   /* at least one selected site has an account */
    DOCTOR_NEEDS_ACCOUNT = 1 << 1, /* of the site */
    DOCTOR_NEEDS_ROLE = 1 << 2,    /* of the site, taken */
};

struct doctor_check {
    const char *name;
    const char *looks_at;                                            /* for the documentation */
    unsigned needs;                                                  /* enum doctor_needs; else it is "not needed" */
    void (*run)(struct doctor *doctor);                              /* once */
    void (*run_site)(struct doctor *doctor, struct doctor_site *it); /* or for each selected site */
};

const struct doctor_check *doctor_checks(size_t *count);

/* An answer of the running check. `site_id` NULL: of no site. `mend` is a command or a sentence, NULL when nothing is
 * to be done; all are copied. Prints it at once unless JSON is wanted. */
void doctor_say(struct doctor *doctor, enum doctor_state state, const char *site_id, const char *mend,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same with an error's message, and its hint where `mend` is NULL. */
void doctor_say_error(struct doctor *doctor, enum doctor_state state, const char *site_id, const char *mend,
                      const struct error *why);

/* The checks, by file. */
void doctor_data_folder(struct doctor *doctor);
void doctor_owner(struct doctor *doctor);
void doctor_space(struct doctor *doctor);
void doctor_clock(struct doctor *doctor);
void doctor_sqlite(struct doctor *doctor);
void doctor_worker(struct doctor *doctor);
void doctor_model(struct doctor *doctor);
void doctor_workspace(struct doctor *doctor);
void doctor_sites(struct doctor *doctor);
void doctor_site_config(struct doctor *doctor, struct doctor_site *it);
void doctor_env_automation(struct doctor *doctor);
void doctor_mapping(struct doctor *doctor, struct doctor_site *it);
void doctor_deployed(struct doctor *doctor);
void doctor_roles(struct doctor *doctor);
void doctor_schedule(struct doctor *doctor);
void doctor_credentials(struct doctor *doctor);
void doctor_cloud_clock(struct doctor *doctor);
void doctor_role(struct doctor *doctor, struct doctor_site *it);
void doctor_bucket(struct doctor *doctor, struct doctor_site *it);
void doctor_search_function(struct doctor *doctor, struct doctor_site *it);
void doctor_distribution(struct doctor *doctor, struct doctor_site *it);

/* The media task that the check of the worker runs: {} -> {"ffmpeg"}; loads the codecs. */
extern const struct task doctor_media_task;

#endif
