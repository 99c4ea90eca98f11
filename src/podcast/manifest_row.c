#include "podcast/manifest_row.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

/* Fields that are texts or whole numbers: one row each. */
struct text_field {
    const char *key;
    size_t offset;
    bool required;
};

static const struct text_field text_fields[] = {
    {"podcastId", offsetof(struct episode, podcast_id), true},
    {"title", offsetof(struct episode, title), true},
    {"fileKey", offsetof(struct episode, file_key), true},
    {"originalAudioURL", offsetof(struct episode, audio_url), true},
    {"summary", offsetof(struct episode, summary), false},
    {"guid", offsetof(struct episode, guid), false},
    {"audioFile", offsetof(struct episode, audio_file), false},
    {"audioType", offsetof(struct episode, audio_type), false},
    {"link", offsetof(struct episode, link), false},
    {"episodeType", offsetof(struct episode, episode_type), false},
    {"imageURL", offsetof(struct episode, image_url), false},
    {"chaptersURL", offsetof(struct episode, chapters_url), false},
};

struct number_field {
    const char *key;
    size_t offset;
};

static const struct number_field number_fields[] = {
    {"sequentialId", offsetof(struct episode, id)},
    {"audioLength", offsetof(struct episode, audio_length)},
    {"season", offsetof(struct episode, season)},
    {"episode", offsetof(struct episode, number)},
};

static const char **text_at(struct episode *episode, size_t offset) {
    return (const char **)(void *)((char *)episode + offset);
}

static int64_t *number_at(struct episode *episode, size_t offset) {
    return (int64_t *)(void *)((char *)episode + offset);
}

/* A text that becomes a part of keys. */
static bool is_part(const char *text) {
    return *text && *text != '.' && !strchr(text, '/');
}

static bool read_texts(json_t *row, struct episode *episode, struct error *err) {
    for (size_t i = 0; i < ARRAY_LENGTH(text_fields); i++) {
        const struct text_field *field = &text_fields[i];
        const json_t *value = json_object_get(row, field->key);
        if (json_is_string(value) && strlen(json_string_value(value)) != json_string_length(value))
            return error_set(err, ERROR_INVALID, "%s holds a zero character", field->key);
        if (json_is_string(value))
            *text_at(episode, field->offset) = json_string_value(value);
        else if (field->required)
            return error_set(err, ERROR_INVALID, "%s is %s", field->key, value ? "not text" : "missing");
    }
    if (!episode->summary)
        episode->summary = "";
    if (!is_part(episode->podcast_id) || !is_part(episode->file_key) ||
        (episode->audio_file && !is_part(episode->audio_file)))
        return error_set(err, ERROR_INVALID, "podcastId, fileKey or audioFile is empty or leads to another folder");
    return true;
}

static void read_transcripts(struct arena *arena, const json_t *row, struct episode *episode) {
    const json_t *list = json_object_get(row, "transcripts");
    size_t count = json_array_size(list);
    episode->transcripts = count ? arena_alloc_array(arena, count, sizeof(*episode->transcripts)) : NULL;
    episode->transcript_count = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        const char *url = json_get_text(value, "url", NULL);
        if (url)
            episode->transcripts[episode->transcript_count++] = (struct episode_transcript){
                .url = url,
                .type = json_get_text(value, "type", ""),
                .language = json_get_text(value, "language", NULL),
            };
    }
}

bool episode_read(struct arena *arena, json_t *row, struct episode *episode, struct error *err) {
    struct episode made = {.row = row, .downloaded_ms = -1};
    if (!json_is_object(row))
        return error_set(err, ERROR_INVALID, "is not an object");
    if (!read_texts(row, &made, err))
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(number_fields); i++)
        *number_at(&made, number_fields[i].offset) = json_get_int(row, number_fields[i].key, -1);
    if (made.id < 0 || made.id > LIMIT_EPISODE_NUMBER)
        made.id = 0;
    made.duration_s = json_get_real(row, "durationInSeconds", -1);
    const char *published = json_get_text(row, "publishedAt", NULL);
    made.published_known = published && clock_parse_iso(published, &made.published_ms);
    const char *downloaded = json_get_text(row, "downloadedAt", NULL);
    if (!downloaded || !clock_parse_iso(downloaded, &made.downloaded_ms))
        made.downloaded_ms = -1;
    read_transcripts(arena, row, &made);
    *episode = made;
    return true;
}

bool episode_set_text(struct episode *episode, const char *key, const char *value) {
    for (size_t i = 0; i < ARRAY_LENGTH(text_fields); i++) {
        if (strcmp(text_fields[i].key, key) != 0)
            continue;
        const char **at = text_at(episode, text_fields[i].offset);
        if (text_equal(*at, value) || (!value && text_fields[i].required))
            return false;
        if (!value) {
            json_object_del(episode->row, key);
            *at = NULL;
            return true;
        }
        json_t *text = json_string(value);
        if (!text)
            return false; /* not UTF-8; feeds and our own names always are */
        json_object_set_new(episode->row, key, text);
        *at = json_string_value(text);
        return true;
    }
    return false;
}

bool episode_set_number(struct episode *episode, const char *key, int64_t value) {
    for (size_t i = 0; i < ARRAY_LENGTH(number_fields); i++) {
        if (strcmp(number_fields[i].key, key) != 0)
            continue;
        int64_t *at = number_at(episode, number_fields[i].offset);
        if (*at == value)
            return false;
        *at = value;
        if (value < 0)
            json_object_del(episode->row, key);
        else
            json_object_set_new(episode->row, key, json_integer(value));
        return true;
    }
    return false;
}

bool episode_set_published(struct episode *episode, int64_t ms) {
    if (episode->published_known && episode->published_ms == ms)
        return false;
    char iso[CLOCK_ISO_SIZE];
    json_object_set_new(episode->row, "publishedAt", json_string(clock_iso(ms, iso)));
    episode->published_known = true;
    episode->published_ms = ms;
    return true;
}

bool episode_set_downloaded(struct episode *episode, int64_t ms) {
    if (episode->downloaded_ms == ms)
        return false;
    char iso[CLOCK_ISO_SIZE];
    json_object_set_new(episode->row, "downloadedAt", json_string(clock_iso(ms, iso)));
    episode->downloaded_ms = ms;
    return true;
}

bool episode_set_duration(struct episode *episode, double seconds) {
    if (seconds < 0 || fabs(episode->duration_s - seconds) < 0.0005)
        return false; /* a feed that stops saying it takes nothing away */
    bool whole = floor(seconds) == seconds && seconds < 1e15;
    json_object_set_new(episode->row, "durationInSeconds",
                        whole ? json_integer((json_int_t)seconds) : json_real(seconds));
    episode->duration_s = seconds;
    return true;
}

static bool same_transcripts(const struct episode *episode, const struct episode_transcript *rows, size_t count) {
    if (episode->transcript_count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct episode_transcript *old = &episode->transcripts[i];
        if (strcmp(old->url, rows[i].url) != 0 || strcmp(old->type, rows[i].type) != 0 ||
            !text_equal(old->language, rows[i].language))
            return false;
    }
    return true;
}

bool episode_set_transcripts(struct arena *arena, struct episode *episode, const struct episode_transcript *transcripts,
                             size_t count) {
    if (same_transcripts(episode, transcripts, count))
        return false;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "url", json_string(transcripts[i].url));
        json_object_set_new(row, "type", json_string(transcripts[i].type));
        if (transcripts[i].language)
            json_object_set_new(row, "language", json_string(transcripts[i].language));
        json_array_append_new(list, row);
    }
    if (count)
        json_object_set_new(episode->row, "transcripts", list);
    else {
        json_object_del(episode->row, "transcripts");
        json_decref(list);
    }
    read_transcripts(arena, episode->row, episode);
    return true;
}

const char *episode_fetch_url(const struct episode *episode) {
    return episode->fresh_url ? episode->fresh_url : episode->audio_url;
}

json_t *episode_json(const struct episode *episode) {
    return json_incref(episode->row);
}

char *episode_audio_key(struct arena *arena, const struct episode *episode) {
    if (episode->audio_file)
        return arena_format(arena, "audio/%s/%s", episode->podcast_id, episode->audio_file);
    return arena_format(arena, "audio/%s/%s.mp3", episode->podcast_id, episode->file_key);
}

char *episode_transcript_key(struct arena *arena, const struct episode *episode) {
    return arena_format(arena, "transcripts/%s/%s.srt", episode->podcast_id, episode->file_key);
}

char *episode_words_key(struct arena *arena, const struct episode *episode) {
    return arena_format(arena, "transcripts/%s/%s.words.json", episode->podcast_id, episode->file_key);
}

char *episode_entries_key(struct arena *arena, const struct episode *episode) {
    return arena_format(arena, "search-entries/%s/%s.json", episode->podcast_id, episode->file_key);
}
