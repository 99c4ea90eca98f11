/* Phase 3.5: spelling corrections applied to the transcripts that are there. Also behind `tidemill podcast respell`. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/run_site.h"
#include "podcast/spelling.h"

static bool read_object(struct run_site *site, struct arena *arena, const char *key, char **data, size_t *length,
                        bool *there, struct error *err) {
    struct error absent = {0};
    *there = object_get_bytes(site->files, arena, key, LIMIT_JSON_BYTES, data, length, &absent);
    return *there || absent.code == ERROR_ABSENT || error_copy(err, &absent);
}

static bool respell_words(struct run_site *site, struct arena *arena, const struct spelling *spelling, const char *key,
                          struct error *err) {
    char *data = NULL;
    size_t length = 0;
    bool there = false;
    if (!read_object(site, arena, key, &data, &length, &there, err))
        return false;
    if (!there)
        return true;
    JSON_OWNED json_t *words = json_parse(data, length, err);
    if (!words)
        return error_context(err, "%s", key);
    struct spelling_result result = {0};
    JSON_OWNED json_t *corrected = spelling_apply_words(spelling, words, &result);
    TEXT_OWNED char *text = json_text(corrected, 0);
    return object_put_if_changed(site->files, key, text, strlen(text), NULL, err);
}

/* Words before the SRT, as when they were made: a kill between them leaves a correction that the next run makes whole.
 */
static bool respell_episode(struct run_site *site, struct arena *arena, const struct spelling *spelling,
                            const struct episode *episode, struct spelling_result *result, struct error *err) {
    const char *key = episode_transcript_key(arena, episode);
    char *data = NULL;
    size_t length = 0;
    bool there = false;
    if (!read_object(site, arena, key, &data, &length, &there, err))
        return false;
    if (!there)
        return true;
    const char *changed = data;
    size_t changed_length = length;
    if (!spelling_apply_srt(arena, spelling, data, length, &changed, &changed_length, result, err))
        return false;
    if (changed == data)
        return true;
    if (site->run->settings->dry_run) {
        run_plan(site, "correct %zu spellings in %s", result->total, key);
        return true;
    }
    return respell_words(site, arena, spelling, episode_words_key(arena, episode), err) &&
           object_put_bytes(site->files, key, changed, changed_length, NULL, err);
}

void run_respell_site(struct run_site *site) {
    run_say_phase(site->run, STEP_SPELL, "Phase 3.5: spelling corrections");
    ARENA_OWNED struct arena *arena = arena_open();
    const char **warnings = NULL;
    size_t warning_count = 0;
    const struct spelling *spelling =
        spelling_load(arena, site->site, site->run->settings->workspace_root, &warnings, &warning_count);
    for (size_t i = 0; i < warning_count; i++)
        run_warn(site, "%s", warnings[i]);
    for (size_t i = 0; i < site->manifest->count && !spelling_is_empty(spelling) && !run_cancelled(site); i++) {
        const struct episode *episode = site->manifest->episodes[i];
        ARENA_OWNED struct arena *scratch = arena_open();
        struct spelling_result result = {0};
        struct error err = {0};
        if (respell_episode(site, scratch, spelling, episode, &result, &err)) {
            site->record->spelling_files += result.total > 0;
            site->record->spelling_corrections += result.total;
            site->record->has_new_srt |= result.total > 0;
            for (size_t j = 0; j < result.count; j++)
                run_say(site->run, "  %s: \"%.80s\": %s x %zu", site->site->id, episode->title,
                        result.counts[j].corrected, result.counts[j].applied);
        } else {
            run_name_episode(&err, site, episode);
            run_fail(site, &err);
        }
    }
    site->record->spelling.outcome = site->record->error_count ? RUN_FAILED : RUN_OK;
}
