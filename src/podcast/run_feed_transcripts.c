/* Transcripts that a feed itself offers (podcast:transcript) are kept beside ours, as they came:
 * feed-transcripts/{podcastId}/{fileKey}.{srt,vtt,json,html,txt}. */
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/run_site.h"

struct form {
    const char *type;
    const char *extension;
};

static const char *extension_of(const struct episode_transcript *transcript) {
    static const struct form forms[] = {
        {"application/x-subrip", "srt"}, {"application/srt", "srt"}, {"text/srt", "srt"},   {"text/vtt", "vtt"},
        {"application/json", "json"},    {"text/html", "html"},      {"text/plain", "txt"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        if (transcript->type && strcmp(transcript->type, forms[i].type) == 0)
            return forms[i].extension;
    }
    return NULL;
}

static bool fetch_transcript(struct run_site *site, struct arena *arena, const struct episode_transcript *transcript,
                             const char *key, struct error *err) {
    const struct run_settings *settings = site->run->settings;
    struct http_request request = {
        .url = transcript->url, .largest_body = LIMIT_FEED_TRANSCRIPT_BYTES, .cancel = site->cancel};
    struct http_response response = {0};
    if (!http_perform(settings->http, arena, &request, &response, err))
        return false;
    if (!response.body_length)
        return error_set(err, ERROR_INVALID, "it is empty");
    struct object_put_options options = {.content_type = transcript->type};
    return object_put_bytes(site->files, key, response.body, response.body_length, &options, err);
}

static void fetch_missing(struct run_site *site, const struct run_listing *have, const struct run_listing *audio,
                          const struct episode *episode) {
    ARENA_OWNED struct arena *arena = arena_open();
    const char *audio_prefix = arena_format(arena, "audio/%s/%s.", episode->podcast_id, episode->file_key);
    if (run_listing_find(audio, audio_prefix) == audio->count)
        return;
    for (size_t i = 0; i < episode->transcript_count; i++) {
        const struct episode_transcript *transcript = &episode->transcripts[i];
        const char *extension = extension_of(transcript);
        const char *key = extension ? arena_format(arena, "feed-transcripts/%s/%s.%s", episode->podcast_id,
                                                   episode->file_key, extension)
                                    : NULL;
        if (!key || run_listing_find(have, key) < have->count || run_cancelled(site))
            continue;
        struct error err = {0};
        if (fetch_transcript(site, arena, transcript, key, &err))
            site->record->feed_transcripts++;
        else if (err.code != ERROR_CANCELLED)
            run_warn(site, "podcast %s: episode \"%.120s\": the feed's own transcript: %s", episode->podcast_id,
                     episode->title, err.message);
    }
}

void run_feed_transcripts(struct run_site *site) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct run_listing have = {0};
    struct run_listing audio = {0};
    struct error err = {0};
    bool any = false;
    for (size_t i = 0; i < site->manifest->count && !any; i++)
        any = site->manifest->episodes[i]->transcript_count > 0;
    if (!any)
        return;
    if (!run_list(site, arena, "feed-transcripts/", &have, &err) || !run_list(site, arena, "audio/", &audio, &err)) {
        error_context(&err, "site %s: the feeds' own transcripts", site->site->id);
        run_fail(site, &err);
        return;
    }
    for (size_t i = 0; i < site->manifest->count; i++)
        fetch_missing(site, &have, &audio, site->manifest->episodes[i]);
}
