/* The check of a site: which files there are, which rows, and what belongs together; the content of the files is
 * check_content.c's, that of the index check_index.c's.
 *
 * A file belongs to the row that has its podcast and file key. The older checks grouped by date and title instead, and
 * so took an old transcript for that of a newer download. */
#include "podcast/check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "podcast/check_internal.h"
#include "podcast/file_key.h"
#include "web/url.h"

void check_add(struct checking *checking, enum check_severity severity, const char *type,
               const struct check_group *group, const char *file_path, const char *details, const char *format, ...) {
    struct check_report *report = checking->report;
    report->summary.issues++;
    report->summary.errors += severity == CHECK_ERROR;
    report->summary.warnings += severity == CHECK_WARNING;
    report->summary.info += severity == CHECK_INFO;
    if (report->count >= LIMIT_CHECK_ISSUES)
        return;
    va_list arguments;
    va_start(arguments, format);
    char *description = arena_format_list(checking->arena, format, arguments);
    va_end(arguments);
    report->rows = arena_grow(checking->arena, report->rows, report->count, &checking->capacity, sizeof(*report->rows));
    struct check_issue *row = &report->rows[report->count++];
    const struct episode *episode = group ? group->episode : NULL;
    *row = (struct check_issue){
        .severity = severity,
        .type = type,
        .description = description,
        .podcast_id = group ? group->podcast_id : NULL,
        .episode_title = episode ? arena_text(checking->arena, episode->title) : NULL,
        .file_path = arena_text(checking->arena, file_path),
        .details = arena_text(checking->arena, details),
    };
    const char *time = group && file_key_has_time(group->file_key) ? strrchr(group->file_key, '-') + 1 : NULL;
    int64_t ms = 0;
    char iso[CLOCK_ISO_SIZE];
    if (time && text_to_int64(time, &ms))
        row->downloaded_at = arena_text(checking->arena, clock_iso(ms, iso));
}

/* ---- what is there ---- */

static struct check_group *group_of(struct checking *checking, const char *podcast_id, const char *file_key) {
    char *name = arena_format(checking->arena, "%s/%s", podcast_id, file_key);
    struct check_group *group = text_map_get(&checking->by_key, name);
    if (group)
        return group;
    group = arena_alloc(checking->arena, sizeof(*group));
    /* Copies: a row's texts die with the manifest, before the report does. */
    group->podcast_id = arena_text(checking->arena, podcast_id);
    group->file_key = arena_text(checking->arena, file_key);
    text_map_add(&checking->by_key, name, group);
    checking->groups = arena_grow(checking->arena, checking->groups, checking->group_count, &checking->group_capacity,
                                  sizeof(struct check_group *));
    checking->groups[checking->group_count++] = group;
    return group;
}

/* "audio/{podcastId}/{fileKey}.mp3" apart; false for what has no such form. */
static bool split_key(struct arena *arena, const char *key, struct check_file *file) {
    const char *podcast = strchr(key, '/');
    const char *name = podcast ? strchr(podcast + 1, '/') : NULL;
    if (!name || strchr(name + 1, '/'))
        return false;
    const char *dot = strrchr(name, '.');
    if (text_ends(name, ".words.json"))
        dot = name + strlen(name) - strlen(".words.json");
    if (!dot || dot == name + 1)
        return false;
    file->podcast_id = arena_text_part(arena, podcast + 1, (size_t)(name - podcast) - 1);
    file->file_key = arena_text_part(arena, name + 1, (size_t)(dot - name) - 1);
    file->extension = arena_text(arena, dot + 1);
    return true;
}

static bool is_audio_extension(const char *extension) {
    static const char *const known[] = {"mp3",  "m4a",  "m4b", "mp4",  "m4v", "aac", "ogg", "oga",
                                        "opus", "flac", "wav", "webm", "mov", "mka", "mkv", "audio"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (!strcmp(known[i], extension))
            return true;
    return false;
}

static bool note_file(void *to, const struct object_facts *facts, struct error *err) {
    struct checking *checking = to;
    struct check_summary *summary = &checking->report->summary;
    (void)err;
    struct check_file *file = arena_alloc(checking->arena, sizeof(*file));
    *file = (struct check_file){.key = arena_text(checking->arena, facts->key), .size = facts->size};
    if (!split_key(checking->arena, file->key, file))
        return true; /* a lock, a note: no file of an episode */
    bool words = !strcmp(file->extension, "words.json");
    enum check_kind kind;
    if (text_starts(file->key, "audio/") && is_audio_extension(file->extension))
        kind = CHECK_AUDIO;
    else if (text_starts(file->key, "transcripts/") && (words || !strcmp(file->extension, "srt")))
        kind = CHECK_TRANSCRIPT;
    else if (text_starts(file->key, "search-entries/") && !strcmp(file->extension, "json"))
        kind = CHECK_ENTRIES;
    else
        return true;
    struct check_group *group = group_of(checking, file->podcast_id, file->file_key);
    if (words) {
        group->words = file;
        return true;
    }
    summary->audio_files += kind == CHECK_AUDIO;
    summary->transcript_files += kind == CHECK_TRANSCRIPT;
    summary->entry_files += kind == CHECK_ENTRIES;
    if (group->files[kind])
        check_add(checking, CHECK_WARNING, "duplicate-versions", group, file->key, group->files[kind]->key,
                  "Two files of one version of an episode: %s", file->file_key);
    else
        group->files[kind] = file;
    return true;
}

/* ---- what belongs together ---- */

static void note_rows(struct checking *checking) {
    struct manifest *manifest = checking->manifest;
    struct text_map urls;
    text_map_open(&urls, checking->arena);
    for (size_t i = 0; manifest && i < manifest->count; i++) {
        const struct episode *episode = manifest->episodes[i];
        struct check_group *group = group_of(checking, episode->podcast_id, episode->file_key);
        checking->report->summary.manifest_entries++;
        checking->report->summary.total_episodes += !text_map_get(&urls, episode->audio_url);
        text_map_add(&urls, episode->audio_url, group);
        if (group->episode)
            check_add(checking, CHECK_ERROR, "manifest-mismatch", group, NULL, episode->title,
                      "Two rows of the manifest have the file key \"%s\"", episode->file_key);
        else
            group->episode = episode;
        if (!episode->published_known)
            check_add(checking, CHECK_WARNING, "manifest-mismatch", group, NULL, NULL,
                      "The date of episode \"%s\" cannot be read", episode->title);
        if (episode->id <= 0)
            check_add(checking, CHECK_ERROR, "manifest-mismatch", group, NULL, NULL,
                      "Episode \"%s\" has no number, or that of another one", episode->title);
    }
}

static bool has_files(const struct check_group *group) {
    return group->files[CHECK_AUDIO] || group->files[CHECK_TRANSCRIPT] || group->files[CHECK_ENTRIES];
}

static const char *any_path(const struct check_group *group) {
    for (size_t kind = 0; kind < CHECK_KIND_COUNT; kind++)
        if (group->files[kind])
            return group->files[kind]->key;
    return NULL;
}

static void check_row(struct checking *checking, const struct check_group *group) {
    const struct episode *episode = group->episode;
    const struct check_file *audio = group->files[CHECK_AUDIO];
    const struct check_file *transcript = group->files[CHECK_TRANSCRIPT];
    if (!has_files(group)) {
        check_add(checking, CHECK_ERROR, "missing-file", group, NULL, NULL,
                  "Orphaned manifest entry - no files exist for episode \"%s\"", episode->title);
        return;
    }
    if (!audio)
        check_add(checking, CHECK_ERROR, "missing-file", group, episode_audio_key(checking->arena, episode), NULL,
                  "Missing audio for episode in podcast \"%s\"", group->podcast_id);
    else if (strcmp(audio->key, episode_audio_key(checking->arena, episode)) != 0)
        check_add(checking, CHECK_ERROR, "manifest-mismatch", group, audio->key,
                  episode_audio_key(checking->arena, episode),
                  "The manifest names another audio file for episode \"%s\"", episode->title);
    if (!transcript)
        check_add(checking, CHECK_ERROR, "missing-file", group, episode_transcript_key(checking->arena, episode), NULL,
                  "Missing transcript for episode in podcast \"%s\"", group->podcast_id);
    if (!group->files[CHECK_ENTRIES])
        check_add(checking, CHECK_ERROR, "missing-file", group, episode_entries_key(checking->arena, episode), NULL,
                  "Missing search entries for episode in podcast \"%s\"", group->podcast_id);
}

static void check_strangers(struct checking *checking, const struct check_group *group) {
    check_add(checking, CHECK_ERROR, "manifest-mismatch", group, any_path(group), NULL,
              "Files exist but not in manifest for episode \"%s\"", group->file_key);
    if (group->files[CHECK_AUDIO])
        return;
    if (group->files[CHECK_TRANSCRIPT])
        check_add(checking, CHECK_WARNING, "orphaned-file", group, group->files[CHECK_TRANSCRIPT]->key, NULL,
                  "Transcript without audio: \"%s\"", group->file_key);
    if (group->files[CHECK_ENTRIES])
        check_add(checking, CHECK_WARNING, "orphaned-file", group, group->files[CHECK_ENTRIES]->key, NULL,
                  "Search entries without audio: \"%s\"", group->file_key);
}

/* Files of several downloads of what looks like one episode: same podcast, day and title. Two rows may share these, so
 * a version is only another's when at most one of them is a row. */
static void check_versions(struct checking *checking) {
    struct text_map stems;
    text_map_open(&stems, checking->arena);
    for (size_t i = 0; i < checking->group_count; i++) {
        struct check_group *group = checking->groups[i];
        text_map_add(
            &stems,
            arena_format(checking->arena, "%s/%s", group->podcast_id, file_key_stem(checking->arena, group->file_key)),
            group);
    }
    for (size_t i = 0; i < checking->group_count; i++) {
        struct check_group *group = checking->groups[i];
        char *stem =
            arena_format(checking->arena, "%s/%s", group->podcast_id, file_key_stem(checking->arena, group->file_key));
        const struct text_map_link *link = text_map_find(&stems, stem);
        if (link->value != group)
            continue;
        const char **versions = NULL;
        size_t count = 0, capacity = 0, rows = 0;
        struct check_group *row = NULL, *transcribed = NULL;
        for (; link; link = link->next) {
            struct check_group *version = link->value;
            rows += version->episode != NULL;
            if (version->episode)
                row = version;
            if (version->files[CHECK_TRANSCRIPT] && !version->episode)
                transcribed = version;
            versions = arena_grow(checking->arena, versions, count, &capacity, sizeof(*versions));
            versions[count++] = version->file_key;
        }
        if (count < 2 || rows > 1)
            continue;
        check_add(checking, CHECK_WARNING, "duplicate-versions", row ? row : group, NULL, NULL,
                  "%zu versions of one episode: \"%s\"", count, file_key_stem(checking->arena, group->file_key));
        if (checking->report->count && checking->report->rows[checking->report->count - 1].type[0] == 'd') {
            checking->report->rows[checking->report->count - 1].versions = versions;
            checking->report->rows[checking->report->count - 1].version_count = count;
        }
        if (row && transcribed && row->files[CHECK_AUDIO] && !row->files[CHECK_TRANSCRIPT])
            check_add(checking, CHECK_ERROR, "version-mismatch", row, transcribed->files[CHECK_TRANSCRIPT]->key,
                      row->files[CHECK_AUDIO]->key, "The transcript of episode \"%s\" was made from another download",
                      row->episode->title);
    }
}

static void check_membership(struct checking *checking) {
    struct text_map unconfigured;
    text_map_open(&unconfigured, checking->arena);
    for (size_t i = 0; i < checking->group_count; i++) {
        const struct check_group *group = checking->groups[i];
        struct file_key key;
        struct error err = {0};
        if (!file_key_parse(checking->arena, group->file_key, &key, &err))
            check_add(checking, CHECK_ERROR, "parse-error", group, any_path(group), NULL, "%s", err.message);
        if (!site_podcast_find(checking->site, group->podcast_id) && !text_map_find(&unconfigured, group->podcast_id)) {
            text_map_add(&unconfigured, group->podcast_id, checking);
            check_add(checking, CHECK_WARNING, "unconfigured-podcast", group, any_path(group), NULL,
                      "Podcast \"%s\" has files or episodes, but the site's configuration does not name it",
                      group->podcast_id);
        }
        if (group->episode)
            check_row(checking, group);
        else if (checking->manifest && has_files(group))
            check_strangers(checking, group);
    }
    check_versions(checking);
}

/* ---- order, and the whole ---- */

static int by_severity(const void *a, const void *b) {
    const struct check_issue *left = a, *right = b;
    if (left->severity != right->severity)
        return left->severity < right->severity ? -1 : 1;
    int order = strcmp(left->type, right->type);
    if (!order)
        order = strcmp(left->podcast_id ? left->podcast_id : "", right->podcast_id ? right->podcast_id : "");
    if (!order)
        order = strcmp(left->file_path ? left->file_path : "", right->file_path ? right->file_path : "");
    return order ? order : strcmp(left->description, right->description);
}

static bool check_contents(struct checking *checking, struct error *err) {
    const struct check_settings *settings = checking->settings;
    for (size_t i = 0; i < checking->group_count; i++) {
        if (cancel_requested(settings->cancel))
            return error_set(err, ERROR_CANCELLED, "the check was stopped");
        if (settings->progress)
            settings->progress(settings->progress_to, i, checking->group_count, checking->groups[i]->file_key);
        arena_reset(checking->work);
        if (!check_group_content(checking, checking->groups[i], err))
            return false;
    }
    return true;
}

static bool list_files(struct checking *checking, struct error *err) {
    static const char *const folders[] = {"audio/", "transcripts/", "search-entries/"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (!object_list(checking->files, folders[i], note_file, checking, err))
            return error_context(err, "site %s", checking->site->id);
    return true;
}

bool check_site(struct arena *arena, const struct site *site, struct object_store *files,
                const struct check_settings *settings, struct check_report *report, struct error *err) {
    ARENA_OWNED struct arena *work = arena_open();
    *report = (struct check_report){.site_id = site->id, .time_ms = settings->now_ms, .deep = settings->deep};
    struct checking checking = {
        .arena = arena, .work = work, .site = site, .files = files, .settings = settings, .report = report};
    text_map_open(&checking.by_key, arena);
    if (!list_files(&checking, err))
        return false;
    struct error fault = {0};
    checking.manifest = manifest_load(files, &fault);
    if (!checking.manifest)
        check_add(&checking, CHECK_ERROR, "manifest-unreadable", NULL, MANIFEST_KEY, fault.message,
                  "The manifest cannot be read");
    note_rows(&checking);
    check_membership(&checking);
    check_index_open(&checking);
    bool done = check_contents(&checking, err);
    if (done)
        check_index_extra(&checking);
    index_reader_close(checking.index);
    manifest_close(checking.manifest);
    if (done && report->count)
        qsort(report->rows, report->count, sizeof(*report->rows), by_severity);
    return done;
}
