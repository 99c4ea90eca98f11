/* What a feed changes in a manifest: which item is which row.
 *
 * Titles and dates are not identities, though the older system took them for it: two parts of one evening, equal in
 * their first 50 characters, became one episode. Addresses are not either: hosts move and trackers come and go. Guids
 * are, where a feed has them and they are not all the same; rows made by the older system have none. So an item looks
 * for its row in two rounds.
 *
 * First, by what is strong: its guid in the same podcast, then its address, then its address without trackers. All
 * items of the feed do so before any goes on, and each claims its row. Second, by day and title, for those that found
 * nothing:
 *   - In another podcast of the site, a row with the same day and the whole same title is the same show in two feeds.
 *   - In the same podcast, a row that an item of this feed has claimed is that item's. Only an item with the same title
 * and without a guid to tell it apart is a listing of it once more.
 *   - In the same podcast, an unclaimed row is the item, as it always was, if one of the two lacks a guid. If both have
 * one, and they differ, the show may have moved to another host: then the time of publication is the same to the
 * minute. Else it is a second edition of that day. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/file_key.h"
#include "podcast/manifest.h"
#include "podcast/manifest_row.h"
#include "podcast/text_map.h"
#include "web/feed.h"
#include "web/url.h"

enum { WARNINGS_KEPT = 100, SAME_TIME_MS = 60000, DAY_MS = 86400000 };

struct merging {
    struct arena *arena;        /* of the merge; forgotten after it */
    struct arena *report_arena; /* the caller's */
    struct manifest *manifest;
    const char *podcast_id;
    const struct feed *feed;
    size_t item_count;
    int64_t now_ms;
    struct manifest_merge *report;
    size_t added_capacity, warning_capacity, warnings_dropped;
    struct text_map guids; /* of this podcast's rows */
    struct text_map urls, audio_keys, stems, file_keys;
    struct text_map claims;      /* file keys of rows that an item of this feed is */
    struct text_map next_ms;     /* days and titles: the next time for a new key */
    struct text_map guid_counts; /* guids of the feed: an item under each */
    struct episode **found;      /* for each item: the row that it claimed */
    bool *repeats;               /* for each item: another item claimed its row */
};

static void warn(struct merging *merging, const struct feed_item *item, const char *why) {
    struct manifest_merge *report = merging->report;
    report->skipped++;
    if (report->warning_count >= WARNINGS_KEPT) {
        merging->warnings_dropped++;
        return;
    }
    report->warnings = arena_grow(merging->report_arena, report->warnings, report->warning_count,
                                  &merging->warning_capacity, sizeof(*report->warnings));
    int shown = (int)utf8_cut(item->title, strlen(item->title) > 80 ? 80 : strlen(item->title));
    report->warnings[report->warning_count++] =
        arena_format(merging->report_arena, "podcast %s: episode \"%.*s\": %s; skipped", merging->podcast_id, shown,
                     item->title, why);
}

static char *trimmed_title(struct arena *arena, const char *title) {
    return text_trim(arena_text(arena, title));
}

static const char *item_url(const struct feed_item *item) {
    return item->enclosure_count && item->enclosures[0].url && *item->enclosures[0].url ? item->enclosures[0].url
                                                                                        : NULL;
}

/* The item's guid, if no other item of the feed has it too. */
static const char *item_guid(const struct merging *merging, const struct feed_item *item) {
    const struct text_map_link *link = text_map_find(&merging->guid_counts, item->guid);
    return link && !link->next && *item->guid ? item->guid : NULL;
}

static void learn_row(struct merging *merging, struct episode *row) {
    /* Copies: a row's own texts may be replaced. */
    text_map_add(&merging->urls, arena_text(merging->arena, row->audio_url), row);
    text_map_add(&merging->audio_keys, url_audio_key(merging->arena, row->audio_url), row);
    text_map_add(&merging->file_keys, arena_text(merging->arena, row->file_key), row);
    if (row->guid && !strcmp(row->podcast_id, merging->podcast_id))
        text_map_add(&merging->guids, arena_text(merging->arena, row->guid), row);
    if (row->published_known)
        text_map_add(&merging->stems, file_key_stem_make(merging->arena, row->title, row->published_ms), row);
}

static void learn(struct merging *merging) {
    struct text_map *maps[] = {&merging->guids,     &merging->urls,   &merging->audio_keys,  &merging->stems,
                               &merging->file_keys, &merging->claims, &merging->guid_counts, &merging->next_ms};
    for (size_t i = 0; i < ARRAY_LENGTH(maps); i++)
        text_map_open(maps[i], merging->arena);
    for (size_t i = 0; i < merging->manifest->count; i++)
        learn_row(merging, merging->manifest->episodes[i]);
    for (size_t i = 0; i < merging->feed->item_count; i++)
        text_map_add(&merging->guid_counts, merging->feed->items[i].guid, (void *)(uintptr_t)(i + 1));
}

static bool is_claimed(const struct merging *merging, const struct episode *row) {
    return text_map_find(&merging->claims, row->file_key) != NULL;
}

static void claim(struct merging *merging, size_t item, struct episode *row) {
    merging->found[item] = row;
    text_map_add(&merging->claims, arena_text(merging->arena, row->file_key), row);
}

static bool same_title(struct arena *arena, const char *a, const char *b) {
    return !strcmp(text_nfc(arena, trimmed_title(arena, a)), text_nfc(arena, trimmed_title(arena, b)));
}

/* The row that has the item's address; of this podcast before one of another. Some shows give each episode the same
 * address ("latest.mp3"): where both guids, the titles and the days differ it is not the same episode. */
static struct episode *find_address(const struct merging *merging, const struct feed_item *item,
                                    const struct text_map_link *link) {
    const char *guid = item_guid(merging, item);
    struct episode *other = NULL;
    for (; link; link = link->next) {
        struct episode *row = link->value;
        bool guids_differ = guid && row->guid && strcmp(guid, row->guid) != 0;
        bool same_day =
            item->date_valid && row->published_known && item->date_ms / DAY_MS == row->published_ms / DAY_MS;
        if (guids_differ && !same_day && !same_title(merging->arena, item->title, row->title))
            continue;
        if (!strcmp(row->podcast_id, merging->podcast_id))
            return row;
        if (!other)
            other = row;
    }
    return other;
}

static struct episode *find_strong(const struct merging *merging, const struct feed_item *item) {
    struct episode *row = text_map_get(&merging->guids, item_guid(merging, item));
    const char *url = item_url(item);
    if (!row && url)
        row = find_address(merging, item, text_map_find(&merging->urls, url));
    if (!row && url)
        row = find_address(merging, item, text_map_find(&merging->audio_keys, url_audio_key(merging->arena, url)));
    return row;
}

/* Cheap questions first: a hostile feed may have thousands of items of one day and title. */
static bool is_same_by_title(const struct merging *merging, const struct feed_item *item, const struct episode *row) {
    const char *guid = item_guid(merging, item);
    if (strcmp(row->podcast_id, merging->podcast_id) != 0)
        return same_title(merging->arena, item->title, row->title);
    if (is_claimed(merging, row))
        return !guid && same_title(merging->arena, item->title, row->title);
    if (guid && row->guid && strcmp(guid, row->guid) != 0)
        return llabs(item->date_ms - row->published_ms) <= SAME_TIME_MS &&
               same_title(merging->arena, item->title, row->title);
    return true;
}

static struct episode *find_by_title(const struct merging *merging, const struct feed_item *item) {
    const char *stem = file_key_stem_make(merging->arena, trimmed_title(merging->arena, item->title), item->date_ms);
    for (const struct text_map_link *link = text_map_find(&merging->stems, stem); link; link = link->next)
        if (is_same_by_title(merging, item, link->value))
            return link->value;
    return NULL;
}

/* Names of parameters that sign an address for a while. */
static bool is_signature(const char *name, size_t length) {
    static const char *const names[] = {"token",  "sig",   "signature",      "expires", "exp", "expiry",
                                        "policy", "hash",  "hmac",           "auth",    "st",  "e",
                                        "t",      "ts",    "key-pair-id",    "verify",  "md5", "secure",
                                        "hdnts",  "hdnea", "awsaccesskeyid", "jwt"};
    char lower[32];
    if (length >= sizeof(lower))
        return false;
    for (size_t i = 0; i < length; i++)
        lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    lower[length] = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (!strcmp(lower, names[i]))
            return true;
    return text_starts(lower, "x-amz-") || text_starts(lower, "x-goog-");
}

/* The address without its signature. */
static char *unsigned_url(struct arena *arena, const char *url) {
    const char *query = strchr(url, '?');
    if (!query)
        return arena_text(arena, url);
    char *made = arena_alloc(arena, strlen(url) + 1);
    size_t length = (size_t)(query - url);
    memcpy(made, url, length);
    for (const char *at = query + 1; *at;) {
        size_t size = strcspn(at, "&");
        if (!is_signature(at, strcspn(at, "=&"))) {
            made[length++] = '&';
            memcpy(made + length, at, size);
            length += size;
        }
        at += size + (at[size] == '&');
    }
    made[length] = 0;
    return made;
}

/* The same audio, at the same place, but for trackers and signatures. */
static bool same_place(struct arena *arena, const char *a, const char *b) {
    return url_same_audio(unsigned_url(arena, a), unsigned_url(arena, b));
}

static size_t item_transcripts(struct arena *arena, const struct feed_item *item, struct episode_transcript **rows) {
    *rows = arena_alloc_array(arena, item->transcript_count + 1, sizeof(**rows));
    for (size_t i = 0; i < item->transcript_count; i++)
        (*rows)[i] = (struct episode_transcript){
            .url = item->transcripts[i].url,
            .type = item->transcripts[i].type ? item->transcripts[i].type : "",
            .language = item->transcripts[i].language,
        };
    return item->transcript_count;
}

/* What the feed says beside identity, in the order in which a new row has it. True if anything changed. */
static bool set_facts(struct merging *merging, struct episode *row, const struct feed_item *item) {
    const struct feed_enclosure *audio = &item->enclosures[0];
    bool changed = false;
    if (item_guid(merging, item))
        changed |= episode_set_text(row, "guid", item->guid);
    changed |= episode_set_text(row, "audioType", audio->type);
    changed |= episode_set_number(row, "audioLength", audio->length > 0 ? audio->length : -1);
    changed |= episode_set_text(row, "link", item->link);
    changed |= episode_set_number(row, "season", item->season);
    changed |= episode_set_number(row, "episode", item->episode);
    changed |= episode_set_text(row, "episodeType", item->episode_type);
    changed |= episode_set_text(row, "imageURL", item->image);
    changed |= episode_set_text(row, "chaptersURL", item->chapters_url);
    struct episode_transcript *transcripts;
    size_t count = item_transcripts(merging->arena, item, &transcripts);
    changed |= episode_set_transcripts(merging->manifest->arena, row, transcripts, count);
    return changed;
}

static void update(struct merging *merging, struct episode *row, const struct feed_item *item) {
    merging->report->known++;
    const char *url = item_url(item);
    if (strcmp(row->podcast_id, merging->podcast_id) != 0 || !url)
        return; /* another feed's row: that feed says what is in it */
    bool moved = !same_place(merging->arena, row->audio_url, url);
    if (moved)
        episode_set_text(row, "originalAudioURL", url);
    row->fresh_url = !strcmp(row->audio_url, url) ? NULL : arena_text(merging->manifest->arena, url);
    bool changed = false;
    if (!item->title_missing)
        changed |= episode_set_text(row, "title", trimmed_title(merging->arena, item->title));
    if (*item->summary)
        changed |= episode_set_text(row, "summary", item->summary);
    changed |= episode_set_duration(row, item->duration_s >= 0 ? (double)item->duration_s : -1);
    if (item->date_valid)
        changed |= episode_set_published(row, item->date_ms);
    changed |= set_facts(merging, row, item);
    merging->report->moved += moved;
    merging->report->updated += changed && !moved;
    merging->manifest->changed |= changed || moved;
}

/* A key that no row has: the time goes on by a millisecond until it is free. Each day and title remembers how far it
 * got. */
static char *free_key(struct merging *merging, const char *title, int64_t published_ms, int64_t *ms) {
    char *stem = file_key_stem_make(merging->arena, title, published_ms);
    int64_t *next = text_map_get(&merging->next_ms, stem);
    if (!next) {
        next = arena_alloc(merging->arena, sizeof(*next));
        *next = merging->now_ms;
        text_map_add(&merging->next_ms, stem, next);
    }
    for (;;) {
        *ms = (*next)++;
        char *key = arena_format(merging->arena, "%s--%013lld", stem, (long long)*ms);
        if (!text_map_find(&merging->file_keys, key))
            return key;
    }
}

static struct episode *add(struct merging *merging, const struct feed_item *item) {
    char *title = trimmed_title(merging->arena, item->title);
    int64_t ms = 0;
    char *key = free_key(merging, title, item->date_ms, &ms);
    json_t *row = json_object();
    json_object_set_new(row, "sequentialId", json_integer(0));
    json_object_set_new(row, "podcastId", json_string(merging->podcast_id));
    json_object_set_new(row, "title", json_string(title));
    json_object_set_new(row, "fileKey", json_string(key));
    json_object_set_new(row, "originalAudioURL", json_string(item_url(item)));
    json_object_set_new(row, "summary", json_string(item->summary));
    if (item->duration_s >= 0)
        json_object_set_new(row, "durationInSeconds", json_integer(item->duration_s));
    struct episode times = {.row = row, .downloaded_ms = -1};
    episode_set_published(&times, item->date_ms);
    episode_set_downloaded(&times, ms);
    json_object_set_new(row, "hasCompletedLLMAnnotations", json_false());
    json_object_set_new(row, "llmAnnotations", json_object());
    struct episode *episode = manifest_append(merging->manifest, row);
    set_facts(merging, episode, item);
    learn_row(merging, episode);
    struct manifest_merge *report = merging->report;
    report->added = arena_grow(merging->report_arena, report->added, report->added_count, &merging->added_capacity,
                               sizeof(struct episode *));
    report->added[report->added_count++] = episode;
    return episode;
}

static void settle(struct merging *merging, size_t i) {
    const struct feed_item *item = &merging->feed->items[i];
    if (merging->found[i]) {
        update(merging, merging->found[i], item);
        return;
    }
    if (merging->repeats[i]) {
        merging->report->known++;
        return;
    }
    if (!item_url(item)) {
        warn(merging, item, "the feed names no audio for it");
        return;
    }
    if (!item->date_valid) {
        const char *why = item->date_raw
                              ? arena_format(merging->arena, "its date \"%.60s\" cannot be read", item->date_raw)
                              : "it has no date";
        warn(merging, item, why);
        return;
    }
    struct episode *row = find_by_title(merging, item);
    if (!row) {
        claim(merging, i, add(merging, item));
    } else if (is_claimed(merging, row)) {
        merging->report->known++; /* the same listing once more */
    } else {
        claim(merging, i, row);
        update(merging, row, item);
    }
}

void manifest_merge_feed(struct arena *arena, struct manifest *manifest, const char *podcast_id,
                         const struct feed *feed, size_t newest_only, int64_t now_ms, struct manifest_merge *report) {
    *report = (struct manifest_merge){0};
    ARENA_OWNED struct arena *scratch = arena_open();
    struct merging merging = {
        .arena = scratch,
        .report_arena = arena,
        .manifest = manifest,
        .podcast_id = podcast_id,
        .feed = feed,
        .item_count = newest_only && newest_only < feed->item_count ? newest_only : feed->item_count,
        .now_ms = now_ms,
        .report = report,
    };
    merging.found = arena_alloc_array(scratch, feed->item_count + 1, sizeof(struct episode *));
    merging.repeats = arena_alloc_array(scratch, feed->item_count + 1, sizeof(*merging.repeats));
    learn(&merging);
    for (size_t i = 0; i < merging.item_count; i++) {
        struct episode *row = find_strong(&merging, &feed->items[i]);
        if (row && !is_claimed(&merging, row))
            claim(&merging, i, row);
        else
            merging.repeats[i] = row != NULL;
    }
    for (size_t i = 0; i < merging.item_count; i++)
        settle(&merging, i);
}
