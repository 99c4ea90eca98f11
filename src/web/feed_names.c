#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "web/feed_parts.h"

/* URIs as they compare: lower case, without scheme, "www." and slashes at the end. The prefix is what most call it, for
 * feeds that forgot to declare it. */
static const struct {
    const char *uri;
    const char *prefix;
    enum feed_space space;
} spaces[] = {
    {"itunes.com/dtds/podcast-1.0.dtd", "itunes", SPACE_ITUNES},
    {"itunes.com/dtds/podcast-1.0", NULL, SPACE_ITUNES},
    {"itunes.apple.com/dtds/podcast-1.0.dtd", NULL, SPACE_ITUNES},
    {"podcastindex.org/namespace/1.0", "podcast", SPACE_PODCAST},
    {"github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md", NULL, SPACE_PODCAST},
    {"search.yahoo.com/mrss", "media", SPACE_MEDIA},
    {"video.search.yahoo.com/mrss", NULL, SPACE_MEDIA},
    {"purl.org/rss/1.0/modules/content", "content", SPACE_CONTENT},
    {"w3.org/2005/atom", "atom", SPACE_ATOM},
    {"purl.org/atom/ns#", "atom10", SPACE_ATOM},
    {"purl.org/dc/elements/1.1", "dc", SPACE_DC},
    {"purl.org/dc/elements/1.0", NULL, SPACE_DC},
    {"purl.org/dc/terms", "dcterms", SPACE_DC},
    {"purl.org/syndication/history/1.0", "fh", SPACE_HISTORY},
    {"google.com/schemas/play-podcasts/1.0", "googleplay", SPACE_GOOGLEPLAY},
    {"google.com/schemas/play-podcasts/1.0/play-podcasts.xsd", NULL, SPACE_GOOGLEPLAY},
    {"w3.org/1999/02/22-rdf-syntax-ns#", "rdf", SPACE_NONE},
    {"purl.org/rss/1.0", "rss", SPACE_NONE},
    {"my.netscape.com/rdf/simple/0.9", NULL, SPACE_NONE},
};

static bool same_uri(const char *uri, const char *known) {
    static const char *const starts[] = {"http://", "https://", "www."};
    for (size_t i = 0; i < ARRAY_LENGTH(starts); i++) {
        size_t length = strlen(starts[i]);
        if (strncasecmp(uri, starts[i], length) == 0)
            uri += length;
    }
    size_t length = strlen(uri);
    while (length && uri[length - 1] == '/')
        length--;
    return length == strlen(known) && strncasecmp(uri, known, length) == 0;
}

enum feed_space feed_space_of(const char *uri, const char *prefix) {
    for (size_t i = 0; uri && *uri && i < ARRAY_LENGTH(spaces); i++) {
        if (same_uri(uri, spaces[i].uri))
            return spaces[i].space;
    }
    if (!prefix || !*prefix) /* a default namespace of RSS's own making */
        return SPACE_NONE;
    for (size_t i = 0; (!uri || !*uri) && i < ARRAY_LENGTH(spaces); i++) {
        if (spaces[i].prefix && strcasecmp(prefix, spaces[i].prefix) == 0)
            return spaces[i].space;
    }
    return SPACE_OTHER;
}

#define NONE SPACE_NONE
#define ATOM SPACE_ATOM
#define ITUNES SPACE_ITUNES
#define PODCAST SPACE_PODCAST
#define MEDIA SPACE_MEDIA
#define GOOGLE SPACE_GOOGLEPLAY
#define IN_FEED PLACE_FEED
#define IN_ITEM PLACE_ITEM
#define ANYWHERE (PLACE_FEED | PLACE_ITEM)

/* By name, in ASCII order without case. PLACE_ELSEWHERE as `inside`: its children mean nothing. */
static const struct feed_meaning meanings[] = {
    {"archive", SPACE_HISTORY, IN_FEED, FIELD_ARCHIVE, 1, PLACE_ELSEWHERE},
    {"author", ITUNES | GOOGLE, ANYWHERE, FIELD_AUTHOR, 1, PLACE_ELSEWHERE},
    {"author", NONE, IN_ITEM, FIELD_AUTHOR, 2, PLACE_ELSEWHERE},
    {"author", ATOM, IN_FEED, FIELD_NONE, 0, PLACE_FEED_AUTHOR},
    {"author", ATOM, IN_ITEM, FIELD_NONE, 0, PLACE_ITEM_AUTHOR},
    {"block", ITUNES | GOOGLE, IN_ITEM, FIELD_BLOCK, 1, PLACE_ELSEWHERE},
    {"category", ITUNES | GOOGLE | NONE | ATOM, IN_FEED, FIELD_CATEGORY, 1, PLACE_FEED},
    {"chapters", PODCAST, IN_ITEM, FIELD_CHAPTERS, 1, PLACE_ELSEWHERE},
    {"complete", SPACE_HISTORY, IN_FEED, FIELD_COMPLETE, 1, PLACE_ELSEWHERE},
    {"complete", ITUNES, IN_FEED, FIELD_ENDED, 1, PLACE_ELSEWHERE},
    {"content", ATOM, IN_ITEM, FIELD_CONTENT, 1, PLACE_ELSEWHERE},
    {"content", MEDIA, IN_ITEM, FIELD_MEDIA, 1, PLACE_ELSEWHERE},
    {"copyright", NONE, IN_FEED, FIELD_COPYRIGHT, 1, PLACE_ELSEWHERE},
    {"created", ATOM, IN_ITEM, FIELD_DATE, 3, PLACE_ELSEWHERE},
    {"creator", SPACE_DC, IN_FEED, FIELD_AUTHOR, 4, PLACE_ELSEWHERE},
    {"creator", SPACE_DC, IN_ITEM, FIELD_AUTHOR, 4, PLACE_ELSEWHERE},
    {"date", SPACE_DC, IN_ITEM, FIELD_DATE, 2, PLACE_ELSEWHERE},
    {"date", SPACE_DC, IN_FEED, FIELD_BUILT, 3, PLACE_ELSEWHERE},
    {"description", NONE, IN_FEED, FIELD_DESCRIPTION, 1, PLACE_ELSEWHERE},
    {"description", NONE, IN_ITEM, FIELD_DESCRIPTION, 1, PLACE_ELSEWHERE},
    {"description", GOOGLE, IN_FEED, FIELD_DESCRIPTION, 4, PLACE_ELSEWHERE},
    {"duration", ITUNES, IN_ITEM, FIELD_DURATION, 1, PLACE_ELSEWHERE},
    {"email", ITUNES | GOOGLE, PLACE_OWNER, FIELD_OWNER_EMAIL, 1, PLACE_ELSEWHERE},
    {"enclosure", NONE, IN_ITEM, FIELD_ENCLOSURE, 1, PLACE_ELSEWHERE},
    {"encoded", SPACE_CONTENT, IN_ITEM, FIELD_CONTENT, 1, PLACE_ELSEWHERE},
    {"episode", ITUNES, IN_ITEM, FIELD_EPISODE, 1, PLACE_ELSEWHERE},
    {"episode", PODCAST, IN_ITEM, FIELD_EPISODE, 2, PLACE_ELSEWHERE},
    {"episodeType", ITUNES, IN_ITEM, FIELD_EPISODE_TYPE, 1, PLACE_ELSEWHERE},
    {"explicit", ITUNES | GOOGLE, ANYWHERE, FIELD_EXPLICIT, 1, PLACE_ELSEWHERE},
    {"funding", PODCAST, IN_FEED, FIELD_FUNDING, 1, PLACE_ELSEWHERE},
    {"group", MEDIA, IN_ITEM, FIELD_NONE, 0, PLACE_ITEM},
    {"guid", NONE, IN_ITEM, FIELD_GUID, 1, PLACE_ELSEWHERE},
    {"guid", PODCAST, IN_FEED, FIELD_PODCAST_GUID, 1, PLACE_ELSEWHERE},
    {"icon", ATOM, IN_FEED, FIELD_IMAGE, 4, PLACE_ELSEWHERE},
    {"id", ATOM, IN_ITEM, FIELD_GUID, 2, PLACE_ELSEWHERE},
    {"image", ITUNES | GOOGLE, ANYWHERE, FIELD_IMAGE, 1, PLACE_ELSEWHERE},
    {"image", NONE, IN_FEED | PLACE_ROOT, FIELD_NONE, 0, PLACE_IMAGE},
    {"issued", ATOM, IN_ITEM, FIELD_DATE, 1, PLACE_ELSEWHERE},
    {"language", NONE | SPACE_DC, IN_FEED, FIELD_LANGUAGE, 1, PLACE_ELSEWHERE},
    {"lastBuildDate", NONE, IN_FEED, FIELD_BUILT, 1, PLACE_ELSEWHERE},
    {"link", NONE | ATOM, ANYWHERE, FIELD_LINK, 1, PLACE_ELSEWHERE},
    {"locked", PODCAST, IN_FEED, FIELD_LOCKED, 1, PLACE_ELSEWHERE},
    {"logo", ATOM, IN_FEED, FIELD_IMAGE, 3, PLACE_ELSEWHERE},
    {"managingEditor", NONE, IN_FEED, FIELD_AUTHOR, 5, PLACE_ELSEWHERE},
    {"modified", ATOM, IN_ITEM, FIELD_DATE, 4, PLACE_ELSEWHERE},
    {"name", ATOM, PLACE_FEED_AUTHOR | PLACE_ITEM_AUTHOR, FIELD_AUTHOR, 3, PLACE_ELSEWHERE},
    {"name", ITUNES | GOOGLE, PLACE_OWNER, FIELD_OWNER_NAME, 1, PLACE_ELSEWHERE},
    {"new-feed-url", ITUNES, IN_FEED, FIELD_NEW_URL, 1, PLACE_ELSEWHERE},
    {"owner", ITUNES | GOOGLE, IN_FEED, FIELD_NONE, 0, PLACE_OWNER},
    {"person", PODCAST, ANYWHERE, FIELD_PERSON, 1, PLACE_ELSEWHERE},
    {"pubDate", NONE, IN_ITEM, FIELD_DATE, 1, PLACE_ELSEWHERE},
    {"pubDate", NONE, IN_FEED, FIELD_BUILT, 2, PLACE_ELSEWHERE},
    {"published", ATOM, IN_ITEM, FIELD_DATE, 1, PLACE_ELSEWHERE},
    {"rights", ATOM | SPACE_DC, IN_FEED, FIELD_COPYRIGHT, 2, PLACE_ELSEWHERE},
    {"season", ITUNES, IN_ITEM, FIELD_SEASON, 1, PLACE_ELSEWHERE},
    {"season", PODCAST, IN_ITEM, FIELD_SEASON, 2, PLACE_ELSEWHERE},
    {"subtitle", ATOM, IN_FEED, FIELD_DESCRIPTION, 1, PLACE_ELSEWHERE},
    {"subtitle", ITUNES, IN_FEED, FIELD_DESCRIPTION, 3, PLACE_ELSEWHERE},
    {"subtitle", ITUNES, IN_ITEM, FIELD_SUBTITLE, 1, PLACE_ELSEWHERE},
    {"summary", ITUNES, IN_ITEM, FIELD_ITUNES_SUMMARY, 1, PLACE_ELSEWHERE},
    {"summary", ITUNES, IN_FEED, FIELD_DESCRIPTION, 2, PLACE_ELSEWHERE},
    {"summary", NONE | ATOM, IN_ITEM, FIELD_SUMMARY, 1, PLACE_ELSEWHERE},
    {"tagline", ATOM, IN_FEED, FIELD_DESCRIPTION, 2, PLACE_ELSEWHERE},
    {"thumbnail", MEDIA, IN_ITEM, FIELD_IMAGE, 2, PLACE_ELSEWHERE},
    {"title", NONE | ATOM, ANYWHERE, FIELD_TITLE, 1, PLACE_ELSEWHERE},
    {"title", ITUNES, ANYWHERE, FIELD_TITLE, 2, PLACE_ELSEWHERE},
    {"title", SPACE_DC, ANYWHERE, FIELD_TITLE, 3, PLACE_ELSEWHERE},
    {"transcript", PODCAST, IN_ITEM, FIELD_TRANSCRIPT, 1, PLACE_ELSEWHERE},
    {"ttl", NONE, IN_FEED, FIELD_TTL, 1, PLACE_ELSEWHERE},
    {"type", ITUNES, IN_FEED, FIELD_TYPE, 1, PLACE_ELSEWHERE},
    {"updated", ATOM, IN_FEED, FIELD_BUILT, 1, PLACE_ELSEWHERE},
    {"updated", ATOM, IN_ITEM, FIELD_DATE, 5, PLACE_ELSEWHERE},
    {"url", NONE, PLACE_IMAGE, FIELD_IMAGE, 2, PLACE_ELSEWHERE},
};

static int compare_name(const void *key, const void *row) {
    return strcasecmp(key, ((const struct feed_meaning *)row)->name);
}

const struct feed_meaning *feed_meaning_of(const char *name, enum feed_space space, enum feed_place place) {
    const struct feed_meaning *end = meanings + ARRAY_LENGTH(meanings);
    const struct feed_meaning *found = bsearch(name, meanings, ARRAY_LENGTH(meanings), sizeof(*meanings), compare_name);
    if (!found)
        return NULL;
    while (found > meanings && strcasecmp(found[-1].name, name) == 0)
        found--;
    for (; found < end && strcasecmp(found->name, name) == 0; found++) {
        if ((found->spaces & space) && (found->places & place))
            return found;
    }
    return NULL;
}
