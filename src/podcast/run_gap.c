/* The gap report outside of a run. */
#include "base/file.h"
#include "podcast/run_cloud.h"

static bool read_gap(struct run_site *site, struct gap_report *report, struct error *err) {
    struct run_copy copy = {0};
    if (!run_copy_open(&copy, site, site->arena, "pre-sync", err))
        return false;
    struct sync *sync = run_copy_look(&copy, SYNC_BOTH, NULL, 0, err);
    bool done = sync && gap_read(site->arena, sync, SYNC_BOTH, NULL, true, report, err);
    sync_close(sync);
    run_copy_close(&copy);
    return done;
}

bool podcast_gap(struct arena *arena, const struct run_settings *settings, const struct site *site,
                 struct gap_report *report, struct error *err) {
    struct run run = {.settings = settings};
    struct run_site looked = {.run = &run, .site = site, .arena = arena, .cancel = settings->cancel};
    looked.files = settings->open_files(settings->open_files_to, site->id, err);
    if (!looked.files)
        return false;
    /* A state that is not there yet knows of nothing that was removed. */
    run.state = podcast_state_open_readonly(file_join(arena, settings->data, "state/podcast.db"), NULL);
    bool done = read_gap(&looked, report, err);
    podcast_state_close(run.state);
    object_store_close(looked.files);
    return done;
}
