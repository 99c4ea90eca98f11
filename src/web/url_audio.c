/* Trackers count listeners by nesting:
 * https://www.podtrac.com/pts/redirect.mp3/pdst.fm/e/traffic.example.com/show/1.mp3. Each part of the path that looks
 * like a host with something behind it is where the URL nested in it begins, if the host before it is a known tracker.
 * What is left when no tracker is in front is the audio's own URL. */
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "web/url.h"

/* Hosts that count and send on. A leading dot: any host below it. Each puts the real host somewhere into its path. */
static const char *const trackers[] = {
    "podtrac.com",
    ".podtrac.com",
    "chtbl.com",
    ".chtbl.com",
    "chrt.fm",
    ".chrt.fm",
    "pdst.fm",
    ".pdst.fm",
    "op3.dev",
    ".op3.dev",
    "blubrry.com",
    ".blubrry.com",
    "pdcn.co",
    ".pdcn.co",
    "arttrk.com",
    ".arttrk.com",
    "mgln.ai",
    ".mgln.ai",
    "verifi.podscribe.com",
    "pscrb.fm",
    ".pscrb.fm",
    "prfx.byspotify.com",
    "claritaspod.com",
    ".claritaspod.com",
    "swap.fm",
    ".swap.fm",
    "vpixl.com",
    ".vpixl.com",
    "gum.fm",
    ".gum.fm",
    "podderapp.com",
    ".podderapp.com",
    "clrtpod.com",
    ".clrtpod.com",
    "spon.fm",
    ".spon.fm",
    "podkite.com",
    ".podkite.com",
    "2.gum.fm",
};

/* Parameters that only say who asked. */
static const char *const counting[] = {
    "utm_source",     "utm_medium",    "utm_campaign", "utm_term",         "utm_content",
    "source",         "client_source", "player",       "download_source",  "aid",
    "awcollectionid", "awepisodeid",   "_from",        "listeningsession", "listeningsessionid",
    "played_on",      "platform",      "dest-id",      "c_source",
};

static bool is_tracker(const char *host) {
    for (size_t i = 0; i < ARRAY_LENGTH(trackers); i++) {
        if (trackers[i][0] == '.' ? text_ends(host, trackers[i]) : strcmp(host, trackers[i]) == 0)
            return true;
    }
    return false;
}

/* A part of a path that can be a host: letters, digits, hyphens and at least one dot, the last label of two letters or
 * more, and no file name ("redirect.mp3"). */
static bool is_host(const char *part, size_t length) {
    static const char *const file_endings[] = {"mp3",  "m4a", "mp4",  "aac", "ogg",  "oga", "opus", "wav",
                                               "flac", "php", "html", "htm", "aspx", "m4b", "mov",  "m4v"};
    const char *dot = memrchr(part, '.', length);
    if (!dot || dot == part || length > 253)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = part[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!fine || (c == '.' && part[i + 1] == '.'))
            return false;
    }
    size_t last = length - (size_t)(dot + 1 - part);
    if (last < 2)
        return false;
    for (size_t i = 1; i <= last; i++) {
        if ((dot[i] < 'a' || dot[i] > 'z') && (dot[i] < 'A' || dot[i] > 'Z'))
            return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(file_endings); i++) {
        if (last == strlen(file_endings[i]) && strncasecmp(dot + 1, file_endings[i], last) == 0)
            return false;
    }
    return true;
}

/* The URL nested in a tracker's path, or NULL. Some keep the scheme ("/https/host" or "/https://host"), most drop it.
 */
static const char *nested(const char *path) {
    for (const char *at = path; *at == '/';) {
        const char *part = at + 1;
        size_t length = strcspn(part, "/");
        if (text_starts(part, "http:/") || text_starts(part, "https:/")) {
            part += strcspn(part, ":") + 1;
            while (*part == '/')
                part++;
            return part;
        }
        if (is_host(part, length) && part[length] == '/')
            return part;
        at = part + length;
    }
    return NULL;
}

static bool is_counting(const char *pair, size_t length) {
    const char *equals = memchr(pair, '=', length);
    size_t name = equals ? (size_t)(equals - pair) : length;
    for (size_t i = 0; i < ARRAY_LENGTH(counting); i++) {
        if (strlen(counting[i]) == name && strncasecmp(pair, counting[i], name) == 0)
            return true;
    }
    return false;
}

static const char *without_counting(struct arena *arena, const char *query) {
    struct text TEXT_SCOPED out;
    text_open(&out, strlen(query) + 1);
    while (*query) {
        size_t pair = strcspn(query, "&");
        if (pair && !is_counting(query, pair)) {
            if (out.length)
                text_append_char(&out, '&');
            text_append_part(&out, query, pair);
        }
        query += pair + (query[pair] == '&');
    }
    return out.length ? arena_text(arena, text_value(&out)) : NULL;
}

char *url_audio_key(struct arena *arena, const char *text) {
    enum { NESTED_AT_MOST = 16 };
    struct url url = {0};
    const char *current = url_normal(arena, text);
    if (!url_parse(arena, current, &url, NULL) || !url.host)
        return arena_text(arena, current);
    for (int i = 0; i < NESTED_AT_MOST && is_tracker(url.host); i++) {
        const char *inner = nested(url.path);
        struct url next = {0};
        if (!inner)
            break;
        /* The query belongs to the nested URL: trackers append none of their own behind it. */
        const char *full =
            arena_format(arena, "https://%s%s%s", inner, url.query ? "?" : "", url.query ? url.query : "");
        if (!url_parse(arena, full, &next, NULL) || !next.host || !*next.host)
            break;
        url = next;
    }
    url.scheme = "https";
    url.user_info = NULL;
    url.fragment = NULL;
    if (text_equal(url.port, "80") || text_equal(url.port, "443"))
        url.port = NULL;
    if (url.query)
        url.query = without_counting(arena, url.query);
    return url_normal(arena, url_text(arena, &url));
}

bool url_same_audio(const char *a, const char *b) {
    struct arena *arena ARENA_OWNED = arena_open();
    return a && b && strcmp(url_audio_key(arena, a), url_audio_key(arena, b)) == 0;
}
