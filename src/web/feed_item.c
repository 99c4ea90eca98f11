/* One item: begun, and when it ends put in order and kept. */
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "web/feed_parts.h"
#include "web/url.h"

void feed_item_begin(struct feed_reader *r) {
    if (r->in_item)
        feed_item_finish(r);
    r->in_item = true;
    r->item = (struct feed_item){
        .duration_s = FEED_UNSET, .season = FEED_UNSET, .episode = FEED_UNSET, .explicit_content = FEED_UNSET};
    for (size_t i = 0; i < SUMMARY_SOURCES; i++)
        text_reset(&r->summaries[i]);
    r->enclosures.count = r->media.count = r->transcripts.count = r->persons.count = 0;
    r->date_rank = r->title_rank = r->author_rank = r->image_rank = 0;
    r->season_rank = r->episode_rank = 0;
}

/* ---- enclosures: what can be heard comes first ---- */

enum hearing { HEAR_AUDIO, HEAR_PERHAPS, HEAR_VIDEO, HEAR_NOTHING };

static bool has_ending(const char *url, const char *const *endings, size_t count) {
    size_t path = strcspn(url, "?#");
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(endings[i]);
        if (path > length && strncasecmp(url + path - length, endings[i], length) == 0)
            return true;
    }
    return false;
}

static enum hearing hearing_of(const struct feed_enclosure *enclosure) {
    static const char *const audio[] = {".mp3", ".m4a",  ".m4b", ".aac",  ".ogg",
                                        ".oga", ".opus", ".wav", ".flac", ".wma"};
    static const char *const video[] = {".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"};
    static const char *const neither[] = {"image/", "text/html", "application/pdf", "application/zip",
                                          "application/epub"};
    const char *type = enclosure->type;
    if ((type && text_starts(type, "audio/")) || has_ending(enclosure->url, audio, ARRAY_LENGTH(audio)))
        return HEAR_AUDIO;
    if ((type && text_starts(type, "video/")) || has_ending(enclosure->url, video, ARRAY_LENGTH(video)))
        return HEAR_VIDEO;
    for (size_t i = 0; type && i < ARRAY_LENGTH(neither); i++) {
        if (text_starts(type, neither[i]))
            return HEAR_NOTHING;
    }
    return HEAR_PERHAPS;
}

static void settle_enclosures(struct feed_reader *r, size_t number) {
    const struct list *from = r->enclosures.count ? &r->enclosures : &r->media;
    const struct feed_enclosure *found = from->data;
    if (!from->count)
        return;
    struct feed_enclosure *made = arena_alloc_array(r->arena, from->count, sizeof(*made));
    size_t count = 0;
    for (int wanted = HEAR_AUDIO; wanted < HEAR_NOTHING; wanted++) {
        for (size_t i = 0; i < from->count; i++) {
            if ((int)hearing_of(&found[i]) == wanted)
                made[count++] = found[i];
        }
    }
    if (!count)
        feed_reader_warn(r, "item %zu: its enclosure is %s, which cannot be heard", number,
                         found[0].type ? feed_shown(r->arena, found[0].type) : "of an unknown kind");
    r->item.enclosures = made;
    r->item.enclosure_count = count;
}

static const void *settled(struct arena *arena, const struct list *list, size_t size) {
    if (!list->count)
        return NULL;
    void *copy = arena_alloc_array(arena, list->count, size);
    memcpy(copy, list->data, list->count * size);
    return copy;
}

static void settle_texts(struct feed_reader *r) {
    struct feed_item *item = &r->item;
    item->summary = "";
    for (size_t i = 0; i < SUMMARY_SOURCES; i++) {
        if (r->summaries[i].length) {
            const char *text = feed_long_text(r->arena, text_value(&r->summaries[i]));
            item->summary = text ? text : "";
            break;
        }
    }
    if (r->settings.keep_content) {
        item->description = feed_long_text(r->arena, text_value(&r->summaries[SUMMARY_DESCRIPTION]));
        item->content = feed_long_text(r->arena, text_value(&r->summaries[SUMMARY_CONTENT]));
    }
    if (!item->title) {
        item->title = "Untitled Episode";
        item->title_missing = true;
    }
}

void feed_item_finish(struct feed_reader *r) {
    if (!r->in_item)
        return;
    r->in_item = false;
    if (r->items.count >= LIMIT_FEED_ITEMS) {
        if (!r->too_many_items)
            feed_reader_warn(r, "there are more than %d items; the rest was left out", LIMIT_FEED_ITEMS);
        r->too_many_items = true;
        return;
    }
    struct feed_item *item = &r->item;
    size_t number = r->items.count + 1;
    settle_texts(r);
    settle_enclosures(r, number);
    item->transcripts = settled(r->arena, &r->transcripts, sizeof(struct feed_transcript));
    item->transcript_count = r->transcripts.count;
    item->persons = settled(r->arena, &r->persons, sizeof(struct feed_person));
    item->person_count = r->persons.count;
    if (!item->link && item->guid && item->guid_is_permalink && url_is_web(item->guid))
        item->link = item->guid;
    if (item->date_raw && !item->date_valid)
        feed_reader_warn(r, "item %zu (\"%s\"): the date \"%s\" was not understood", number,
                         feed_shown(r->arena, item->title), feed_shown(r->arena, item->date_raw));
    if (item->title_missing)
        feed_reader_warn(r, "item %zu has no title", number);
    r->items.data = memory_grow(r->items.data, r->items.count, &r->items.capacity, sizeof(*item));
    ((struct feed_item *)r->items.data)[r->items.count++] = *item;
}
