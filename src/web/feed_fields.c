/* One element of a feed, filed. Each function trusts nothing: a value that does not read as what it should be is left
 * out with a warning. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "web/date.h"
#include "web/feed_parts.h"
#include "web/url.h"

static const char *short_value(struct feed_reader *r, const char *value) {
    return feed_short_text(r->arena, value, LIMIT_FEED_TITLE_BYTES, NULL);
}

/* True when a source of this rank is to be taken, given what was taken before (0: nothing). */
static bool better(unsigned char rank, unsigned char *have) {
    if (*have && *have <= rank)
        return false;
    *have = rank;
    return true;
}

const char *feed_url(struct feed_reader *r, const char *text) {
    const char *trimmed = text ? text_trim(arena_text(r->arena, text)) : NULL;
    struct url url;
    if (!trimmed || !*trimmed || !url_parse(r->arena, trimmed, &url, NULL))
        return NULL;
    if (url.scheme)
        return url.host ? trimmed : NULL; /* as written: who knows the feed knows it by these bytes */
    const char *base = r->settings.url;
    return base ? url_resolve(r->arena, base, trimmed, NULL) : NULL;
}

static int yes_or_no(const char *value) {
    char copy[16];
    size_t length = strspn(value, " \t\r\n");
    const char *start = value + length;
    length = strcspn(start, " \t\r\n");
    if (length >= sizeof(copy))
        return FEED_UNSET;
    memcpy(copy, start, length);
    copy[length] = 0;
    static const char *const yes[] = {"yes", "true", "explicit", "1"};
    static const char *const no[] = {"no", "false", "clean", "0", "notexplicit"};
    for (size_t i = 0; i < ARRAY_LENGTH(yes); i++) {
        if (strcasecmp(copy, yes[i]) == 0)
            return 1;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(no); i++) {
        if (strcasecmp(copy, no[i]) == 0)
            return 0;
    }
    return FEED_UNSET;
}

/* A whole number of at most 9 digits; "3.0" is 3. */
static bool read_number(const char *value, int64_t *number) {
    while (*value && (unsigned char)*value <= ' ')
        value++;
    size_t digits = strspn(value, "0123456789");
    if (!digits || digits > 9)
        return false;
    const char *rest = value + digits;
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0");
    while (*rest && (unsigned char)*rest <= ' ')
        rest++;
    if (*rest)
        return false;
    *number = strtoll(value, NULL, 10);
    return true;
}

static size_t item_number(const struct feed_reader *r) {
    return r->items.count + 1;
}

static void add_person(struct feed_reader *r, struct list *list, const char *name) {
    if (!name)
        return;
    if (list->count >= LIMIT_FEED_PERSONS)
        return;
    struct feed_person person = r->person;
    person.name = name;
    list->data = memory_grow(list->data, list->count, &list->capacity, sizeof(person));
    ((struct feed_person *)list->data)[list->count++] = person;
}

static void add_category(struct feed_reader *r, const char *name) {
    if (!name || r->categories.count >= LIMIT_FEED_LIST)
        return;
    const char *const *known = r->categories.data;
    for (size_t i = 0; i < r->categories.count; i++) {
        if (strcasecmp(known[i], name) == 0)
            return;
    }
    r->categories.data = memory_grow(r->categories.data, r->categories.count, &r->categories.capacity, sizeof(name));
    ((const char **)r->categories.data)[r->categories.count++] = name;
}

/* ---- fields of the feed, by their text ---- */

static void feed_date(struct feed_reader *r, const struct feed_meaning *meaning, const char *value) {
    int64_t ms;
    if (date_parse(value, &ms) && better(meaning->rank, &r->feed_built_rank))
        r->feed->built_ms = ms;
}

static void set_once(const char **field, const char *value) {
    if (!*field)
        *field = value;
}

static void set_ranked(const char **field, unsigned char *have, unsigned char rank, const char *value) {
    if (value && better(rank, have))
        *field = value;
}

void feed_field_feed(struct feed_reader *r, const struct feed_meaning *meaning, const char *value) {
    struct feed *feed = r->feed;
    switch (meaning->field) {
    case FIELD_TITLE:
        set_ranked(&feed->title, &r->feed_title_rank, meaning->rank, short_value(r, value));
        break;
    case FIELD_DESCRIPTION:
        set_ranked(&feed->description, &r->feed_description_rank, meaning->rank, feed_long_text(r->arena, value));
        break;
    case FIELD_AUTHOR:
        set_ranked(&feed->author, &r->feed_author_rank, meaning->rank, short_value(r, value));
        break;
    case FIELD_IMAGE:
        set_ranked(&feed->image, &r->feed_image_rank, meaning->rank, feed_url(r, value));
        break;
    case FIELD_LINK:
        set_once(&feed->link, feed_url(r, value));
        break;
    case FIELD_LANGUAGE:
        set_once(&feed->language, short_value(r, value));
        break;
    case FIELD_COPYRIGHT:
        set_once(&feed->copyright, short_value(r, value));
        break;
    case FIELD_OWNER_NAME:
        set_once(&feed->owner_name, short_value(r, value));
        break;
    case FIELD_OWNER_EMAIL:
        set_once(&feed->owner_email, short_value(r, value));
        break;
    case FIELD_CATEGORY:
        add_category(r, short_value(r, value));
        break;
    case FIELD_EXPLICIT:
        feed->explicit_content = yes_or_no(value);
        break;
    case FIELD_TYPE:
        set_once(&feed->type, feed_lower_text(r->arena, value));
        break;
    case FIELD_NEW_URL:
        set_once(&feed->new_feed_url, feed_url(r, value));
        break;
    case FIELD_PODCAST_GUID:
        set_once(&feed->podcast_guid, short_value(r, value));
        break;
    case FIELD_LOCKED:
        feed->locked = yes_or_no(value);
        break;
    case FIELD_ENDED:
        feed->ended = yes_or_no(value) == 1;
        break;
    case FIELD_PERSON:
        add_person(r, &r->feed_persons, short_value(r, value));
        break;
    case FIELD_TTL:
        if (!read_number(value, &feed->ttl_minutes))
            feed_reader_warn(r, "the ttl is no number");
        break;
    case FIELD_BUILT:
        feed_date(r, meaning, value);
        break;
    default:
        break;
    }
}

/* ---- fields of an item, by their text ---- */

static void item_title(struct feed_reader *r, const struct feed_meaning *meaning, const char *value) {
    bool cut = false;
    const char *title = feed_short_text(r->arena, value, LIMIT_FEED_TITLE_BYTES, &cut);
    if (!title || !better(meaning->rank, &r->title_rank))
        return;
    r->item.title = title;
    r->item.title_cut = cut;
    if (cut)
        feed_reader_warn(r, "item %zu: the title was cut at %d bytes", item_number(r), LIMIT_FEED_TITLE_BYTES);
}

static void item_date(struct feed_reader *r, const struct feed_meaning *meaning, const char *value) {
    struct feed_item *item = &r->item;
    int64_t ms = 0;
    bool valid = date_parse(value, &ms);
    const char *raw = valid || !item->date_valid ? short_value(r, value) : NULL;
    /* A readable date beats an unreadable one; among equals the rank decides. */
    bool wins = raw && (valid != item->date_valid ? valid : !r->date_rank || meaning->rank < r->date_rank);
    if (!wins)
        return;
    item->date_raw = raw;
    item->date_valid = valid;
    item->date_ms = ms;
    r->date_rank = meaning->rank;
}

static void item_number_field(struct feed_reader *r, const struct feed_meaning *meaning, const char *value,
                              const char *what, unsigned char *have, int64_t *field) {
    int64_t number = 0;
    const char *shown = short_value(r, value);
    if (!shown)
        return;
    if (!read_number(value, &number)) {
        feed_reader_warn(r, "item %zu: the %s \"%s\" is no number", item_number(r), what, feed_shown(r->arena, shown));
        return;
    }
    if (better(meaning->rank, have))
        *field = number;
}

static void item_duration(struct feed_reader *r, const char *value) {
    const char *shown = short_value(r, value);
    if (shown && !date_parse_duration(value, &r->item.duration_s))
        feed_reader_warn(r, "item %zu: the duration \"%s\" was not understood", item_number(r),
                         feed_shown(r->arena, shown));
}

static void item_summary(struct feed_reader *r, size_t source, const char *value) {
    if (r->summaries[source].length)
        return;
    const char *end = value + strlen(value);
    while (*value && (unsigned char)*value <= ' ')
        value++;
    while (end > value && (unsigned char)end[-1] <= ' ')
        end--;
    text_append_part(&r->summaries[source], value, (size_t)(end - value));
}

void feed_field_item(struct feed_reader *r, const struct feed_meaning *meaning, const char *value) {
    struct feed_item *item = &r->item;
    if (!r->in_item)
        return;
    switch (meaning->field) {
    case FIELD_TITLE:
        item_title(r, meaning, value);
        break;
    case FIELD_GUID:
        set_once(&item->guid, short_value(r, value));
        break;
    case FIELD_DATE:
        item_date(r, meaning, value);
        break;
    case FIELD_LINK:
        set_once(&item->link, feed_url(r, value));
        break;
    case FIELD_AUTHOR:
        set_ranked(&item->author, &r->author_rank, meaning->rank, short_value(r, value));
        break;
    case FIELD_ITUNES_SUMMARY:
        item_summary(r, SUMMARY_ITUNES, value);
        break;
    case FIELD_SUMMARY:
        item_summary(r, SUMMARY_PLAIN, value);
        break;
    case FIELD_DESCRIPTION:
        item_summary(r, SUMMARY_DESCRIPTION, value);
        break;
    case FIELD_CONTENT:
        item_summary(r, SUMMARY_CONTENT, value);
        break;
    case FIELD_SUBTITLE:
        set_once(&item->subtitle, short_value(r, value));
        break;
    case FIELD_DURATION:
        item_duration(r, value);
        break;
    case FIELD_SEASON:
        item_number_field(r, meaning, value, "season", &r->season_rank, &item->season);
        break;
    case FIELD_EPISODE:
        item_number_field(r, meaning, value, "episode number", &r->episode_rank, &item->episode);
        break;
    case FIELD_EPISODE_TYPE:
        set_once(&item->episode_type, feed_lower_text(r->arena, value));
        break;
    case FIELD_IMAGE:
        set_ranked(&item->image, &r->image_rank, meaning->rank, feed_url(r, value));
        break;
    case FIELD_EXPLICIT:
        item->explicit_content = yes_or_no(value);
        break;
    case FIELD_BLOCK:
        item->block = yes_or_no(value) == 1;
        break;
    case FIELD_PERSON:
        add_person(r, &r->persons, short_value(r, value));
        break;
    default:
        break;
    }
}

/* ---- by their attributes ---- */

struct attributes {
    const struct feed_attribute *list;
    size_t count;
};

static const char *get(const struct feed_reader *r, struct attributes a, const char *name) {
    return feed_attribute_text(r->arena, a.list, a.count, name);
}

static void add_enclosure(struct feed_reader *r, struct list *list, const char *address, const char *type,
                          const char *length) {
    struct feed_enclosure enclosure = {.url = feed_url(r, address), .length = FEED_UNSET};
    if (!enclosure.url || list->count >= LIMIT_FEED_LIST) {
        if (address)
            feed_reader_warn(r, "item %zu: the enclosure's URL \"%s\" is none", item_number(r),
                             feed_shown(r->arena, address));
        return;
    }
    enclosure.type = type ? feed_media_type(r->arena, type) : NULL;
    int64_t bytes = 0;
    if (length && text_to_int64(length, &bytes) && bytes >= 0)
        enclosure.length = bytes;
    list->data = memory_grow(list->data, list->count, &list->capacity, sizeof(enclosure));
    ((struct feed_enclosure *)list->data)[list->count++] = enclosure;
}

static void atom_link(struct feed_reader *r, enum feed_place place, struct attributes a) {
    const char *rel = get(r, a, "rel");
    const char *href = get(r, a, "href");
    if (!rel)
        rel = "alternate";
    if (!href)
        return;
    if (place == PLACE_ITEM) {
        if (strcasecmp(rel, "enclosure") == 0)
            add_enclosure(r, &r->enclosures, href, get(r, a, "type"), get(r, a, "length"));
        else if (strcasecmp(rel, "alternate") == 0)
            set_once(&r->item.link, feed_url(r, href));
        return;
    }
    struct feed *feed = r->feed;
    const struct {
        const char *rel;
        const char **field;
    } links[] = {
        {"alternate", &feed->link}, {"self", &feed->self_url},
        {"next", &feed->next_url},  {"prev-archive", &feed->previous_archive_url},
        {"hub", &feed->hub_url},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(links); i++) {
        if (strcasecmp(rel, links[i].rel) == 0)
            set_once(links[i].field, feed_url(r, href));
    }
}

static void media_content(struct feed_reader *r, struct attributes a) {
    const char *medium = get(r, a, "medium");
    const char *type = get(r, a, "type");
    if (medium && !type)
        type = strcasecmp(medium, "audio") == 0 ? "audio/*" : strcasecmp(medium, "video") == 0 ? "video/*" : "image/*";
    const char *address = get(r, a, "url");
    if (address)
        add_enclosure(r, &r->media, address, type, get(r, a, "fileSize"));
}

static void transcript(struct feed_reader *r, struct attributes a) {
    struct feed_transcript made = {
        .url = feed_url(r, get(r, a, "url")), .language = get(r, a, "language"), .rel = get(r, a, "rel")};
    const char *type = get(r, a, "type");
    if (!made.url || r->transcripts.count >= LIMIT_FEED_LIST)
        return;
    made.type = type ? feed_media_type(r->arena, type) : NULL;
    r->transcripts.data =
        memory_grow(r->transcripts.data, r->transcripts.count, &r->transcripts.capacity, sizeof(made));
    ((struct feed_transcript *)r->transcripts.data)[r->transcripts.count++] = made;
}

static void itunes_category(struct feed_reader *r, struct attributes a) {
    const char *text = get(r, a, "text");
    if (!text)
        text = get(r, a, "term");
    const char *name = text ? short_value(r, text) : NULL;
    if (!name)
        return;
    /* A category inside a category: the place says FEED for both, the depth tells. */
    bool nested = r->parent_category && r->levels[r->depth - 1].meaning &&
                  r->levels[r->depth - 1].meaning->field == FIELD_CATEGORY;
    add_category(r, nested ? arena_format(r->arena, "%s > %s", r->parent_category, name) : name);
    if (!nested)
        r->parent_category = name;
}

static void person(struct feed_reader *r, struct attributes a) {
    const char *role = get(r, a, "role");
    const char *group = get(r, a, "group");
    r->person = (struct feed_person){
        .role = role ? feed_lower_text(r->arena, role) : "host",
        .group = group ? feed_lower_text(r->arena, group) : "cast",
        .href = feed_url(r, get(r, a, "href")),
        .image = feed_url(r, get(r, a, "img")),
    };
}

static void image(struct feed_reader *r, const struct feed_meaning *meaning, enum feed_place place,
                  struct attributes a) {
    const char *address = get(r, a, "href");
    if (!address)
        address = get(r, a, "url");
    if (!address)
        return;
    if (place == PLACE_ITEM)
        set_ranked(&r->item.image, &r->image_rank, meaning->rank, feed_url(r, address));
    else
        set_ranked(&r->feed->image, &r->feed_image_rank, meaning->rank, feed_url(r, address));
}

void feed_field_attributes(struct feed_reader *r, const struct feed_meaning *meaning, enum feed_place place,
                           enum feed_space space, const struct feed_attribute *list, size_t count) {
    struct attributes a = {list, count};
    if (place == PLACE_ITEM && !r->in_item)
        return;
    switch (meaning->field) {
    case FIELD_ENCLOSURE:
        add_enclosure(r, &r->enclosures, get(r, a, "url"), get(r, a, "type"), get(r, a, "length"));
        break;
    case FIELD_MEDIA:
        media_content(r, a);
        break;
    case FIELD_TRANSCRIPT:
        transcript(r, a);
        break;
    case FIELD_CHAPTERS: {
        const char *type = get(r, a, "type");
        set_once(&r->item.chapters_url, feed_url(r, get(r, a, "url")));
        set_once(&r->item.chapters_type, type ? feed_media_type(r->arena, type) : NULL);
        break;
    }
    case FIELD_LINK:
        if (space != SPACE_NONE || get(r, a, "href"))
            atom_link(r, place, a);
        break;
    case FIELD_IMAGE:
        image(r, meaning, place, a);
        break;
    case FIELD_CATEGORY:
        r->levels[r->depth].meaning = meaning;
        itunes_category(r, a);
        break;
    case FIELD_PERSON:
        person(r, a);
        break;
    case FIELD_FUNDING:
        set_once(&r->feed->funding_url, feed_url(r, get(r, a, "url")));
        break;
    case FIELD_GUID: {
        const char *permanent = get(r, a, "isPermaLink");
        if (!r->item.guid)
            r->item.guid_is_permalink = meaning->rank == 1 && (!permanent || yes_or_no(permanent) != 0);
        break;
    }
    case FIELD_ARCHIVE:
        r->feed->archive = true;
        break;
    case FIELD_COMPLETE:
        r->feed->complete = true;
        break;
    default:
        break;
    }
}
