/* What is in the files of an episode: audio that ends where it should, a transcript that fits it, passages that fit the
 * transcript. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/check_internal.h"
#include "podcast/entries.h"
#include "podcast/passage.h"
#include "speech/audio.h"
#include "speech/gate.h"
#include "speech/words.h"

/* A second whose level is below -60 dBFS is silence: far below any room's noise around a voice, so a cue there is no
 * speech. */
enum { SILENCE_LEVEL = 255 - 2 * 60, SECOND_MS = 1000 };
/* A transcript that ends so long before the audio is suspicious; closing music and a few sentences of farewell are not.
 */
enum { SHORT_LEAST_MS = 120000, SHORT_PERCENT = 8, FEED_SHORT_PERCENT = 50 };

static char *duration_text(int64_t ms, char out[CLOCK_ISO_SIZE]) {
    return clock_duration(ms < 0 ? 0 : ms, out);
}

/* Stretches where something is heard, from one level a second; a second around each sound belongs to it. */
static struct span_list *spans_of(struct arena *arena, const struct audio_measure *measure) {
    struct span_list *list = arena_alloc(arena, sizeof(*list));
    size_t capacity = 0;
    for (size_t i = 0; i < measure->seconds; i++) {
        bool heard = measure->level[i] > SILENCE_LEVEL || (i > 0 && measure->level[i - 1] > SILENCE_LEVEL) ||
                     (i + 1 < measure->seconds && measure->level[i + 1] > SILENCE_LEVEL);
        if (!heard)
            continue;
        int64_t start = (int64_t)i * SECOND_MS;
        if (list->count && list->items[list->count - 1].end_ms == start) {
            list->items[list->count - 1].end_ms += SECOND_MS;
            continue;
        }
        list->items = arena_grow(arena, list->items, list->count, &capacity, sizeof(*list->items));
        list->items[list->count++] = (struct span){start, start + SECOND_MS};
    }
    return list;
}

/* Decodes it all. False on cancel. */
static bool measure_audio(struct checking *checking, const struct check_group *group, const char *path,
                          struct check_sound *sound, struct error *err) {
    struct audio_measure measure = {0};
    struct error fault = {0};
    const char *key = group->files[CHECK_AUDIO]->key;
    if (!audio_measure_file(path, checking->settings->cancel, &measure, &fault)) {
        if (fault.code == ERROR_CANCELLED)
            return error_copy(err, &fault);
        check_add(checking, CHECK_ERROR, "unreadable-audio", group, key, fault.message,
                  "Audio cannot be decoded in podcast \"%s\"", group->podcast_id);
        return true;
    }
    checking->report->summary.audio_decoded++;
    sound->duration_ms = measure.decoded_ms;
    sound->has_spans = true;
    sound->spans = spans_of(checking->work, &measure);
    char text[CLOCK_ISO_SIZE];
    if (measure.broken)
        check_add(checking, CHECK_WARNING, "damaged-audio", group, key,
                  arena_format(checking->work, "%llu packets cannot be decoded", (unsigned long long)measure.broken),
                  "Audio is damaged in podcast \"%s\"", group->podcast_id);
    if (!sound->spans->count && measure.decoded_ms > 0)
        check_add(checking, CHECK_WARNING, "silent-audio", group, key,
                  arena_format(checking->work, "%s of silence", duration_text(measure.decoded_ms, text)),
                  "Audio holds only silence in podcast \"%s\"", group->podcast_id);
    audio_measure_close(&measure);
    return true;
}

static void check_audio_facts(struct checking *checking, const struct check_group *group,
                              const struct audio_info *info) {
    const struct check_file *file = group->files[CHECK_AUDIO];
    const struct episode *episode = group->episode;
    char is[CLOCK_ISO_SIZE], said[CLOCK_ISO_SIZE];
    if (info->truncated)
        check_add(checking, CHECK_ERROR, "truncated-audio", group, file->key,
                  arena_format(checking->work, "ends at %s of %s", duration_text(info->duration_ms, is),
                               info->stated_ms > info->duration_ms ? duration_text(info->stated_ms, said) : "more"),
                  "Audio is cut off in podcast \"%s\"", group->podcast_id);
    else if (episode && episode->duration_s > 0 && info->duration_ms > 0 &&
             info->duration_ms * 100 < (int64_t)(episode->duration_s * SECOND_MS) * FEED_SHORT_PERCENT)
        check_add(checking, CHECK_WARNING, "short-audio", group, file->key,
                  arena_format(checking->work, "lasts %s, the feed says %s", duration_text(info->duration_ms, is),
                               duration_text((int64_t)(episode->duration_s * SECOND_MS), said)),
                  "Audio is much shorter than the feed says in podcast \"%s\"", group->podcast_id);
    const char *extension = info->extension && *info->extension == '.' ? info->extension + 1 : info->extension;
    /* Users have .m4a audio under the name .mp3: their players cope, so it is worth knowing and no more. */
    if (extension && strcmp(extension, "audio") != 0 && strcmp(extension, file->extension) != 0)
        check_add(checking, CHECK_INFO, "audio-type", group, file->key, NULL, "A file named .%s is %s audio",
                  file->extension, info->container);
}

/* Looks into the audio. False on cancel. */
static bool check_audio(struct checking *checking, const struct check_group *group, struct check_sound *sound,
                        struct error *err) {
    const struct check_file *file = group->files[CHECK_AUDIO];
    if (!file)
        return true;
    if (file->size == 0) {
        check_add(checking, CHECK_ERROR, "empty-file", group, file->key, NULL, "Audio is 0 bytes in podcast \"%s\"",
                  group->podcast_id);
        return true;
    }
    const char *path = object_local_path(checking->files, checking->work, file->key);
    struct audio_info info = {0};
    struct error fault = {0};
    if (!path)
        return true;
    /* Counting reads every packet, which finds a file that was cut off; it costs a tenth of decoding. */
    if (!audio_probe(path, true, checking->settings->cancel, &info, &fault)) {
        if (fault.code == ERROR_CANCELLED)
            return error_copy(err, &fault);
        check_add(checking, CHECK_ERROR, "unreadable-audio", group, file->key, fault.message,
                  "Audio cannot be read in podcast \"%s\"", group->podcast_id);
        return true;
    }
    checking->report->summary.audio_probed++;
    sound->known = info.duration_ms > 0;
    sound->duration_ms = info.duration_ms;
    check_audio_facts(checking, group, &info);
    return !checking->settings->deep || measure_audio(checking, group, path, sound, err);
}

/* ---- transcripts ---- */

static enum check_severity gate_severity(enum gate_kind kind) {
    switch (kind) {
    case GATE_BEYOND: /* made from another download, most likely */
    case GATE_ORDER:
        return CHECK_ERROR;
    case GATE_HOLE: /* music is no speech, and levels cannot tell them apart */
        return CHECK_INFO;
    default:
        return CHECK_WARNING;
    }
}

/* One issue a kind, with how often and where first. */
static void add_findings(struct checking *checking, const struct check_group *group,
                         const struct gate_findings *findings) {
    for (size_t kind = 0; kind < GATE_KIND_COUNT; kind++) {
        const struct gate_finding *first = NULL;
        size_t count = 0;
        for (size_t i = 0; i < findings->count; i++) {
            if (findings->items[i].kind != (enum gate_kind)kind)
                continue;
            if (!first)
                first = &findings->items[i];
            count++;
        }
        if (!first)
            continue;
        char from[CLOCK_ISO_SIZE], to[CLOCK_ISO_SIZE];
        check_add(
            checking, gate_severity((enum gate_kind)kind), gate_name((enum gate_kind)kind), group,
            group->files[CHECK_TRANSCRIPT]->key,
            arena_format(checking->work, "Time range: %s - %s (%llds)%s%s", duration_text(first->start_ms, from),
                         duration_text(first->end_ms, to), (long long)((first->end_ms - first->start_ms) / SECOND_MS),
                         *first->sample ? ": " : "", first->sample),
            "Transcript: %s (%zu×) in podcast \"%s\"", gate_meaning((enum gate_kind)kind), count, group->podcast_id);
    }
}

void check_transcript(struct checking *checking, const struct check_group *group, const struct check_sound *sound,
                      const struct cue_list *cues) {
    const char *key = group->files[CHECK_TRANSCRIPT]->key;
    if (!cues->count) {
        bool silent = sound->has_spans && !sound->spans->count;
        if (!silent)
            check_add(checking, sound->nobody_speaks ? CHECK_INFO : CHECK_ERROR, "empty-transcript", group, key,
                      sound->nobody_speaks ? "no speech was found when it was made" : NULL,
                      "Transcript holds no cue in podcast \"%s\"", group->podcast_id);
        return;
    }
    struct gate_context context = {
        .end_ms = sound->known ? sound->duration_ms : 0,
        .speech = sound->has_spans ? sound->spans : NULL,
    };
    struct gate_findings findings = {0};
    gate_check(checking->work, cues->items, cues->count, &context, &findings);
    add_findings(checking, group, &findings);
    int64_t last = 0;
    for (size_t i = 0; i < cues->count; i++)
        if (cues->items[i].end_ms > last)
            last = cues->items[i].end_ms;
    int64_t missing = sound->known ? sound->duration_ms - last : 0;
    char from[CLOCK_ISO_SIZE], to[CLOCK_ISO_SIZE];
    if (missing > SHORT_LEAST_MS && missing * 100 > sound->duration_ms * SHORT_PERCENT)
        check_add(checking, CHECK_WARNING, "short-transcript", group, key,
                  arena_format(checking->work, "ends at %s of %s", duration_text(last, from),
                               duration_text(sound->duration_ms, to)),
                  "Transcript ends long before the audio in podcast \"%s\"", group->podcast_id);
}

static bool read_file(struct checking *checking, const struct check_group *group, const struct check_file *file,
                      const char *what, char **text, size_t *length) {
    struct error err = {0};
    if (file->size == 0) {
        check_add(checking, CHECK_ERROR, "empty-file", group, file->key, NULL, "%s 0 bytes in podcast \"%s\"", what,
                  group->podcast_id);
        return false;
    }
    if (object_get_bytes(checking->files, checking->work, file->key, LIMIT_TRANSCRIPT_BYTES, text, length, &err))
        return true;
    check_add(checking, CHECK_ERROR, "unreadable-file", group, file->key, err.message,
              "%s unreadable in podcast \"%s\"", what, group->podcast_id);
    return false;
}

/* True if the words file says that nobody spoke: then a transcript without text is right. */
static bool check_words(struct checking *checking, const struct check_group *group) {
    char *text = NULL;
    size_t length = 0;
    struct error err = {0};
    struct word_list words = {0};
    if (!group->words || !read_file(checking, group, group->words, "Word times are", &text, &length))
        return false;
    JSON_OWNED json_t *json = json_parse(text, length, &err);
    if (json && words_from_json(checking->work, json, &words, NULL, &err))
        return words.count == 0;
    check_add(checking, CHECK_WARNING, "unreadable-words", group, group->words->key, err.message,
              "Word times cannot be read in podcast \"%s\"", group->podcast_id);
    return false;
}

void check_entries(struct checking *checking, const struct check_group *group, const struct index_passage *passages,
                   size_t count) {
    const struct check_file *file = group->files[CHECK_ENTRIES];
    char *text = NULL;
    size_t length = 0, found = 0;
    struct error err = {0};
    struct index_passage *entries = NULL;
    const char **ids = NULL;
    if (!file || !read_file(checking, group, file, "Search entries are", &text, &length))
        return;
    if (!entries_parse(checking->work, text, length, &entries, &ids, &found, &err)) {
        check_add(checking, CHECK_ERROR, "unreadable-file", group, file->key, err.message,
                  "Search entries cannot be read in podcast \"%s\"", group->podcast_id);
        return;
    }
    size_t at = 0;
    while (at < found && at < count && entries[at].start_ms == passages[at].start_ms &&
           entries[at].end_ms == passages[at].end_ms && !strcmp(entries[at].text, passages[at].text))
        at++;
    if (at < found || at < count) {
        check_add(checking, CHECK_ERROR, "stale-entries", group, file->key,
                  arena_format(checking->work, "%zu entries, %zu passages; they part at number %zu", found, count, at),
                  "Search entries differ from the transcript in podcast \"%s\"", group->podcast_id);
        return;
    }
    for (at = 0; group->episode && at < found; at++) {
        char *id = arena_format(checking->work, "%lld_%u", (long long)group->episode->id, entries[at].start_ms);
        if (strcmp(id, ids[at]) == 0)
            continue;
        check_add(checking, CHECK_ERROR, "stale-entries", group, file->key,
                  arena_format(checking->work, "\"%.60s\" should be \"%s\"", ids[at], id),
                  "Search entries have ids of another episode number in podcast \"%s\"", group->podcast_id);
        return;
    }
}

bool check_group_content(struct checking *checking, const struct check_group *group, struct error *err) {
    struct check_sound sound = {0};
    char *text = NULL;
    size_t length = 0, count = 0;
    if (!check_audio(checking, group, &sound, err))
        return false;
    sound.nobody_speaks = check_words(checking, group);
    const struct check_file *transcript = group->files[CHECK_TRANSCRIPT];
    bool empty_by_right = transcript && transcript->size == 0 && sound.nobody_speaks;
    if (!transcript || (!empty_by_right && !read_file(checking, group, transcript, "Transcript is", &text, &length)))
        return true;
    struct cue_list cues = {0};
    struct error fault = {0};
    if (text && !srt_parse(checking->work, text, length, &cues, &fault)) {
        check_add(checking, CHECK_ERROR, "unreadable-file", group, transcript->key, fault.message,
                  "Transcript cannot be read in podcast \"%s\"", group->podcast_id);
        return true;
    }
    check_transcript(checking, group, &sound, &cues);
    struct index_passage *passages = passages_make(checking->work, cues.items, cues.count, &count);
    check_entries(checking, group, passages, count);
    if (group->episode)
        check_index_episode(checking, group, passages, count);
    return true;
}
