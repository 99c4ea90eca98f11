/* What each task of a run did, as a note under the task's name, and the report that follows from them. A task that is
 * run again replaces its note. The notes are in the state, too, so that a run that goes on after a kill tells of all of
 * it. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "podcast/run_site.h"

/* There is one run at a time in a data directory. */
#define KEPT_AS "podcast-run"

struct field {
    const char *name;
    size_t offset;
};

#define FIELD(name)                                                                                                    \
    { #name, offsetof(struct run_site_record, name) }

static const struct field counters[] = {
    FIELD(feeds_checked),   FIELD(feeds_changed),        FIELD(new_episodes),       FIELD(new_audio),
    FIELD(new_versions),    FIELD(feed_transcripts),     FIELD(transcribed),        FIELD(resumed_parts),
    FIELD(spelling_files),  FIELD(spelling_corrections), FIELD(index_entries),      FIELD(files_downloaded),
    FIELD(uploaded),        FIELD(audio_synced),         FIELD(transcripts_synced), FIELD(entries_synced),
    FIELD(manifest_synced), FIELD(rss_synced),           FIELD(index_synced),       FIELD(removed_in_cloud),
    FIELD(refreshed),       FIELD(invalidated_paths),
};
/* Of these the count of the last round that had one. */
static const struct field levels[] = {
    FIELD(missing_locally), FIELD(pre_local_only), FIELD(pre_s3_only),     FIELD(pre_consistent), FIELD(pre_conflicts),
    FIELD(to_upload),       FIELD(in_sync),        FIELD(post_local_only), FIELD(post_conflicts),
};
static const struct field flags[] = {FIELD(has_new_files),     FIELD(has_new_srt), FIELD(index_changed),
                                     FIELD(manifest_written),  FIELD(looked),      FIELD(has_downloads),
                                     FIELD(had_previous_files)};

/* By enum run_step. */
static const struct field phases[] = {FIELD(rss),        FIELD(rss),     FIELD(audio),    FIELD(transcription),
                                      FIELD(spelling),   FIELD(index),   FIELD(pre_sync), FIELD(pre_check),
                                      FIELD(post_check), FIELD(s3_sync), FIELD(refresh),  FIELD(invalidation)};

static size_t *counter_of(struct run_site_record *record, const struct field *field) {
    return (size_t *)(void *)((char *)record + field->offset);
}

static bool *flag_of(struct run_site_record *record, const struct field *field) {
    return (bool *)(void *)((char *)record + field->offset);
}

static struct run_phase *phase_of(struct run_site_record *record, enum run_step step) {
    return (struct run_phase *)(void *)((char *)record + phases[step].offset);
}

/* ---- a note ---- */

static void put_lines(json_t *note, const char *name, const char *const *lines, size_t count) {
    json_t *list = count ? json_array() : NULL;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(lines[i]));
    if (list)
        json_object_set_new(note, name, list);
}

static json_t *note_of(struct run_site_record *record, enum run_step step, int64_t began, int64_t ended) {
    json_t *note =
        json_pack("{s:s, s:i, s:i, s:I, s:I}", "site", record->site->id, "step", (int)step, "outcome",
                  (int)phase_of(record, step)->outcome, "began", (json_int_t)began, "ended", (json_int_t)ended);
    for (size_t i = 0; i < ARRAY_LENGTH(counters); i++) {
        size_t count = *counter_of(record, &counters[i]);
        if (count)
            json_object_set_new(note, counters[i].name, json_integer((json_int_t)count));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(levels); i++) {
        size_t count = *counter_of(record, &levels[i]);
        if (count)
            json_object_set_new(note, levels[i].name, json_integer((json_int_t)count));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        if (*flag_of(record, &flags[i]))
            json_object_set_new(note, flags[i].name, json_true());
    }
    put_lines(note, "planned", record->planned, record->planned_count);
    put_lines(note, "warnings", record->warnings, record->warning_count);
    put_lines(note, "errors", record->errors, record->error_count);
    return note;
}

/* Takes the note over. */
static void keep_note(struct run *run, const char *name, json_t *note) {
    struct error err = {0};
    pthread_mutex_lock(&run->note_lock);
    json_object_set(run->notes, name, note);
    pthread_mutex_unlock(&run->note_lock);
    if (run->keeps_notes && !state_note_write(run->state, KEPT_AS, name, note, &err))
        log_debug("podcast", "note %s: %s", name, err.message); /* it is lost only if this run is killed */
    json_decref(note);
}

void run_note(struct run_site *site, enum run_step step, const char *name, int64_t began) {
    int64_t ended = clock_wall_ms(site->run->settings->clock);
    keep_note(site->run, name, note_of(site->record, step, began, ended));
}

const char *run_site_name(char name[RUN_NAME_SIZE], const struct run *run, const char *task, const char *site) {
    snprintf(name, RUN_NAME_SIZE, "%s/%s#%u", task, site, run->round);
    return name;
}

void run_note_part(struct run_site *site, struct run_site_record *record, enum run_step step, const char *task,
                   int64_t began) {
    char name[RUN_NAME_SIZE];
    struct run_site part = *site;
    part.record = record;
    run_note(&part, step, run_site_name(name, site->run, task, site->site->id), began);
}

bool run_note_flag(struct run *run, const char *task, const char *site, const char *flag) {
    char name[RUN_NAME_SIZE];
    run_site_name(name, run, task, site);
    pthread_mutex_lock(&run->note_lock);
    bool set = json_get_bool(json_object_get(run->notes, name), flag, false);
    pthread_mutex_unlock(&run->note_lock);
    return set;
}

bool run_note_failed(struct run *run, const char *task, const char *site) {
    char name[RUN_NAME_SIZE];
    run_site_name(name, run, task, site);
    pthread_mutex_lock(&run->note_lock);
    bool failed = json_array_size(json_object_get(json_object_get(run->notes, name), "errors")) > 0;
    pthread_mutex_unlock(&run->note_lock);
    return failed;
}

bool run_load_notes(struct run *run, struct error *err) {
    json_t *notes = state_notes_read(run->state, KEPT_AS, err);
    if (!notes)
        return false;
    pthread_mutex_lock(&run->note_lock);
    json_decref(run->notes);
    run->notes = notes;
    pthread_mutex_unlock(&run->note_lock);
    run->keeps_notes = true;
    return true;
}

bool run_forget_notes(struct run *run, struct error *err) {
    pthread_mutex_lock(&run->note_lock);
    json_object_clear(run->notes);
    pthread_mutex_unlock(&run->note_lock);
    return !run->keeps_notes || state_notes_remove(run->state, NULL, err);
}

void run_forget_failures(struct run *run) {
    const char *name;
    json_t *note;
    void *next;
    pthread_mutex_lock(&run->note_lock);
    json_object_foreach_safe (run->notes, next, name, note) {
        if (json_array_size(json_object_get(note, "errors")))
            json_object_del(run->notes, name);
    }
    pthread_mutex_unlock(&run->note_lock);
}

void run_drop_kept_notes(struct run *run) {
    struct error err = {0};
    if (!state_notes_remove(run->state, NULL, &err))
        log_debug("podcast", "notes: %s", err.message); /* the next run forgets them */
}

bool run_noted(struct run *run, const char *name) {
    pthread_mutex_lock(&run->note_lock);
    bool noted = json_object_get(run->notes, name) != NULL;
    pthread_mutex_unlock(&run->note_lock);
    return noted;
}

static const char *left_name(const struct run *run, char name[32]) {
    snprintf(name, 32, "left/%u", run->round);
    return name;
}

void run_note_left(struct run *run) {
    char name[32];
    keep_note(run, left_name(run, name), json_pack("{s:b}", "left", 1));
}

bool run_has_left(struct run *run) {
    char name[32];
    return run_noted(run, left_name(run, name));
}

bool run_note_failure(struct run *run, const struct site *site, enum run_step step, const char *name,
                      const char *line) {
    pthread_mutex_lock(&run->note_lock);
    const json_t *known = json_object_get(run->notes, name);
    bool told = json_array_size(json_object_get(known, "errors")) > 0;
    pthread_mutex_unlock(&run->note_lock);
    if (told)
        return false;
    struct run_site_record record = {.site = site, .errors = &line, .error_count = 1};
    phase_of(&record, step)->outcome = RUN_FAILED;
    int64_t now = clock_wall_ms(run->settings->clock);
    keep_note(run, name, note_of(&record, step, now, now));
    return true;
}

/* ---- the report ---- */

struct line_list {
    const char **items;
    size_t count, capacity;
};

static void take_lines(struct arena *arena, struct line_list *list, const json_t *lines) {
    size_t index;
    const json_t *line;
    json_array_foreach (lines, index, line) {
        list->items = arena_grow(arena, (void *)list->items, list->count, &list->capacity, sizeof(*list->items));
        list->items[list->count++] = arena_text(arena, json_string_value(line));
    }
}

/* Failed beats done, done beats nothing to do. */
static enum run_outcome worse(enum run_outcome a, enum run_outcome b) {
    static const int rank[] = {
        [RUN_NOT_ATTEMPTED] = 0, [RUN_SKIPPED] = 1, [RUN_NOT_NEEDED] = 2, [RUN_OK] = 3, [RUN_FAILED] = 4};
    return rank[a] > rank[b] ? a : b;
}

struct span {
    int64_t began, ended; /* UTC; 0: nothing took place */
};

static void take_span(struct span *span, const json_t *note) {
    int64_t began = json_get_int(note, "began", 0);
    int64_t ended = json_get_int(note, "ended", 0);
    span->began = !span->began || began < span->began ? began : span->began;
    span->ended = ended > span->ended ? ended : span->ended;
}

struct gathering {
    struct arena *arena;
    struct run_site_record *record;
    struct line_list planned, warnings, errors;
    struct span spans[ARRAY_LENGTH(phases)];
    bool left_out; /* it could not be opened */
};

static void take_note(struct gathering *gathering, const json_t *note) {
    struct run_site_record *record = gathering->record;
    int64_t step = json_get_int(note, "step", 0);
    int64_t outcome = json_get_int(note, "outcome", 0);
    if (step < 0 || step >= (int64_t)ARRAY_LENGTH(phases) || outcome < 0 || outcome > RUN_NOT_NEEDED)
        return; /* of another version of this program */
    if (json_array_size(json_object_get(note, "errors")))
        outcome = RUN_FAILED;
    struct run_phase *phase = phase_of(record, (enum run_step)step);
    phase->outcome = worse(phase->outcome, (enum run_outcome)outcome);
    take_span(&gathering->spans[step], note);
    gathering->left_out |= step == STEP_OPEN && outcome == RUN_FAILED;
    for (size_t i = 0; i < ARRAY_LENGTH(counters); i++)
        *counter_of(record, &counters[i]) += (size_t)json_get_int(note, counters[i].name, 0);
    for (size_t i = 0; i < ARRAY_LENGTH(levels); i++)
        *counter_of(record, &levels[i]) =
            (size_t)json_get_int(note, levels[i].name, (json_int_t)*counter_of(record, &levels[i]));
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++)
        *flag_of(record, &flags[i]) |= json_get_bool(note, flags[i].name, false);
    take_lines(gathering->arena, &gathering->planned, json_object_get(note, "planned"));
    take_lines(gathering->arena, &gathering->warnings, json_object_get(note, "warnings"));
    take_lines(gathering->arena, &gathering->errors, json_object_get(note, "errors"));
}

static void mark_all_failed(struct run_site_record *record) {
    for (size_t i = 0; i < ARRAY_LENGTH(phases); i++) {
        struct run_phase *phase = phase_of(record, (enum run_step)i);
        if (phase->outcome == RUN_NOT_ATTEMPTED)
            phase->outcome = RUN_FAILED;
    }
}

/* A phase that the flags leave out says so; one that was not reached stays "not attempted". */
static void mark_skipped(const struct run_settings *settings, struct run_site_record *record) {
    if (settings->skip_rss)
        record->rss.outcome = record->audio.outcome = RUN_SKIPPED;
    if (settings->skip_audio)
        record->transcription.outcome = RUN_SKIPPED;
    if (!settings->respell || settings->in_cloud)
        record->spelling.outcome = RUN_SKIPPED;
    if (settings->in_cloud)
        record->audio.outcome = RUN_SKIPPED;
    if (settings->skip_index)
        record->index.outcome = RUN_SKIPPED;
    if (!settings->cloud || settings->in_cloud || settings->skip_pre_sync)
        record->pre_sync.outcome = record->pre_check.outcome = RUN_SKIPPED;
    if (!settings->cloud || settings->in_cloud || settings->skip_upload)
        record->post_check.outcome = record->s3_sync.outcome = RUN_SKIPPED;
    if (!settings->cloud || (settings->skip_upload && !settings->in_cloud))
        record->refresh.outcome = RUN_SKIPPED;
    if (!settings->cloud || settings->skip_invalidation)
        record->invalidation.outcome = RUN_SKIPPED;
}

static void end_gathering(struct gathering *gathering) {
    struct run_site_record *record = gathering->record;
    if (gathering->left_out)
        mark_all_failed(record);
    for (size_t i = 0; i < ARRAY_LENGTH(phases); i++)
        phase_of(record, (enum run_step)i)->ms = gathering->spans[i].ended - gathering->spans[i].began;
    record->planned = gathering->planned.items;
    record->planned_count = gathering->planned.count;
    record->warnings = gathering->warnings.items;
    record->warning_count = gathering->warnings.count;
    record->errors = gathering->errors.items;
    record->error_count = gathering->errors.count;
}

static bool nothing_new(const struct run_report *report) {
    for (size_t i = 0; i < report->site_count; i++) {
        const struct run_site_record *record = &report->sites[i];
        if (record->has_new_files || record->index_changed || record->manifest_written || record->feeds_changed ||
            record->spelling_corrections || record->planned_count || record->has_downloads || record->uploaded ||
            record->removed_in_cloud || record->refreshed || record->invalidated_paths)
            return false;
    }
    return true;
}

void run_gather_report(struct run *run, struct arena *arena, struct run_report *report) {
    report->site_count = run->count;
    report->sites = arena_alloc_array(arena, run->count + 1, sizeof(*report->sites));
    struct gathering *gatherings = memory_alloc_array(run->count + 1, sizeof(*gatherings));
    for (size_t i = 0; i < run->count; i++) {
        report->sites[i].site = run->sources[i].site;
        gatherings[i].arena = arena;
        gatherings[i].record = &report->sites[i];
        mark_skipped(run->settings, &report->sites[i]);
    }
    const char *name;
    json_t *note;
    pthread_mutex_lock(&run->note_lock);
    json_object_foreach (run->notes, name, note) {
        const struct run_source *source = run_find_source(run, json_get_text(note, "site", ""));
        if (source)
            take_note(&gatherings[source - run->sources], note);
    }
    pthread_mutex_unlock(&run->note_lock);
    for (size_t i = 0; i < run->count; i++)
        end_gathering(&gatherings[i]);
    free(gatherings);
    report->nothing_new = nothing_new(report);
}
