/* Phase 4: search entries and index of each site. The state remembers what each episode's rows were made from, so with
 * nothing new no transcript is read. */
#include <string.h>

#include "podcast/index_site.h"
#include "podcast/run_site.h"

static bool fresh(void *to, int64_t episode, const char *facts) {
    const struct run_site *site = to;
    return state_index_fresh(site->run->state, site->site->id, episode, facts);
}

static bool remember(void *to, int64_t episode, const char *facts, struct error *err) {
    const struct run_site *site = to;
    return state_index_remember(site->run->state, site->site->id, episode, facts, err);
}

static void report_index(struct run_site *site, const struct index_site_report *report) {
    struct run_site_record *record = site->record;
    record->index_entries = report->new_entries;
    record->index_changed = report->changed;
    for (size_t i = 0; i < report->warning_count; i++)
        run_warn(site, "index: %s", report->warnings[i]);
    for (size_t i = 0; i < report->failure_count; i++) {
        struct error err = report->failures[i].error;
        error_context(&err, "site %s: index: %s", site->site->id, report->failures[i].key);
        run_fail(site, &err);
    }
    if (report->rebuilt)
        run_warn(site, "the index was damaged or of another version; it was made anew");
    if (report->changed)
        run_say(site->run, "  %s: %zu episodes and %zu passages into the index", site->site->id,
                report->episodes_added + report->episodes_changed, report->new_entries);
}

void run_index_site(struct run_site *site) {
    struct run *run = site->run;
    run_say_phase(run, STEP_INDEX, "Phase 4: index");
    ARENA_OWNED struct arena *arena = arena_open();
    struct index_memory memory = {fresh, remember, site};
    struct index_site_settings settings = {
        .force = run->settings->force_index,
        .dry = run->settings->dry_run,
        .memory = &memory,
        .cancel = site->cancel,
    };
    struct index_site_report report = {0};
    struct error err = {0};
    bool done = index_site(arena, site->site, site->manifest, site->files, &settings, &report, &err);
    if (done) {
        report_index(site, &report);
        if (run->settings->dry_run && (report.episodes_added || report.episodes_changed || report.episodes_removed))
            run_plan(site, "bring %s up to date: %zu episodes in, %zu changed, %zu out", INDEX_KEY,
                     report.episodes_added, report.episodes_changed, report.episodes_removed);
    } else if (err.code != ERROR_CANCELLED) {
        error_context(&err, "site %s: index", site->site->id);
        run_fail(site, &err);
    }
    site->record->index.outcome = !done || site->record->error_count ? RUN_FAILED
                                  : report.changed                   ? RUN_OK
                                                                     : RUN_NOT_NEEDED;
}
