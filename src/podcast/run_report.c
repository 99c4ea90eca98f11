/* The closing summary of a run, for people and as JSON. The names are those that users' tools read today
 * (docs/podcast.md). */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "podcast/run.h"

int run_report_exit_status(const struct run_report *report) {
    if (report->interrupted)
        return 130;
    for (size_t i = 0; i < report->site_count; i++) {
        if (report->sites[i].error_count)
            return 1;
    }
    return 0;
}

static json_t *lines_json(const char *const *lines, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(lines[i]));
    return list;
}

/* {prefix}Success (null: not attempted or skipped) and {prefix}Duration in milliseconds. */
static void put_phase(json_t *object, const char *prefix, const struct run_phase *phase) {
    char key[80];
    bool known = phase->outcome == RUN_OK || phase->outcome == RUN_FAILED || phase->outcome == RUN_NOT_NEEDED;
    snprintf(key, sizeof(key), "%sSuccess", prefix);
    json_object_set_new(object, key, known ? json_boolean(phase->outcome != RUN_FAILED) : json_null());
    snprintf(key, sizeof(key), "%sDuration", prefix);
    json_object_set_new(object, key, json_integer(phase->ms));
}

static void put_count(json_t *object, const char *key, size_t count) {
    json_object_set_new(object, key, json_integer((json_int_t)count));
}

/* Names of 7.5, and of the design's ComprehensiveSyncResult (spec/podcast.md sections 7.5, 7.8). */
static void put_cloud(json_t *object, const struct run_site_record *record) {
    put_phase(object, "s3PreSync", &record->pre_sync);
    put_count(object, "s3PreSyncFilesDownloaded", record->files_downloaded);
    put_phase(object, "preConsistencyCheck", &record->pre_check);
    put_count(object, "filesMissingLocally", record->missing_locally);
    put_phase(object, "postConsistencyCheck", &record->post_check);
    put_count(object, "filesToUpload", record->to_upload);
    put_count(object, "filesInSync", record->in_sync);
    put_phase(object, "s3Sync", &record->s3_sync);
    put_count(object, "s3SyncTotalFilesUploaded", record->uploaded);
    put_count(object, "s3SyncTotalFilesRemoved", record->removed_in_cloud);
    put_phase(object, "searchApiRefresh", &record->refresh);
    put_phase(object, "cloudfrontInvalidation", &record->invalidation);
    put_count(object, "cloudfrontInvalidationPaths", record->invalidated_paths);
    const struct {
        const char *name;
        size_t count;
    } synced[] = {{"audioFilesSynced", record->audio_synced},
                  {"transcriptFilesSynced", record->transcripts_synced},
                  {"searchEntryFilesSynced", record->entries_synced},
                  {"manifestFilesSynced", record->manifest_synced},
                  {"rssFilesSynced", record->rss_synced},
                  {"searchIndexFilesSynced", record->index_synced},
                  {"totalFilesSynced", record->uploaded}};
    json_t *result = json_pack("{s:s}", "siteId", record->site->id);
    for (size_t i = 0; i < sizeof(synced) / sizeof(*synced); i++)
        put_count(result, synced[i].name, synced[i].count);
    json_object_set_new(result, "hadPreviousFiles", json_boolean(record->had_previous_files));
    json_object_set_new(object, "comprehensiveSyncResult", result);
    json_object_set_new(object, "syncGap",
                        json_pack("{s:{s:I, s:I, s:I, s:I}, s:{s:I, s:I, s:I}}", "before", "localOnly",
                                  (json_int_t)record->pre_local_only, "s3Only", (json_int_t)record->pre_s3_only,
                                  "consistent", (json_int_t)record->pre_consistent, "conflicts",
                                  (json_int_t)record->pre_conflicts, "after", "localOnly",
                                  (json_int_t)record->post_local_only, "consistent", (json_int_t)record->in_sync,
                                  "conflicts", (json_int_t)record->post_conflicts));
}

static json_t *site_json(const struct run_site_record *record) {
    json_t *object = json_object();
    json_object_set_new(object, "siteId", json_string(record->site->id));
    json_object_set_new(object, "siteTitle", json_string(record->site->header.primary_title));
    struct run_phase retrieval = record->rss;
    if (record->audio.outcome == RUN_FAILED)
        retrieval.outcome = RUN_FAILED;
    if (record->audio.ms)
        retrieval.ms += record->audio.ms;
    put_phase(object, "rssRetrieval", &retrieval);
    put_phase(object, "audioProcessing", &record->transcription);
    put_count(object, "feedsChecked", record->feeds_checked);
    put_count(object, "newEpisodes", record->new_episodes);
    put_count(object, "newAudioFilesDownloaded", record->new_audio);
    put_count(object, "newAudioVersions", record->new_versions);
    put_count(object, "feedTranscriptsDownloaded", record->feed_transcripts);
    put_count(object, "newEpisodesTranscribed", record->transcribed);
    json_object_set_new(object, "hasNewFiles", json_boolean(record->has_new_files));
    json_object_set_new(object, "hasNewSrtFiles", json_boolean(record->has_new_srt));
    put_phase(object, "spellingCorrectionsReapplication", &record->spelling);
    put_count(object, "spellingCorrectionsFilesProcessed", record->spelling_files);
    put_count(object, "spellingCorrectionsTotalCorrections", record->spelling_corrections);
    put_phase(object, "localIndexing", &record->index);
    put_count(object, "localIndexingEntriesProcessed", record->index_entries);
    put_cloud(object, record);
    json_object_set_new(object, "planned", lines_json(record->planned, record->planned_count));
    json_object_set_new(object, "warnings", lines_json(record->warnings, record->warning_count));
    json_object_set_new(object, "errors", lines_json(record->errors, record->error_count));
    return object;
}

json_t *run_report_json(const struct run_report *report) {
    char started[CLOCK_ISO_SIZE];
    char ended[CLOCK_ISO_SIZE];
    json_t *sites = json_array();
    for (size_t i = 0; i < report->site_count; i++)
        json_array_append_new(sites, site_json(&report->sites[i]));
    return json_pack("{s:s, s:s, s:I, s:b, s:b, s:b, s:o}", "startedAt", clock_iso(report->started_ms, started),
                     "endedAt", clock_iso(report->ended_ms, ended), "durationMs",
                     (json_int_t)(report->ended_ms - report->started_ms), "dryRun", (int)report->dry_run, "interrupted",
                     (int)report->interrupted, "nothingNew", (int)report->nothing_new, "sites", sites);
}

static const char *mark(enum run_outcome outcome) {
    switch (outcome) {
    case RUN_OK:
        return "✅";
    case RUN_FAILED:
        return "❌";
    case RUN_SKIPPED:
        return "⏭️ ";
    case RUN_NOT_NEEDED:
        return "⚪";
    case RUN_NOT_ATTEMPTED:
        break;
    }
    return "⏸️ ";
}

static void put_phase_line(struct text *out, const char *name, const struct run_phase *phase) {
    text_append_format(out, "    %s %s (%.1fs)\n", mark(phase->outcome), name, (double)phase->ms / 1000);
}

static void put_lines(struct text *out, const char *head, const char *const *lines, size_t count) {
    if (!count)
        return;
    text_append_format(out, "    %s\n", head);
    for (size_t i = 0; i < count; i++)
        text_append_format(out, "      - %s\n", lines[i]);
}

/* False in a local run. */
static bool has_cloud(const struct run_site_record *record) {
    return record->pre_sync.outcome != RUN_SKIPPED || record->s3_sync.outcome != RUN_SKIPPED ||
           record->refresh.outcome != RUN_SKIPPED || record->invalidation.outcome != RUN_SKIPPED;
}

static void put_uploads(struct text *out, const struct run_site_record *record) {
    put_phase_line(out, "Phase 5 - Final Sync", &record->post_check);
    put_phase_line(out, "S3 Upload", &record->s3_sync);
    put_phase_line(out, "Search-API Refresh", &record->refresh);
    put_phase_line(out, "CloudFront Invalidation", &record->invalidation);
}

static void put_site(struct text *out, const struct run_site_record *record) {
    bool cloud = has_cloud(record);
    text_append_format(out, "\n  %s (%s)\n", record->site->header.primary_title, record->site->id);
    if (cloud)
        put_phase_line(out, "Phase 1 - Pre-sync", &record->pre_sync);
    struct run_phase retrieval = record->rss;
    if (record->audio.outcome == RUN_FAILED)
        retrieval.outcome = RUN_FAILED;
    put_phase_line(out, "Phase 2 - RSS", &retrieval);
    put_phase_line(out, "Phase 3 - Audio", &record->transcription);
    put_phase_line(out, "Phase 3.5 - Spelling", &record->spelling);
    put_phase_line(out, "Phase 4 - Local Index", &record->index);
    if (cloud)
        put_uploads(out, record);
    text_append_format(out, "    📥 %zu audio files, 🎤 %zu episodes transcribed, 🔍 %zu passages into the index\n",
                       record->new_audio, record->transcribed, record->index_entries);
    text_append_format(out, "    📂 Has new files: %s\n", record->has_new_files ? "yes" : "no");
    if (cloud)
        text_append_format(out, "    📁 Files in sync: %zu; Total: 📥 %zu from S3, 📤 %zu to S3\n", record->in_sync,
                           record->files_downloaded, record->uploaded);
    put_lines(out, "Would do:", record->planned, record->planned_count);
    put_lines(out, "Warnings:", record->warnings, record->warning_count);
    put_lines(out, "Errors:", record->errors, record->error_count);
}

static void put_rate(struct text *out, const char *name, const struct run_report *report,
                     const struct run_phase *(*phase)(const struct run_site_record *record)) {
    size_t good = 0;
    size_t all = 0;
    for (size_t i = 0; i < report->site_count; i++) {
        enum run_outcome outcome = phase(&report->sites[i])->outcome;
        good += outcome == RUN_OK || outcome == RUN_NOT_NEEDED;
        all += outcome != RUN_NOT_ATTEMPTED && outcome != RUN_SKIPPED;
    }
    if (all)
        text_append_format(out, "    %s: %zu/%zu (%zu%%)\n", name, good, all, good * 100 / all);
}

static const struct run_phase *rss_of(const struct run_site_record *record) {
    return &record->rss;
}

static const struct run_phase *audio_of(const struct run_site_record *record) {
    return &record->transcription;
}

static const struct run_phase *spelling_of(const struct run_site_record *record) {
    return &record->spelling;
}

static const struct run_phase *index_of(const struct run_site_record *record) {
    return &record->index;
}

static const struct run_phase *pre_sync_of(const struct run_site_record *record) {
    return &record->pre_sync;
}

static const struct run_phase *check_of(const struct run_site_record *record) {
    return &record->post_check;
}

static const struct run_phase *upload_of(const struct run_site_record *record) {
    return &record->s3_sync;
}

static const struct run_phase *refresh_of(const struct run_site_record *record) {
    return &record->refresh;
}

static const struct run_phase *invalidation_of(const struct run_site_record *record) {
    return &record->invalidation;
}

static void put_cloud_totals(struct text *out, const struct run_report *report) {
    size_t wanted = 0;
    size_t uploading = 0;
    size_t up = 0;
    size_t down = 0;
    bool any = false;
    for (size_t i = 0; i < report->site_count; i++) {
        const struct run_site_record *record = &report->sites[i];
        any |= has_cloud(record);
        wanted += record->to_upload > 0;
        uploading += record->uploaded > 0;
        up += record->uploaded;
        down += record->files_downloaded;
    }
    if (any)
        text_append_format(out,
                           "    Sites with files to upload: %zu/%zu, with uploads: %zu/%zu\n"
                           "    📥 from S3: %zu, 📤 to S3: %zu\n",
                           wanted, report->site_count, uploading, report->site_count, down, up);
}

static void put_totals(struct text *out, const struct run_report *report) {
    size_t audio = 0;
    size_t transcribed = 0;
    size_t entries = 0;
    size_t errors = 0;
    size_t fresh = 0;
    for (size_t i = 0; i < report->site_count; i++) {
        const struct run_site_record *record = &report->sites[i];
        audio += record->new_audio;
        transcribed += record->transcribed;
        entries += record->index_entries;
        errors += record->error_count;
        fresh += record->has_new_files;
    }
    text_append(out, "\n📊 Overall Statistics:\n");
    put_rate(out, "Pre-sync", report, pre_sync_of);
    put_rate(out, "RSS retrieval", report, rss_of);
    put_rate(out, "Audio processing", report, audio_of);
    put_rate(out, "Spelling corrections", report, spelling_of);
    put_rate(out, "Local indexing", report, index_of);
    put_rate(out, "Consistency check", report, check_of);
    put_rate(out, "S3 upload", report, upload_of);
    put_rate(out, "Search-API refresh", report, refresh_of);
    put_rate(out, "CloudFront invalidation", report, invalidation_of);
    text_append_format(out, "    Sites with new files: %zu/%zu\n", fresh, report->site_count);
    put_cloud_totals(out, report);
    text_append_format(out, "    📥 audio files: %zu, 🎤 transcribed: %zu, 🔍 index entries: %zu, errors: %zu\n", audio,
                       transcribed, entries, errors);
}

char *run_report_text(const struct run_report *report) {
    char when[CLOCK_ISO_SIZE];
    double seconds = (double)(report->ended_ms - report->started_ms) / 1000;
    struct text out;
    text_open(&out, 16 * MIB);
    text_append_format(&out, "\n📊 Final Summary%s\n", report->dry_run ? " (dry run: nothing was done)" : "");
    text_append_format(&out, "⏱️  Overall Duration: %.1fs (%.1f minutes)\n", seconds, seconds / 60);
    text_append_format(&out, "🕐 Completed at: %s\n", clock_iso(report->ended_ms, when));
    if (report->interrupted)
        text_append(&out, "Interrupted: the next run goes on where this one was.\n");
    text_append(&out, "\n📈 Per-Site Results:\n");
    for (size_t i = 0; i < report->site_count; i++)
        put_site(&out, &report->sites[i]);
    put_totals(&out, report);
    if (report->nothing_new && !run_report_exit_status(report))
        text_append(&out, "\nnothing new\n");
    return text_take(&out);
}
