/* How a site's index is brought to date.
 *
 * One listing of transcripts/ and one of search-entries/ say what is there. For each episode of the manifest with a
 * transcript, the facts that the result depends on are made into one line: etags of both files and the row's fields. If
 * the caller's memory knows that line, the episode is not read. Otherwise transcript, passages, entries file, index:
 * and each of the last two writes only when its content differs. The memory is told after the commit only (effect
 * first, then the mark). */
#include "podcast/index_site.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/entries.h"
#include "podcast/passage.h"
#include "podcast/text_map.h"
#include "search/index.h"
#include "speech/srt.h"

enum { WARNINGS_KEPT = 100 };

struct listed {
    const char *key;
    const char *etag;
    uint64_t size;
    bool used; /* a row names it */
};

struct listing {
    struct arena *arena;
    struct text_map map;
    struct listed **items;
    size_t count, capacity;
};

/* What is to be remembered of an episode once the index is published. */
struct mark {
    int64_t episode_id;
    const char *facts;
};

struct indexing {
    struct arena *arena; /* of the whole call */
    struct arena *work;  /* of one episode */
    const struct site *site;
    const struct manifest *manifest;
    struct object_store *files;
    const struct index_site_settings *settings;
    struct index_site_report *report;
    struct listing transcripts, entries;
    struct index_writer *writer; /* opened when the first episode needs it */
    const char *path;
    struct episode **episodes; /* with a transcript, by number */
    struct listed **sources;
    size_t count;
    struct mark *marks;
    size_t mark_count, mark_capacity, warning_capacity, failure_capacity;
};

static bool note_object(void *to, const struct object_facts *facts, struct error *err) {
    struct listing *listing = to;
    (void)err;
    struct listed *item = arena_alloc(listing->arena, sizeof(*item));
    *item = (struct listed){
        .key = arena_text(listing->arena, facts->key),
        .etag = arena_text(listing->arena, facts->etag),
        .size = facts->size,
    };
    text_map_add(&listing->map, item->key, item);
    listing->items =
        arena_grow(listing->arena, listing->items, listing->count, &listing->capacity, sizeof(struct listed *));
    listing->items[listing->count++] = item;
    return true;
}

static bool list_objects(struct indexing *indexing, struct listing *listing, const char *prefix, struct error *err) {
    *listing = (struct listing){.arena = indexing->arena};
    text_map_open(&listing->map, indexing->arena);
    return object_list(indexing->files, prefix, note_object, listing, err);
}

static void warn(struct indexing *indexing, const char *text) {
    struct index_site_report *report = indexing->report;
    if (report->warning_count >= WARNINGS_KEPT)
        return;
    report->warnings = arena_grow(indexing->arena, report->warnings, report->warning_count, &indexing->warning_capacity,
                                  sizeof(*report->warnings));
    report->warnings[report->warning_count++] = text;
}

static void fail_episode(struct indexing *indexing, const char *key, const struct error *why) {
    struct index_site_report *report = indexing->report;
    report->failures = arena_grow(indexing->arena, report->failures, report->failure_count, &indexing->failure_capacity,
                                  sizeof(*report->failures));
    report->failures[report->failure_count++] =
        (struct index_site_failure){.key = arena_text(indexing->arena, key), .error = *why};
}

static int by_number(const void *a, const void *b) {
    const struct episode *left = *(struct episode *const *)a, *right = *(struct episode *const *)b;
    return (left->id > right->id) - (left->id < right->id);
}

/* The episodes that have a transcript, by number. */
static void choose_episodes(struct indexing *indexing) {
    const struct manifest *manifest = indexing->manifest;
    struct episode **episodes = arena_alloc_array(indexing->arena, manifest->count + 1, sizeof(struct episode *));
    size_t count = 0;
    for (size_t i = 0; i < manifest->count; i++)
        if (manifest->episodes[i]->id > 0)
            episodes[count++] = manifest->episodes[i];
    qsort(episodes, count, sizeof(struct episode *), by_number);
    indexing->sources = arena_alloc_array(indexing->arena, count + 1, sizeof(struct listed *));
    for (size_t i = 0; i < count; i++) {
        struct listed *source =
            text_map_get(&indexing->transcripts.map, episode_transcript_key(indexing->arena, episodes[i]));
        if (!source)
            continue;
        source->used = true;
        indexing->sources[indexing->count] = source;
        episodes[indexing->count++] = episodes[i];
    }
    indexing->episodes = episodes;
    indexing->report->total_transcripts = indexing->count;
    for (size_t i = 0; i < indexing->transcripts.count; i++) {
        const struct listed *item = indexing->transcripts.items[i];
        if (!item->used && text_ends(item->key, ".srt"))
            warn(indexing,
                 arena_format(indexing->arena, "%s: no episode of the manifest has this transcript", item->key));
    }
}

static const char *podcast_title(const struct indexing *indexing, const struct episode *episode) {
    const struct site_podcast *podcast = site_podcast_find(indexing->site, episode->podcast_id);
    return podcast ? podcast->title : episode->podcast_id;
}

/* One line of all that the result depends on. */
static char *facts_of(struct indexing *indexing, const struct episode *episode, const struct listed *source) {
    const struct listed *entries = text_map_get(&indexing->entries.map, episode_entries_key(indexing->arena, episode));
    char *row = arena_format(indexing->arena, "%lld\n%lld\n%s\n%s\n%s\n%s", (long long)episode->id,
                             (long long)(episode->published_known ? episode->published_ms : -1), episode->podcast_id,
                             podcast_title(indexing, episode), episode->title, episode->file_key);
    return arena_format(indexing->arena, "1 %s %llu %s %016llx", source->etag, (unsigned long long)source->size,
                        entries ? entries->etag : "-", (unsigned long long)hash_fnv1a(row, strlen(row)));
}

static bool is_fresh(const struct indexing *indexing, int64_t id, const char *facts) {
    const struct index_memory *memory = indexing->settings->memory;
    return memory && memory->fresh && !indexing->settings->force && memory->fresh(memory->to, id, facts);
}

/* Opens the index for writing; one that is damaged or of another version is made anew from the transcripts. */
static bool open_writer(struct indexing *indexing, bool empty, struct error *err) {
    if (indexing->writer)
        return true;
    struct error fault = {0};
    if (!file_make_parents(indexing->path, err))
        return false;
    indexing->writer = index_writer_open(indexing->path, empty ? INDEX_EMPTY : 0, &fault);
    if (!indexing->writer && (fault.code == ERROR_CORRUPT || fault.code == ERROR_OUTDATED)) {
        warn(indexing, arena_format(indexing->arena, "%s; made anew", fault.message));
        indexing->report->rebuilt = true;
        indexing->writer = index_writer_open(indexing->path, INDEX_EMPTY, &fault);
    }
    return indexing->writer ? true : error_copy(err, &fault);
}

/* Reads a transcript and makes its passages, in `work`. */
static bool read_passages(struct indexing *indexing, const struct listed *source, struct index_passage **passages,
                          size_t *count, struct error *err) {
    char *text = NULL;
    size_t length = 0;
    struct cue_list cues = {0};
    if (!object_get_bytes(indexing->files, indexing->work, source->key, LIMIT_TRANSCRIPT_BYTES, &text, &length, err) ||
        !srt_parse(indexing->work, text, length, &cues, err))
        return false;
    *passages = passages_make(indexing->work, cues.items, cues.count, count);
    return true;
}

static bool put_episode(struct indexing *indexing, const struct episode *episode, const struct listed *source,
                        struct error *err) {
    struct index_passage *passages = NULL;
    size_t count = 0;
    bool written = false, changed = false;
    if (!read_passages(indexing, source, &passages, &count, err))
        return false;
    struct index_episode row = {
        .number = (uint32_t)episode->id,
        .published_ms = episode->published_known ? episode->published_ms : 0,
        .podcast_id = episode->podcast_id,
        .podcast_title = podcast_title(indexing, episode),
        .title = episode->title,
        .file_key = episode->file_key,
    };
    if (!index_writer_put(indexing->writer, &row, passages, count, &changed, err) ||
        !entries_write(indexing->files, episode, passages, count, &written, err))
        return false;
    struct index_site_report *report = indexing->report;
    report->evaluated_transcripts++;
    report->entries_written += written;
    report->changed |= written || changed;
    if (changed)
        report->new_entries += count;
    report->episodes_changed += changed;
    return true;
}

/* What the index had before: which numbers, to tell added from changed, and what to take out. */
static bool remove_gone(struct indexing *indexing, const struct index_entry *entries, size_t count, struct error *err) {
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        while (at < indexing->count && indexing->episodes[at]->id < entries[i].episode.number)
            at++;
        if (at < indexing->count && indexing->episodes[at]->id == entries[i].episode.number)
            continue;
        indexing->report->episodes_removed++;
        indexing->report->changed = true;
        if (!indexing->settings->dry && !index_writer_remove(indexing->writer, entries[i].episode.number, NULL, err))
            return false;
    }
    return true;
}

static bool holds(const struct index_entry *entries, size_t count, int64_t number) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].episode.number == number)
            return true;
        if (entries[middle].episode.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static void remember_later(struct indexing *indexing, const struct episode *episode) {
    indexing->marks = arena_grow(indexing->arena, indexing->marks, indexing->mark_count, &indexing->mark_capacity,
                                 sizeof(*indexing->marks));
    indexing->marks[indexing->mark_count++] = (struct mark){.episode_id = episode->id};
}

static bool update_episodes(struct indexing *indexing, const struct index_entry *entries, size_t entry_count,
                            struct error *err) {
    struct index_site_report *report = indexing->report;
    for (size_t i = 0; i < indexing->count; i++) {
        const struct episode *episode = indexing->episodes[i];
        if (cancel_requested(indexing->settings->cancel))
            return error_set(err, ERROR_CANCELLED, "indexing was stopped");
        if (indexing->settings->progress)
            indexing->settings->progress(indexing->settings->progress_to, i, indexing->count);
        bool known = holds(entries, entry_count, episode->id);
        if (known && is_fresh(indexing, episode->id, facts_of(indexing, episode, indexing->sources[i])))
            continue;
        if (indexing->settings->dry) {
            report->evaluated_transcripts++;
            report->episodes_added += !known;
            report->changed |= !known;
            continue;
        }
        struct error fault = {0};
        arena_reset(indexing->work);
        size_t before = report->episodes_changed;
        if (put_episode(indexing, episode, indexing->sources[i], &fault)) {
            if (!known && report->episodes_changed > before) {
                report->episodes_changed--;
                report->episodes_added++;
            }
            remember_later(indexing, episode);
        } else if (fault.code == ERROR_FULL) {
            return error_copy(err, &fault); /* the next ones would fail the same way */
        } else {
            fail_episode(indexing, indexing->sources[i]->key, &fault);
        }
    }
    return true;
}

/* After the commit: the facts as they are now, since the entries files have new etags. */
static bool remember(struct indexing *indexing, struct error *err) {
    const struct index_memory *memory = indexing->settings->memory;
    if (!memory || !memory->remember || !indexing->mark_count)
        return true;
    if (indexing->report->entries_written && !list_objects(indexing, &indexing->entries, "search-entries/", err))
        return false;
    size_t at = 0;
    for (size_t i = 0; i < indexing->mark_count; i++) {
        while (indexing->episodes[at]->id != indexing->marks[i].episode_id)
            at++;
        const char *facts = facts_of(indexing, indexing->episodes[at], indexing->sources[at]);
        if (!memory->remember(memory->to, indexing->marks[i].episode_id, facts, err))
            return false;
    }
    return true;
}

/* True if memory knows every episode and the index has exactly these: then nothing is opened for writing. */
static bool nothing_new(struct indexing *indexing) {
    const struct index_memory *memory = indexing->settings->memory;
    struct error absent = {0};
    if (indexing->count == 0 && !file_size(indexing->path, NULL, &absent) && absent.code == ERROR_ABSENT)
        return true;
    if (!memory || !memory->fresh || indexing->settings->force)
        return false;
    struct index_reader *reader = index_reader_open(indexing->path, NULL);
    if (!reader)
        return false;
    size_t count = 0;
    uint64_t passages = 0;
    const struct index_entry *entries = index_reader_entries(reader, &count);
    bool same = count == indexing->count;
    for (size_t i = 0; i < count && same; i++) {
        passages += entries[i].passages;
        same = entries[i].episode.number == indexing->episodes[i]->id &&
               is_fresh(indexing, indexing->episodes[i]->id,
                        facts_of(indexing, indexing->episodes[i], indexing->sources[i]));
    }
    index_reader_close(reader);
    if (same)
        indexing->report->passages = passages;
    return same;
}

static bool dry_run(struct indexing *indexing, struct error *err) {
    size_t count = 0;
    struct error fault = {0};
    struct index_reader *reader = index_reader_open(indexing->path, &fault);
    const struct index_entry *entries = reader ? index_reader_entries(reader, &count) : NULL;
    indexing->report->rebuilt = !reader && fault.code != ERROR_ABSENT;
    bool done = update_episodes(indexing, entries, count, err) && remove_gone(indexing, entries, count, err);
    index_reader_close(reader);
    return done;
}

static bool bring_to_date(struct indexing *indexing, struct error *err) {
    const struct index_entry *before = NULL, *after = NULL;
    size_t before_count = 0, after_count = 0;
    if (!open_writer(indexing, indexing->settings->force, err))
        return false;
    index_writer_entries(indexing->arena, indexing->writer, &before, &before_count);
    if (!update_episodes(indexing, before, before_count, err) || !remove_gone(indexing, before, before_count, err))
        return false;
    bool written = false;
    if (!index_writer_commit(indexing->writer, &written, err))
        return false;
    indexing->report->changed |= written;
    index_writer_entries(indexing->arena, indexing->writer, &after, &after_count);
    for (size_t i = 0; i < after_count; i++)
        indexing->report->passages += after[i].passages;
    return remember(indexing, err);
}

bool index_site(struct arena *arena, const struct site *site, const struct manifest *manifest,
                struct object_store *files, const struct index_site_settings *settings,
                struct index_site_report *report, struct error *err) {
    static const struct index_site_settings plain = {0};
    ARENA_OWNED struct arena *work = arena_open();
    *report = (struct index_site_report){0};
    struct indexing indexing = {
        .arena = arena,
        .work = work,
        .site = site,
        .manifest = manifest,
        .files = files,
        .settings = settings ? settings : &plain,
        .report = report,
        .path = object_local_path(files, arena, INDEX_KEY),
    };
    if (!indexing.path)
        return error_set(err, ERROR_UNSUPPORTED, "the index needs files that lie in a folder");
    if (!list_objects(&indexing, &indexing.transcripts, "transcripts/", err) ||
        !list_objects(&indexing, &indexing.entries, "search-entries/", err))
        return error_context(err, "index of %s", site->id);
    choose_episodes(&indexing);
    bool done = nothing_new(&indexing);
    if (!done)
        done = indexing.settings->dry ? dry_run(&indexing, err) : bring_to_date(&indexing, err);
    index_writer_close(indexing.writer);
    return done ? true : error_context(err, "index of %s", site->id);
}
