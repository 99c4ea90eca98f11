/* Elements to places: what an element means depends on where it stands (a title in an item, in the channel, in the
 * channel's image). The text of an element that means something is collected with the text of all elements inside it,
 * so that markup which somebody forgot to escape still leaves its words. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "web/feed_parts.h"

void feed_reader_open(struct feed_reader *r, struct arena *arena, const struct feed_settings *settings) {
    *r = (struct feed_reader){.arena = arena};
    if (settings)
        r->settings = *settings;
    r->feed = arena_alloc(arena, sizeof(*r->feed));
    r->feed->explicit_content = FEED_UNSET;
    r->feed->locked = FEED_UNSET;
    r->feed->ttl_minutes = FEED_UNSET;
    text_open(&r->value, LIMIT_FEED_TEXT_BYTES);
    for (size_t i = 0; i < SUMMARY_SOURCES; i++)
        text_open(&r->summaries[i], LIMIT_FEED_TEXT_BYTES);
}

void feed_reader_close(struct feed_reader *r) {
    text_close(&r->value);
    for (size_t i = 0; i < SUMMARY_SOURCES; i++)
        text_close(&r->summaries[i]);
    struct list *lists[] = {&r->items,      &r->categories, &r->feed_persons, &r->warnings,
                            &r->enclosures, &r->media,      &r->transcripts,  &r->persons};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++)
        free(lists[i]->data);
}

void feed_reader_warn(struct feed_reader *r, const char *format, ...) {
    if (r->warnings.count >= LIMIT_FEED_WARNINGS) {
        r->more_warnings++;
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    const char *line = arena_format_list(r->arena, format, arguments);
    va_end(arguments);
    r->warnings.data = memory_grow(r->warnings.data, r->warnings.count, &r->warnings.capacity, sizeof(line));
    ((const char **)r->warnings.data)[r->warnings.count++] = line;
}

const char *feed_attribute_text(struct arena *arena, const struct feed_attribute *attributes, size_t count,
                                const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(attributes[i].name, name) != 0)
            continue;
        const char *text = text_trim(arena_text_part(arena, attributes[i].value, attributes[i].length));
        return *text ? text : NULL;
    }
    return NULL;
}

/* ---- places ---- */

static enum feed_place place_of_root(struct feed_reader *r, const char *name, enum feed_space space) {
    if (strcasecmp(name, "feed") == 0 && space != SPACE_OTHER) {
        r->feed->kind = FEED_ATOM;
        r->found = true;
        return PLACE_FEED;
    }
    if (strcasecmp(name, "rss") == 0 || strcasecmp(name, "RDF") == 0) {
        r->feed->kind = strcasecmp(name, "rss") == 0 ? FEED_RSS : FEED_RDF;
        r->found = true;
        return PLACE_ROOT;
    }
    return PLACE_ELSEWHERE;
}

static bool begins_item(const char *name, enum feed_space space, enum feed_place parent) {
    if (!(parent & (PLACE_ROOT | PLACE_FEED)))
        return false;
    return (space == SPACE_NONE && strcasecmp(name, "item") == 0) ||
           ((space & (SPACE_NONE | SPACE_ATOM)) && strcasecmp(name, "entry") == 0);
}

/* Fields that say everything in their attributes; nothing inside them is theirs. */
static bool is_attributes_only(const struct feed_meaning *meaning, enum feed_space space) {
    switch (meaning->field) {
    case FIELD_ENCLOSURE:
    case FIELD_MEDIA:
    case FIELD_TRANSCRIPT:
    case FIELD_CHAPTERS:
    case FIELD_ARCHIVE:
    case FIELD_COMPLETE:
    case FIELD_NONE:
        return true;
    case FIELD_CATEGORY: /* those of iTunes nest */
    case FIELD_LINK:
        return space != SPACE_NONE;
    default:
        return false;
    }
}

/* Words of neighbouring paragraphs do not run together. */
static void separate(struct feed_reader *r, const char *name) {
    static const char *const blocks[] = {"p",  "br", "div", "li", "ul", "ol",
                                         "h1", "h2", "h3",  "tr", "td", "blockquote"};
    for (size_t i = 0; i < ARRAY_LENGTH(blocks); i++) {
        if (strcasecmp(name, blocks[i]) == 0 && r->value.length && r->value.data[r->value.length - 1] != '\n') {
            text_append_char(&r->value, '\n');
            return;
        }
    }
}

static void begin_field(struct feed_reader *r, const struct feed_meaning *meaning, enum feed_place parent,
                        enum feed_space space, const struct feed_attribute *attributes, size_t count) {
    feed_field_attributes(r, meaning, parent, space, attributes, count);
    if (is_attributes_only(meaning, space))
        return;
    r->levels[r->depth].meaning = meaning;
    r->collecting = r->depth;
    r->value_cut = false;
    text_reset(&r->value);
}

void feed_reader_start(struct feed_reader *r, const char *name, enum feed_space space,
                       const struct feed_attribute *attributes, size_t count) {
    if (r->depth + 1 >= ARRAY_LENGTH(r->levels)) {
        r->depth++; /* counted, so that the ends match; the mender lets none of these through */
        return;
    }
    enum feed_place parent = r->depth ? r->levels[r->depth].place : PLACE_ELSEWHERE;
    r->depth++;
    r->levels[r->depth].place = PLACE_ELSEWHERE;
    r->levels[r->depth].meaning = NULL;
    if (r->collecting) {
        separate(r, name);
        return;
    }
    if (r->depth == 1) {
        r->levels[1].place = place_of_root(r, name, space);
        return;
    }
    if ((parent & PLACE_ROOT) && space == SPACE_NONE && strcasecmp(name, "channel") == 0) {
        r->levels[r->depth].place = PLACE_FEED;
        return;
    }
    if (begins_item(name, space, parent)) {
        feed_item_begin(r);
        r->levels[r->depth].place = PLACE_ITEM;
        return;
    }
    const struct feed_meaning *meaning = feed_meaning_of(name, space, parent);
    if (!meaning)
        return;
    r->levels[r->depth].place = meaning->inside;
    begin_field(r, meaning, parent, space, attributes, count);
}

void feed_reader_text(struct feed_reader *r, const char *text, size_t length) {
    if (!r->collecting || r->value_cut)
        return;
    if (text_append_part(&r->value, text, length))
        return;
    /* What fits, to a whole character. */
    size_t room = LIMIT_FEED_TEXT_BYTES - r->value.length;
    while (room && ((unsigned char)text[room] & 0xC0) == 0x80)
        room--;
    text_append_part(&r->value, text, room);
    r->value_cut = true;
    feed_reader_warn(r, "a text of more than %zu bytes was cut", LIMIT_FEED_TEXT_BYTES);
}

void feed_reader_end_element(struct feed_reader *r, const char *name) {
    if (r->depth == 0)
        return;
    size_t depth = r->depth--;
    if (depth >= ARRAY_LENGTH(r->levels))
        return;
    if (r->collecting == depth) {
        r->collecting = 0;
        enum feed_place parent = r->levels[depth - 1].place;
        const struct feed_meaning *meaning = r->levels[depth].meaning;
        if (parent & (PLACE_ITEM | PLACE_ITEM_AUTHOR))
            feed_field_item(r, meaning, text_value(&r->value));
        else
            feed_field_feed(r, meaning, text_value(&r->value));
        return;
    }
    if (r->collecting) {
        separate(r, name);
        return;
    }
    /* An item's own end: the place that it opened, below one that is not an item's (media:group is). */
    if (r->levels[depth].place == PLACE_ITEM && r->levels[depth - 1].place != PLACE_ITEM)
        feed_item_finish(r);
}

static const void *settled(struct arena *arena, const struct list *list, size_t size) {
    if (!list->count)
        return NULL;
    void *copy = arena_alloc_array(arena, list->count, size);
    memcpy(copy, list->data, list->count * size);
    return copy;
}

void feed_reader_finish(struct feed_reader *r) {
    struct feed *feed = r->feed;
    if (r->in_item)
        feed_item_finish(r);
    if (r->more_warnings) {
        const char *line = arena_format(r->arena, "and %llu more like these", (unsigned long long)r->more_warnings);
        r->warnings.data = memory_grow(r->warnings.data, r->warnings.count, &r->warnings.capacity, sizeof(line));
        ((const char **)r->warnings.data)[r->warnings.count++] = line;
    }
    feed->items = settled(r->arena, &r->items, sizeof(struct feed_item));
    feed->item_count = r->items.count;
    feed->categories = settled(r->arena, &r->categories, sizeof(char *));
    feed->category_count = r->categories.count;
    feed->persons = settled(r->arena, &r->feed_persons, sizeof(struct feed_person));
    feed->person_count = r->feed_persons.count;
    feed->warnings = settled(r->arena, &r->warnings, sizeof(char *));
    feed->warning_count = r->warnings.count;
}
