#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "web/download.h"
#include "web/url.h"

struct look {
    struct arena *arena;
    struct download_probe probe;
    bool seen;
};

static void take_headers(struct look *look, const struct http_response *response) {
    struct download_probe *probe = &look->probe;
    const char *length = http_response_header(response, "content-length");
    const char *range = http_response_header(response, "content-range");
    uint64_t bytes = 0;
    if (response->status == 206) {
        const char *total = range ? strrchr(range, '/') : NULL;
        length = total ? total + 1 : NULL;
    }
    if (http_response_header(response, "content-encoding"))
        length = NULL;
    probe->etag = http_response_header(response, "etag");
    probe->last_modified = http_response_header(response, "last-modified");
    probe->content_type = http_response_header(response, "content-type");
    probe->final_url = response->url;
    probe->length = length && text_to_uint64(length, &bytes) && bytes < INT64_MAX ? (int64_t)bytes : -1;
    look->seen = true;
}

/* The headers are all that is wanted: the body of a server that ignores the range is not fetched. */
static bool stop_at_body(void *to, const struct http_response *response, struct error *err) {
    take_headers(to, response);
    return error_set(err, ERROR_CANCELLED, "the headers were enough");
}

static bool no_piece(void *to, const void *data, size_t length, struct error *err) {
    (void)to;
    (void)data;
    (void)length;
    (void)err;
    return true;
}

bool download_probe(struct http_client *client, struct arena *arena, const char *url, const char *user,
                    const char *password, const struct cancel *cancel, struct download_probe *probe,
                    struct error *err) {
    struct look look = {.arena = arena};
    struct http_response response;
    struct error why = {0};
    struct http_request request = {
        .method = "HEAD", .url = url, .user = user, .password = password, .no_compression = true, .cancel = cancel};
    url_redact_secrets(url);
    bool answered = http_perform(client, arena, &request, &response, &why);
    if (answered)
        take_headers(&look, &response);
    bool tells = answered && (look.probe.etag || look.probe.last_modified || look.probe.length > 0);
    bool refused = !answered && why.code == ERROR_HTTP && why.status >= 400 && why.status != 429 && why.status != 401 &&
                   why.status != 410;
    if (!tells && !answered && !refused)
        return error_copy(err, &why);
    if (!tells) {
        const struct http_header range = {"Range", "bytes=0-0"};
        const struct http_sink sink = {stop_at_body, no_piece, NULL, &look};
        request.method = "GET";
        request.headers = &range;
        request.header_count = 1;
        request.sink = &sink;
        look.seen = false;
        error_clear(&why);
        if (!http_perform(client, arena, &request, &response, &why) && !look.seen)
            return error_copy(err, &why);
    }
    *probe = look.probe;
    return true;
}

static bool is_strong(const char *etag) {
    return etag && *etag == '"';
}

bool download_changed(const char *etag, const char *last_modified, int64_t length, const struct download_probe *now) {
    if (is_strong(etag) && is_strong(now->etag))
        return strcmp(etag, now->etag) != 0;
    if (length >= 0 && now->length >= 0 && length != now->length)
        return true;
    bool newer = last_modified && now->last_modified && strcmp(last_modified, now->last_modified) != 0;
    bool tagged = etag && now->etag && strcmp(etag, now->etag) == 0;
    return newer && !tagged;
}
