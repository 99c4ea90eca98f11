/* The part file and the facts beside it are all the memory that a download has: each call, and each new attempt within
 * one, looks at what is on disk and asks for the rest. Nothing is resumed on hope: only where a strong ETag or a
 * Last-Modified says that the bytes at hand are of the same file, and the server's 206 says the same. */
#include "web/download.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "web/url.h"

enum {
    WORTH_ANOTHER_ROUND = 1 << 20, /* bytes won by a round of attempts that then broke off */
    SHOWN_URL_BYTES = 300,
    RANGE_SIZE = 48,
};

struct work {
    struct arena *arena;
    const struct download_request *request;
    const char *state_path;
    char url_hash[HASH_TEXT_SIZE];
    int fd;
    uint64_t at;     /* bytes in the part file */
    uint64_t total;  /* of the whole file; 0: unknown */
    bool resumable;  /* the facts beside the file are written */
    bool start_over; /* the bytes at hand are of another file */
    bool refused;    /* this is nothing to be resumed */
    bool sniffed;
    unsigned char head[SNIFF_BYTES];
    size_t head_length;
    enum sniff_kind kind;
    const char *etag;
    const char *last_modified;
    const char *content_type;
    char range[RANGE_SIZE];
    struct http_header headers[3]; /* Accept, Range, If-Range */
};

static bool is_strong(const char *etag) {
    return etag && etag[0] == '"' && strlen(etag) > 2;
}

/* ---- the facts beside the part file ---- */

static const char *copy_or_null(struct arena *arena, const json_t *state, const char *key) {
    return arena_text(arena, json_get_text(state, key, NULL));
}

static void state_read(struct work *w) {
    JSON_OWNED json_t *state = json_read(w->state_path, LIMIT_CONFIG_BYTES, NULL);
    if (!state || !text_equal(json_get_text(state, "url", NULL), w->url_hash))
        return;
    int64_t total = json_get_int(state, "total", 0);
    w->etag = copy_or_null(w->arena, state, "etag");
    w->last_modified = copy_or_null(w->arena, state, "last_modified");
    w->content_type = copy_or_null(w->arena, state, "content_type");
    w->total = total > 0 ? (uint64_t)total : 0;
    w->resumable = is_strong(w->etag) || w->last_modified;
}

static bool state_write(struct work *w, struct error *err) {
    JSON_OWNED json_t *state =
        json_pack("{s:s, s:s?, s:s?, s:s?, s:I}", "url", w->url_hash, "etag", w->etag, "last_modified",
                  w->last_modified, "content_type", w->content_type, "total", (json_int_t)w->total);
    return json_write(w->state_path, state, 2, err);
}

bool download_forget(const char *part_path, struct error *err) {
    struct arena *arena ARENA_OWNED = arena_open();
    return file_remove(part_path, err) && file_remove(arena_format(arena, "%s.json", part_path), err);
}

/* ---- the part file ---- */

static bool empty_part(struct work *w, struct error *err) {
    if (ftruncate(w->fd, 0) != 0)
        return error_set_os(err, errno, "%s", w->request->part_path);
    w->at = 0;
    w->total = 0;
    w->head_length = 0;
    w->sniffed = false;
    if (!file_remove(w->state_path, err)) /* it may be another URL's */
        return false;
    w->resumable = false;
    w->etag = w->last_modified = NULL;
    return true;
}

/* Opens what is there, or an empty file. */
static bool open_part(struct work *w, struct error *err) {
    const char *path = w->request->part_path;
    w->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    struct stat facts;
    if (w->fd < 0 || fstat(w->fd, &facts) != 0)
        return error_set_os(err, errno, "%s", path);
    state_read(w);
    w->at = (uint64_t)facts.st_size;
    bool fits = w->resumable && w->at > 0 && (!w->total || w->at <= w->total);
    if (!fits)
        return empty_part(w, err);
    ssize_t got = pread(w->fd, w->head, sizeof(w->head), 0);
    w->head_length = got > 0 ? (size_t)got : 0;
    return true;
}

static bool write_all(struct work *w, const unsigned char *data, size_t length, struct error *err) {
    while (length) {
        ssize_t put = pwrite(w->fd, data, length, (off_t)w->at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_set_os(err, errno, "%s", w->request->part_path);
        data += put;
        length -= (size_t)put;
        w->at += (uint64_t)put;
    }
    return true;
}

/* Whether this can be audio at all, by its first bytes. */
static bool judge(struct work *w, struct error *err) {
    w->sniffed = true;
    w->kind = sniff_bytes(w->head, w->head_length);
    bool unclear = w->kind == SNIFF_UNKNOWN; /* binary, without a mark: FFmpeg will tell */
    if (w->request->any_kind || unclear || sniff_is_media(w->kind))
        return true;
    w->refused = true;
    error_set(err, ERROR_INVALID, "this is %s, not audio", sniff_name(w->kind));
    if (w->kind == SNIFF_HTML)
        error_hint(err, "the server may want a sign-in, or the episode was taken away");
    return false;
}

/* ---- the transfer ---- */

static void ask_for_rest(struct work *w) {
    bool rest = w->at > 0 && w->resumable;
    snprintf(w->range, sizeof(w->range), "bytes=%" PRIu64 "-", w->at);
    w->headers[1].value = rest ? w->range : NULL;
    w->headers[2].value = !rest ? NULL : is_strong(w->etag) ? w->etag : w->last_modified;
}

/* "bytes 5-9/10" (RFC 9110 section 14.4); *total 0 for "*". */
static bool read_content_range(const char *value, uint64_t *first, uint64_t *last, uint64_t *total) {
    char unit[8];
    char whole[24];
    char start[24];
    char end[24];
    if (!value || sscanf(value, " %7s %23[0-9]-%23[0-9]/%23[0-9*]", unit, start, end, whole) != 4)
        return false;
    *total = 0;
    return text_equal_nocase(unit, "bytes") && text_to_uint64(start, first) && text_to_uint64(end, last) &&
           *first <= *last && (strcmp(whole, "*") == 0 || text_to_uint64(whole, total));
}

static bool start_over(struct work *w, struct error *err, const char *why) {
    w->start_over = true;
    return error_set(err, ERROR_CHANGED, "%s", why);
}

/* A 206 goes on where the part file ends, of the same file; anything else is not believed. */
static bool begin_rest(struct work *w, const struct http_response *response, struct error *err) {
    uint64_t first = 0;
    uint64_t last = 0;
    uint64_t total = 0;
    const char *etag = http_response_header(response, "etag");
    if (!read_content_range(http_response_header(response, "content-range"), &first, &last, &total) || first != w->at)
        return start_over(w, err, "the server sent another part than asked for");
    if ((total && w->total && total != w->total) || (etag && w->etag && strcmp(etag, w->etag) != 0))
        return start_over(w, err, "the file changed while it was being fetched");
    if (total)
        w->total = total;
    return true;
}

static bool begin_whole(struct work *w, const struct http_response *response, struct error *err) {
    if (!empty_part(w, err))
        return false;
    const char *length = http_response_header(response, "content-length");
    const char *type = http_response_header(response, "content-type");
    uint64_t total = 0;
    bool plain = !http_response_header(response, "content-encoding");
    if (plain && length && text_to_uint64(length, &total))
        w->total = total;
    w->etag = http_response_header(response, "etag");
    w->last_modified = http_response_header(response, "last-modified");
    w->content_type = NULL;
    if (type) {
        char *lower = arena_text_part(w->arena, type, strcspn(type, "; \t"));
        for (char *c = lower; *c; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 'a' - 'A') : *c;
        w->content_type = *lower ? lower : NULL;
    }
    if (is_strong(w->etag) || w->last_modified) {
        if (!state_write(w, err))
            return false;
        w->resumable = true;
    }
    return true;
}

static bool take_begin(void *to, const struct http_response *response, struct error *err) {
    struct work *w = to;
    return response->status == 206 && w->at > 0 ? begin_rest(w, response, err) : begin_whole(w, response, err);
}

static bool take_piece(void *to, const void *data, size_t length, struct error *err) {
    struct work *w = to;
    if (w->head_length < sizeof(w->head)) {
        size_t room = sizeof(w->head) - w->head_length;
        size_t part = length < room ? length : room;
        memcpy(w->head + w->head_length, data, part);
        w->head_length += part;
    }
    if (!w->sniffed && w->head_length == sizeof(w->head) && !judge(w, err))
        return false;
    uint64_t largest = w->request->largest ? w->request->largest : LIMIT_AUDIO_BYTES;
    if (w->at + length > largest) {
        w->refused = true;
        return error_set(err, ERROR_LIMIT, "the file is larger than %" PRIu64 " bytes", largest);
    }
    if (!write_all(w, data, length, err))
        return false;
    if (w->request->progress)
        w->request->progress(w->request->progress_to, w->at, w->total);
    return true;
}

static bool take_restart(void *to, struct error *err) {
    struct work *w = to;
    if (!w->resumable && !empty_part(w, err))
        return false;
    ask_for_rest(w);
    return true;
}

static bool transfer(struct http_client *client, struct work *w, struct http_response *response, struct error *err) {
    const struct http_sink sink = {take_begin, take_piece, take_restart, w};
    uint64_t largest = w->request->largest ? w->request->largest : LIMIT_AUDIO_BYTES;
    const struct http_request asked = {
        .url = w->request->url,
        .headers = w->headers,
        .header_count = ARRAY_LENGTH(w->headers),
        .user = w->request->user,
        .password = w->request->password,
        .largest_body = largest,
        .no_compression = true,
        .sink = &sink,
        .cancel = w->request->cancel,
    };
    ask_for_rest(w);
    return http_perform(client, w->arena, &asked, response, err);
}

/* Rounds of attempts: another one whenever the last won something, one from the start when the bytes at hand turned out
 * to be of another file. */
static bool run(struct http_client *client, struct work *w, struct http_response *response, struct error *err) {
    bool started_over = false;
    unsigned attempts = 0;
    if (w->total && w->at == w->total)
        return true; /* killed after the last byte */
    for (;;) {
        struct error why = {0};
        uint64_t before = w->at;
        if (transfer(client, w, response, &why)) {
            response->attempts += attempts;
            return true;
        }
        attempts++;
        bool beyond = why.code == ERROR_HTTP && why.status == 416 && w->headers[1].value; /* the rest was asked for */
        if ((w->start_over || beyond) && !started_over) {
            started_over = true;
            w->start_over = false;
            if (!empty_part(w, err))
                return false;
            continue;
        }
        if (beyond) {
            w->refused = true;
            error_set(err, ERROR_NETWORK, "the server announced %" PRIu64 " bytes and has %" PRIu64, w->total, w->at);
            if (err)
                err->retryable = true;
            return false;
        }
        bool won = w->resumable && w->at >= before + WORTH_ANOTHER_ROUND;
        if (!why.retryable || !won || cancel_requested(w->request->cancel))
            return error_copy(err, &why);
    }
}

static bool check_whole(struct work *w, struct error *err) {
    uint64_t least = w->request->least ? w->request->least : 1;
    if (w->at == 0) {
        w->refused = true;
        return error_set(err, ERROR_INVALID, "the file is 0 bytes (the server sent no body)");
    }
    if (!w->sniffed && !judge(w, err))
        return false;
    if (w->total && w->at != w->total) {
        w->refused = w->at > w->total;
        error_set(err, ERROR_NETWORK, "%" PRIu64 " bytes came of %" PRIu64, w->at, w->total);
        if (err)
            err->retryable = true;
        return false;
    }
    if (w->at < least) {
        w->refused = true;
        return error_set(err, ERROR_INVALID, "the file is only %" PRIu64 " bytes; the feed says %" PRId64, w->at,
                         w->request->expected_length);
    }
    return true;
}

static bool settle(struct work *w, struct download_result *result, struct error *err) {
    if (fsync(w->fd) != 0)
        return error_set_os(err, errno, "%s", w->request->part_path);
    return hash_file(HASH_SHA256, w->request->part_path, result->sha256, err) &&
           (!w->resumable || file_remove(w->state_path, err));
}

static bool fetch(struct http_client *client, struct work *w, struct download_result *result, struct error *err) {
    if (!open_part(w, err))
        return false;
    struct download_result made = {.resumed_from = w->at};
    struct http_response response = {.url = w->request->url};
    if (!run(client, w, &response, err))
        return false;
    if (!check_whole(w, err) || !settle(w, &made, err)) {
        char shown[SHOWN_URL_BYTES];
        return error_context(err, "%s", redact_url(w->request->url, shown, sizeof(shown)));
    }
    made.bytes = w->at;
    made.etag = w->etag;
    made.last_modified = w->last_modified;
    made.content_type = w->content_type;
    made.final_url = arena_text(w->arena, response.url);
    made.kind = w->kind;
    made.extension = audio_extension(w->content_type, w->kind, made.final_url);
    made.attempts = response.attempts;
    *result = made;
    return true;
}

bool download_file(struct http_client *client, struct arena *arena, const struct download_request *request,
                   struct download_result *result, struct error *err) {
    struct work *w = arena_alloc(arena, sizeof(*w));
    w->arena = arena;
    w->request = request;
    w->fd = -1;
    w->state_path = arena_format(arena, "%s.json", request->part_path);
    w->headers[0] = (struct http_header){"Accept", "audio/*, video/*;q=0.9, */*;q=0.8"};
    w->headers[1].name = "Range";
    w->headers[2].name = "If-Range";
    /* Not the URL itself: it may carry a token, and this file stays on disk. */
    hash_text(HASH_SHA256, request->url, strlen(request->url), w->url_hash);
    url_redact_secrets(request->url);
    struct error why = {0};
    bool ok = fetch(client, w, result, &why);
    if (w->fd >= 0)
        close(w->fd);
    /* On a full disk the room is worth more than the bytes. */
    bool useless = w->refused || !w->resumable || w->at == 0 || why.code == ERROR_FULL;
    if (!ok && useless)
        download_forget(request->part_path, NULL);
    return ok || error_copy(err, &why);
}
