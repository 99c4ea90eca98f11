/* Audio, transcripts, passages and the site's own pictures. What a client names is looked up in the manifest or the
 * site's folder and never becomes a path by itself. */
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"
#include "http/app.h"
#include "http/asset.h"
#include "http/handlers.h"
#include "http/reply.h"
#include "podcast/feed_out.h"
#include "speech/srt.h"

/* A file key names one version of one episode's audio, which never changes under that name. */
#define A_DAY "public, max-age=86400"
#define AN_HOUR "public, max-age=3600"
#define FRESH "no-cache"

/* The episode of "{podcast}" whose file "{file}" is, its key being what stands before `ending`; NULL if there is none.
 */
static const struct episode *episode_by_key(const struct server_request *request, const struct manifest *manifest,
                                            const char *ending) {
    const char *file = request_parameter(request, "file");
    if (!text_ends(file, ending) || strlen(file) == strlen(ending))
        return NULL;
    const char *key = arena_text_part(request->arena, file, strlen(file) - strlen(ending));
    return manifest_find_key(manifest, request_parameter(request, "podcast"), key);
}

static const struct episode *episode_by_audio(const struct server_request *request, const struct manifest *manifest) {
    const char *podcast = request_parameter(request, "podcast");
    const char *file = request_parameter(request, "file");
    for (size_t i = 0; i < manifest->count; i++) {
        const struct episode *episode = manifest->episodes[i];
        size_t key = strlen(episode->file_key);
        if (strcmp(episode->podcast_id, podcast) != 0)
            continue;
        if (episode->audio_file ? strcmp(episode->audio_file, file) == 0
                                : strncmp(file, episode->file_key, key) == 0 && strcmp(file + key, ".mp3") == 0)
            return episode;
    }
    return NULL;
}

/* Takes what a media request needs; false with the failure answered. */
static bool take(struct site_app *app, const struct server_request *request, struct server_response *response,
                 const struct manifest **manifest, struct object_store **files) {
    struct hold *hold = hold_site(app, request, response);
    const struct catalog_manifest *shown = hold ? hold_manifest(hold, request, response) : NULL;
    *files = shown ? hold_files(hold, request, response) : NULL;
    *manifest = shown ? shown->manifest : NULL;
    return *files != NULL;
}

void site_audio(void *to, const struct server_request *request, struct server_response *response) {
    const struct manifest *manifest;
    struct object_store *files;
    if (!take(to, request, response, &manifest, &files))
        return;
    const struct episode *episode = episode_by_audio(request, manifest);
    if (!episode) {
        reply_absent(request, response);
        return;
    }
    const char *key = episode_audio_key(request->arena, episode);
    reply_object(request, response, files, key, audio_media_type(key), true, A_DAY);
    response->policy = REPLY_MEDIA_POLICY;
}

void site_entries(void *to, const struct server_request *request, struct server_response *response) {
    const struct manifest *manifest;
    struct object_store *files;
    if (!take(to, request, response, &manifest, &files))
        return;
    const struct episode *episode = episode_by_key(request, manifest, ".json");
    if (!episode)
        reply_absent(request, response);
    else
        reply_object(request, response, files, episode_entries_key(request->arena, episode), REPLY_JSON, false, FRESH);
}

/* ---- transcripts ---- */

struct transcript_form {
    const char *ending;
    const char *type;
    void (*write)(struct text *out, const struct cue *cues, size_t count); /* NULL: the file as it is */
};

static void convert(const struct server_request *request, struct server_response *response, struct object_store *files,
                    const struct episode *episode, const struct transcript_form *form) {
    struct error err = {0};
    char *bytes;
    size_t length;
    struct cue_list cues;
    const char *key = episode_transcript_key(request->arena, episode);
    if (!object_get_bytes(files, request->arena, key, LIMIT_SRT_BYTES, &bytes, &length, &err) ||
        !srt_parse(request->arena, bytes, length, &cues, &err)) {
        reply_failure(request, response, &err);
        return;
    }
    struct text out;
    text_open(&out, 4 * LIMIT_SRT_BYTES);
    form->write(&out, cues.items, cues.count);
    reply_text(request, response, form->type, arena_text_part(request->arena, text_value(&out), out.length), out.length,
               FRESH);
    text_close(&out);
}

void site_transcript(void *to, const struct server_request *request, struct server_response *response) {
    static const struct transcript_form forms[] = {
        {".srt", "application/x-subrip; charset=utf-8", NULL},
        {".vtt", "text/vtt; charset=utf-8", vtt_write},
        {".txt", "text/plain; charset=utf-8", plain_write},
    };
    const struct manifest *manifest;
    struct object_store *files;
    const struct episode *episode;
    if (!take(to, request, response, &manifest, &files))
        return;
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        if (!(episode = episode_by_key(request, manifest, forms[i].ending)))
            continue;
        if (forms[i].write)
            convert(request, response, files, episode, &forms[i]);
        else
            reply_object(request, response, files, episode_transcript_key(request->arena, episode), forms[i].type,
                         false, FRESH);
        return;
    }
    if ((episode = episode_by_key(request, manifest, ".words.json")))
        reply_object(request, response, files, episode_words_key(request->arena, episode), REPLY_JSON, false, FRESH);
    else
        reply_absent(request, response);
}

/* ---- the site's own files ---- */

/* What a site's folder may give out, by ending. Anything else in it (configuration, environment files) is not there for
 * clients. */
static const char *asset_type(const char *name) {
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".avif", "image/avif"},
        {".css", "text/css; charset=utf-8"},
        {".gif", "image/gif"},
        {".ico", "image/x-icon"},
        {".jpeg", "image/jpeg"},
        {".jpg", "image/jpeg"},
        {".png", "image/png"},
        {".svg", "image/svg+xml"},
        {".webmanifest", "application/manifest+json"},
        {".webp", "image/webp"},
        {".woff2", "font/woff2"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
        if (text_ends(name, types[i].ending))
            return types[i].type;
    }
    return NULL;
}

static bool hidden_part(const char *path) {
    return path[0] == '.' || strstr(path, "/.") != NULL;
}

/* The file of that relative path in the site's folder, if it may be given out and is there; else NULL. */
static const char *site_folder_file(const struct server_request *request, const struct site *site,
                                    const char *relative) {
    if (!asset_type(relative) || hidden_part(relative))
        return NULL;
    const char *path = site_asset_path(request->arena, site, arena_format(request->arena, "./%s", relative));
    return path && access(path, R_OK) == 0 ? path : NULL;
}

static void send_site_file(const struct server_request *request, struct server_response *response, const char *path) {
    reply_file(request, response, path, asset_type(path), false, AN_HOUR);
    response->policy = REPLY_MEDIA_POLICY;
}

void site_asset(void *to, const struct server_request *request, struct server_response *response) {
    struct hold *hold = hold_site(to, request, response);
    if (!hold)
        return;
    const char *relative = arena_format(request->arena, "assets/%s", request_parameter(request, "file"));
    const char *path = site_folder_file(request, hold->entry->site, relative);
    if (path)
        send_site_file(request, response, path);
    else
        reply_absent(request, response);
}

/* A name directly below the site: its two style sheets, its icons (as today's sites have them at the top), else a file
 * of the pages. */
void site_file(void *to, const struct server_request *request, struct server_response *response) {
    struct hold *hold = hold_site(to, request, response);
    if (!hold)
        return;
    const char *name = request_parameter(request, "file");
    const char *path = NULL;
    if (strcmp(name, "index.css") == 0 || strcmp(name, "key-colors.css") == 0)
        path = site_folder_file(request, hold->entry->site, name);
    else if (!text_ends(name, ".css"))
        path = site_folder_file(request, hold->entry->site, arena_format(request->arena, "assets/%s", name));
    if (path)
        send_site_file(request, response, path);
    else
        built_in_file(to, request, response);
}
