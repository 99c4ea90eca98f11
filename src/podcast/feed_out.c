#include "podcast/feed_out.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/text_map.h"

/* Namespaces: https://www.itunes.com/dtds/podcast-1.0.dtd, https://podcastindex.org/namespace/1.0 (as their documents
 * write them), and Atom for the link to itself. */
static const char head[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                           "<rss version=\"2.0\" xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\" "
                           "xmlns:podcast=\"https://podcastindex.org/namespace/1.0\" "
                           "xmlns:atom=\"http://www.w3.org/2005/Atom\">\n<channel>\n";

struct feed_writing {
    struct arena *arena;
    const struct site *site;
    const char *base;
    struct text out;
    struct text_map sizes; /* key of an object: its size as a pointer to uint64_t */
};

const char *audio_media_type(const char *file_name) {
    static const struct {
        const char *extension, *type;
    } types[] = {
        {".mp3", "audio/mpeg"},      {".m4a", "audio/mp4"},        {".m4b", "audio/mp4"},
        {".mp4", "video/mp4"},       {".m4v", "video/mp4"},        {".aac", "audio/aac"},
        {".ogg", "audio/ogg"},       {".oga", "audio/ogg"},        {".opus", "audio/ogg"},
        {".flac", "audio/flac"},     {".wav", "audio/wav"},        {".webm", "video/webm"},
        {".mov", "video/quicktime"}, {".mka", "audio/x-matroska"}, {".mkv", "video/x-matroska"},
    };
    const char *dot = strrchr(file_name, '.');
    for (size_t i = 0; dot && i < ARRAY_LENGTH(types); i++)
        if (text_equal_nocase(dot, types[i].extension))
            return types[i].type;
    return "application/octet-stream";
}

static bool note_size(void *to, const struct object_facts *facts, struct error *err) {
    struct feed_writing *writing = to;
    (void)err;
    uint64_t *size = arena_alloc(writing->arena, sizeof(*size));
    *size = facts->size;
    text_map_add(&writing->sizes, arena_text(writing->arena, facts->key), size);
    return true;
}

static void element(struct feed_writing *writing, const char *name, const char *text) {
    if (!text || !*text)
        return;
    text_append_format(&writing->out, "<%s>", name);
    text_append_xml(&writing->out, text);
    text_append_format(&writing->out, "</%s>\n", name);
}

/* An absolute address of one of the site's files, escaped for an attribute. */
static void append_url(struct feed_writing *writing, const char *key) {
    TEXT_SCOPED struct text url;
    text_open(&url, 64 * KIB);
    text_append(&url, writing->base);
    text_append_percent(&url, key, "/");
    text_append_xml(&writing->out, text_value(&url));
}

/* Tue, 31 Jan 2024 00:00:00 +0000 (RFC 822 section 5 with four digits of year, as RSS 2.0 asks; a numeric zone). */
static void element_date(struct feed_writing *writing, const char *name, int64_t ms) {
    char date[CLOCK_ISO_SIZE];
    clock_http(ms, date);
    char *zone = strstr(date, "GMT");
    if (zone)
        memcpy(zone, "+0000", sizeof("+0000"));
    element(writing, name, date);
}

static void append_transcripts(struct feed_writing *writing, const struct episode *episode) {
    static const struct {
        const char *extension, *type;
    } forms[] = {{"srt", "application/x-subrip"}, {"vtt", "text/vtt"}, {"txt", "text/plain"}};
    if (!text_map_find(&writing->sizes, episode_transcript_key(writing->arena, episode)))
        return;
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        text_append(&writing->out, "<podcast:transcript url=\"");
        append_url(writing, arena_format(writing->arena, "transcripts/%s/%s.%s", episode->podcast_id, episode->file_key,
                                         forms[i].extension));
        text_append_format(&writing->out, "\" type=\"%s\"", forms[i].type);
        if (writing->site->language) {
            text_append(&writing->out, " language=\"");
            text_append_xml(&writing->out, writing->site->language);
            text_append(&writing->out, "\"");
        }
        text_append(&writing->out, "/>\n");
    }
}

static void append_item(struct feed_writing *writing, const struct episode *episode, const char *audio_key,
                        uint64_t size) {
    struct text *out = &writing->out;
    text_append(out, "<item>\n");
    element(writing, "title", episode->title);
    /* Ours, not the origin's: this copy has its own audio and times. It never changes, for the number does not. */
    text_append(out, "<guid isPermaLink=\"false\">");
    text_append_xml(out, writing->site->id);
    text_append_format(out, ":%lld</guid>\n<link>", (long long)episode->id);
    append_url(writing, arena_format(writing->arena, "episode/%lld", (long long)episode->id));
    text_append(out, "</link>\n");
    element_date(writing, "pubDate", episode->published_ms);
    element(writing, "description", episode->summary);
    text_append(out, "<enclosure url=\"");
    append_url(writing, audio_key);
    text_append_format(out, "\" length=\"%llu\" type=\"%s\"/>\n", (unsigned long long)size,
                       audio_media_type(audio_key));
    if (episode->duration_s >= 0)
        text_append_format(out, "<itunes:duration>%lld</itunes:duration>\n", (long long)episode->duration_s);
    if (episode->season > 0)
        text_append_format(out, "<itunes:season>%lld</itunes:season>\n", (long long)episode->season);
    if (episode->number > 0)
        text_append_format(out, "<itunes:episode>%lld</itunes:episode>\n", (long long)episode->number);
    element(writing, "itunes:episodeType", episode->episode_type);
    if (episode->image_url && *episode->image_url) {
        text_append(out, "<itunes:image href=\"");
        text_append_xml(out, episode->image_url);
        text_append(out, "\"/>\n");
    }
    append_transcripts(writing, episode);
    text_append(out, "</item>\n");
}

static void append_channel(struct feed_writing *writing, const struct manifest *manifest, const char *podcast_id) {
    const struct site *site = writing->site;
    const struct site_podcast *podcast = podcast_id ? site_podcast_find(site, podcast_id) : NULL;
    const char *title = *site->header.primary_title ? site->header.primary_title : site->id;
    struct text *out = &writing->out;
    text_append(out, head);
    element(writing, "title", podcast ? podcast->title : title);
    element(writing, "link", writing->base);
    element(writing, "description",
            *site->metadata.meta_description ? site->metadata.meta_description
                                             : arena_format(writing->arena, "%s, with transcripts", title));
    text_append(out, "<atom:link rel=\"self\" type=\"application/rss+xml\" href=\"");
    append_url(writing, "feed.xml");
    if (podcast) {
        text_append(out, "?podcast=");
        text_append_percent(out, podcast_id, "");
    }
    text_append(out, "\"/>\n<generator>tidemill</generator>\n");
    element(writing, "language", site->language);
    if (manifest->updated_ms >= 0)
        element_date(writing, "lastBuildDate", manifest->updated_ms);
    const char *image = site->metadata.open_graph_image_path;
    while (text_starts(image, "./"))
        image += 2;
    if (*image && strcmp(image, "TO_BE_ADDED") != 0) {
        text_append(out, "<itunes:image href=\"");
        append_url(writing, image);
        text_append(out, "\"/>\n");
    }
}

bool feed_out_write(struct arena *arena, const struct site *site, const struct manifest *manifest,
                    struct object_store *files, const char *base, const char *podcast_id, char **text, size_t *length,
                    struct error *err) {
    struct feed_writing writing = {.arena = arena, .site = site, .base = base};
    if (podcast_id && !site_podcast_find(site, podcast_id))
        return error_set(err, ERROR_ABSENT, "site %s has no podcast \"%s\"", site->id, podcast_id);
    text_map_open(&writing.sizes, arena);
    if (!object_list(files, "audio/", note_size, &writing, err) ||
        !object_list(files, "transcripts/", note_size, &writing, err))
        return error_context(err, "feed of %s", site->id);
    text_open(&writing.out, LIMIT_FEED_BYTES);
    append_channel(&writing, manifest, podcast_id);
    for (size_t i = manifest->count; i-- > 0;) {
        const struct episode *episode = manifest->episodes[i];
        if (!episode->published_known || episode->id <= 0 ||
            (podcast_id && strcmp(episode->podcast_id, podcast_id) != 0))
            continue;
        const char *key = episode_audio_key(arena, episode);
        const uint64_t *size = text_map_get(&writing.sizes, key);
        if (size && *size)
            append_item(&writing, episode, key, *size);
    }
    text_append(&writing.out, "</channel>\n</rss>\n");
    bool fits = !writing.out.overflow;
    if (fits) {
        *text = arena_text_part(arena, text_value(&writing.out), writing.out.length);
        *length = writing.out.length;
    }
    text_close(&writing.out);
    return fits ? true : error_set(err, ERROR_LIMIT, "feed of %s: larger than %zu bytes", site->id, LIMIT_FEED_BYTES);
}
