#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"

static const struct doctor_check checks[] = {
    {"data directory", "that the data directory can be written", 0, doctor_data_folder, NULL},
    {"owner", "which process owns the data directory", 0, doctor_owner, NULL},
    {"disk space", "what is free where the state and the sites' files are", 0, doctor_space, NULL},
    {"clock", "that the clock was set", 0, doctor_clock, NULL},
    {"database", "SQLite and its full-text search", 0, doctor_sqlite, NULL},
    {"media worker", "that the worker process starts and finds the codecs (FFmpeg's libraries)", 0, doctor_worker,
     NULL},
    {"speech model", "the model that transcribes, the voice detector, or the key of the service", 0, doctor_model,
     NULL},
    {"workspace", "where the sites and their files are", 0, doctor_workspace, NULL},
    {"sites", "that the sites' folders can be read as sites", 0, doctor_sites, NULL},
    {"configuration", "each site's configuration, as `tidemill podcast check` does", 0, NULL, doctor_site_config},
    {"mapping", "each site's row in .site-account-mappings.json", 0, NULL, doctor_mapping},
    {"deployed sites", "that .deployed-sites.json and the mapping agree", DOCTOR_NEEDS_CLOUD, doctor_deployed, NULL},
    {"automation keys", ".env.automation: all names there, readable by its owner alone", DOCTOR_NEEDS_CLOUD,
     doctor_env_automation, NULL},
    {"role makers", "that one site of each account makes the automation role", DOCTOR_NEEDS_CLOUD, doctor_roles, NULL},
    {"nightly run", "that something starts the unattended run", 0, doctor_schedule, NULL},
    {"AWS credentials", "that there are credentials, and whose (GetCallerIdentity)", DOCTOR_NEEDS_CLOUD,
     doctor_credentials, NULL},
    {"AWS clock", "how far this clock and the service's are apart", DOCTOR_NEEDS_CLOUD, doctor_cloud_clock, NULL},
    {"role", "that the role in the site's account can be taken", DOCTOR_NEEDS_ACCOUNT, NULL, doctor_role},
    {"bucket", "that the bucket is there, is that account's, and may be listed",
     DOCTOR_NEEDS_ACCOUNT | DOCTOR_NEEDS_ROLE, NULL, doctor_bucket},
    {"search function", "that search-api-SITE may be called (DryRun)", DOCTOR_NEEDS_ACCOUNT | DOCTOR_NEEDS_ROLE, NULL,
     doctor_search_function},
    {"distribution", "that CloudFront's distribution can be seen", DOCTOR_NEEDS_ACCOUNT | DOCTOR_NEEDS_ROLE, NULL,
     doctor_distribution},
};

const struct doctor_check *doctor_checks(size_t *count) {
    *count = ARRAY_LENGTH(checks);
    return checks;
}

/* ---- answers ---- */

static void print_answer(const struct doctor *doctor, enum doctor_state state, const char *site_id, const char *text,
                         const char *mend) {
    static const char *const marks[] = {
#define X(state, name, mark, colour) mark,
        DOCTOR_STATES(X)
#undef X
    };
    static const enum output_colour colours[] = {
#define X(state, name, mark, colour) colour,
        DOCTOR_STATES(X)
#undef X
    };
    bool plain = colours[state] == OUTPUT_PLAIN;
    printf("%s %s%-16s%s ", marks[state], plain ? "" : output_colour(doctor->context, colours[state]),
           doctor->check->name, plain ? "" : output_colour(doctor->context, OUTPUT_PLAIN));
    if (site_id) {
        output_safe(site_id);
        fputs(": ", stdout);
    }
    output_safe(text);
    putchar('\n');
    if (mend) {
        fputs("     ", stdout);
        output_safe(mend);
        putchar('\n');
    }
    fflush(stdout);
}

static void say(struct doctor *doctor, enum doctor_state state, const char *site_id, const char *mend,
                const char *text) {
    static const char *const names[] = {
#define X(state, name, mark, colour) name,
        DOCTOR_STATES(X)
#undef X
    };
    doctor->counts[state]++;
    if (!output_wants_json(doctor->context))
        print_answer(doctor, state, site_id, text, mend);
    TEXT_OWNED char *clean = utf8_repair(text, strlen(text));
    TEXT_OWNED char *clean_mend = mend ? utf8_repair(mend, strlen(mend)) : NULL;
    json_array_append_new(doctor->answers,
                          json_pack("{s:s, s:s?, s:s, s:s, s:s?}", "check", doctor->check->name, "site", site_id,
                                    "state", names[state], "message", clean, "mend", clean_mend));
}

void doctor_say(struct doctor *doctor, enum doctor_state state, const char *site_id, const char *mend,
                const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const char *text = arena_format_list(doctor->context->arena, format, arguments);
    va_end(arguments);
    say(doctor, state, site_id, mend, text);
}

/* "hardfork: the role ..." of an error is told without the site, which stands in front already. */
void doctor_say_error(struct doctor *doctor, enum doctor_state state, const char *site_id, const char *mend,
                      const struct error *why) {
    const char *text = why->message;
    size_t length = site_id ? strlen(site_id) : 0;
    if (length && text_starts(text, site_id) && text_starts(text + length, ": "))
        text += length + 2;
    bool unheard = why->code == ERROR_NETWORK || why->code == ERROR_TIMEOUT;
    const char *hint = why->hint[0] ? why->hint
                       : unheard    ? "look at the network, and at the endpoints of `tidemill config`"
                                    : NULL;
    say(doctor, state, site_id, mend ? mend : hint, text);
}

/* ---- running them ---- */

static void run_for_sites(struct doctor *doctor) {
    const struct doctor_check *check = doctor->check;
    for (size_t i = 0; i < doctor->site_count && !cancel_requested(doctor->context->cancel); i++) {
        struct doctor_site *it = &doctor->sites[i];
        if ((check->needs & DOCTOR_NEEDS_ACCOUNT) && !it->account)
            continue;
        if ((check->needs & DOCTOR_NEEDS_ROLE) && !it->role_taken)
            doctor_say(doctor, DOCTOR_NOT_ASKED, it->site->id, NULL, "not asked, as the role cannot be taken");
        else
            check->run_site(doctor, it);
    }
}

static bool needs_cloud(const struct doctor *doctor) {
    for (size_t i = 0; i < doctor->site_count; i++)
        if (doctor->sites[i].account)
            return true;
    return false;
}

static void run_all(struct doctor *doctor) {
    bool cloudy = needs_cloud(doctor);
    bool said = false;
    for (size_t i = 0; i < ARRAY_LENGTH(checks) && !cancel_requested(doctor->context->cancel); i++) {
        doctor->check = &checks[i];
        if ((checks[i].needs & (DOCTOR_NEEDS_CLOUD | DOCTOR_NEEDS_ACCOUNT)) && !cloudy) {
            said = true;
            continue;
        }
        if (checks[i].run)
            checks[i].run(doctor);
        else
            run_for_sites(doctor);
    }
    if (said) {
        static const struct doctor_check cloud = {.name = "cloud"};
        doctor->check = &cloud;
        doctor_say(doctor, DOCTOR_NOT_NEEDED, NULL, NULL, "no site has an account (%s), so nothing of AWS is looked at",
                   ACCOUNTS_FILE);
    }
}

/* ---- what the checks share ---- */

static bool load_sites(struct doctor *doctor) {
    struct command_context *context = doctor->context;
    doctor->workspace_found = cli_workspace_find(context, &doctor->workspace, &doctor->workspace_error);
    doctor->sites_loaded = doctor->workspace_found &&
                           workspace_sites(context->arena, &doctor->workspace, &doctor->list, &doctor->sites_error);
    return doctor->sites_loaded;
}

static bool select_sites(struct doctor *doctor, struct error *err) {
    struct command_context *context = doctor->context;
    size_t count = 0;
    const char *const *wanted = options_list(context->options, "podcast.sites", &count);
    TEXT_SCOPED struct text joined;
    text_open(&joined, 65536);
    for (size_t i = 0; i < count; i++)
        text_append_format(&joined, "%s%s", i ? "," : "", wanted[i]);
    struct site **selected = NULL;
    if (!site_select(context->arena, &doctor->list, count ? text_value(&joined) : NULL, &selected, &doctor->site_count,
                     err))
        return false;
    doctor->sites = arena_alloc_array(context->arena, doctor->site_count + 1, sizeof(*doctor->sites));
    for (size_t i = 0; i < doctor->site_count; i++)
        doctor->sites[i].site = selected[i];
    return true;
}

static void load_accounts(struct doctor *doctor) {
    struct command_context *context = doctor->context;
    doctor->accounts_loaded = doctor->workspace_found && accounts_load(context->arena, doctor->workspace.root,
                                                                       &doctor->accounts, &doctor->accounts_error);
    for (size_t i = 0; doctor->accounts_loaded && i < doctor->site_count; i++)
        doctor->sites[i].account = accounts_find(&doctor->accounts, doctor->sites[i].site->id, NULL);
    if (needs_cloud(doctor))
        doctor->cloud = cloud_open(context, &doctor->cloud_error);
}

static void print_end(const struct doctor *doctor) {
    const size_t *counts = doctor->counts;
    printf("\n%zu well, %zu warnings, %zu missing", counts[DOCTOR_OK], counts[DOCTOR_WARNING], counts[DOCTOR_MISSING]);
    if (counts[DOCTOR_NOT_ASKED])
        printf(", %zu not asked", counts[DOCTOR_NOT_ASKED]);
    putchar('\n');
}

int command_doctor(struct command_context *context) {
    struct doctor doctor = {.context = context, .answers = json_array()};
    struct error err = {0};
    if (load_sites(&doctor) && !select_sites(&doctor, &err)) {
        json_decref(doctor.answers);
        return output_fail(&err, EXIT_NOT_STARTED);
    }
    load_accounts(&doctor);
    run_all(&doctor);
    if (output_wants_json(context))
        output_json(doctor.answers);
    else
        print_end(&doctor);
    cloud_close(doctor.cloud);
    json_decref(doctor.answers);
    if (cancel_requested(context->cancel))
        return EXIT_INTERRUPTED;
    return doctor.counts[DOCTOR_MISSING] ? EXIT_SOME_FAILED : EXIT_WELL;
}
