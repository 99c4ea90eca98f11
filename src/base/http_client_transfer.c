/* One hop over libcurl. A multi handle drives the one easy handle, so that this thread looks at cancel flag, deadline
 * and stall ten times a second whatever libcurl is waiting for. Callbacks never print or retry: they note why they
 * ended the transfer, and transfer_fail turns that or libcurl's code into words. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/http_client_parts.h"
#include "base/limits.h"
#include "base/memory.h"

enum {
    LOOK_MS = 100,
    STALL_BYTES = 256, /* fewer in stall_ms count as none, or a byte a minute would hold a connection for ever */
};

/* ---- callbacks ---- */

static bool fail(struct transfer *t, const struct error *why) {
    if (!t->failed) {
        t->failed = true;
        error_copy(&t->failure, why);
    }
    return false;
}

/* libcurl asks before each connection, so what is checked is the address itself and not what a name resolved to a
 * moment before. */
static curl_socket_t open_socket(void *to, curlsocktype purpose, struct curl_sockaddr *address) {
    struct transfer *t = to;
    if (!t->client->settings.allow_private && !t->client->proxy && !t->client->unix_socket &&
        (purpose != CURLSOCKTYPE_IPCXN || !address_is_public(&address->addr))) {
        address_text(&address->addr, t->refused);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool add_header(struct transfer *t, const char *line, size_t length, struct error *err) {
    const char *colon = memchr(line, ':', length);
    if (!colon || colon == line || *line == ' ' || *line == '\t')
        return true; /* folded or not a header: of no use to anybody */
    if (t->header_count >= LIMIT_HTTP_HEADERS)
        return error_set(err, ERROR_LIMIT, "the answer has more than %d headers", LIMIT_HTTP_HEADERS);
    char *name = arena_text_part(t->arena, line, (size_t)(colon - line));
    for (char *c = name; *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 'a' - 'A');
    }
    size_t rest = length - (size_t)(colon + 1 - line);
    char *repaired = utf8_repair(colon + 1, rest);
    char *value = arena_text(t->arena, text_trim(repaired));
    free(repaired);
    t->headers = arena_grow(t->arena, t->headers, t->header_count, &t->header_capacity, sizeof(*t->headers));
    t->headers[t->header_count++] = (struct http_header){text_trim(name), value};
    return true;
}

static size_t take_header(char *data, size_t size, size_t count, void *to) {
    struct transfer *t = to;
    size_t length = size * count;
    struct error err = {0};
    t->sent = true;
    t->header_bytes += length;
    bool ok = true;
    if (t->header_bytes > LIMIT_HEADER_BYTES) {
        ok = error_set(&err, ERROR_LIMIT, "the answer's headers are larger than %zu bytes", LIMIT_HEADER_BYTES);
    } else if (length > 5 && memcmp(data, "HTTP/", 5) == 0) {
        /* A new answer: the one before was a 1xx. */
        t->header_count = 0;
        long status = 0;
        const char *blank = memchr(data, ' ', length);
        if (blank)
            status = strtol(blank, NULL, 10);
        t->status = (int)status;
    } else {
        ok = add_header(t, data, length, &err);
    }
    if (!ok)
        fail(t, &err);
    return ok ? length : 0;
}

void transfer_response(const struct transfer *t, struct http_response *response) {
    *response = (struct http_response){
        .status = t->status, .url = t->url, .headers = t->headers, .header_count = t->header_count};
}

static bool for_sink(const struct transfer *t) {
    return t->request->sink && t->status >= 200 && t->status < 300;
}

static uint64_t largest_body(const struct transfer *t) {
    return t->request->largest_body ? t->request->largest_body : LIMIT_HTTP_BODY_BYTES;
}

static bool too_large(const struct transfer *t, struct error *err) {
    return error_set(err, ERROR_LIMIT, "the body is larger than %" PRIu64 " bytes", largest_body(t));
}

static bool begin_sink(struct transfer *t, struct error *err) {
    if (t->sink_begun)
        return true;
    t->sink_begun = true;
    struct http_response response;
    transfer_response(t, &response);
    const char *length = http_response_header(&response, "content-length");
    uint64_t announced = 0;
    if (length && text_to_uint64(length, &announced) && announced > largest_body(t) &&
        !text_equal_nocase(t->method, "HEAD"))
        return error_set(err, ERROR_LIMIT, "the body is %" PRIu64 " bytes; at most %" PRIu64, announced,
                         largest_body(t));
    const struct http_sink *sink = t->request->sink;
    return !sink->begin || sink->begin(sink->to, &response, err);
}

static bool take_piece(struct transfer *t, const char *data, size_t length, struct error *err) {
    t->received += length;
    if (for_sink(t)) {
        if (!begin_sink(t, err))
            return false;
        if (t->received > largest_body(t))
            return too_large(t, err);
        const struct http_sink *sink = t->request->sink;
        return sink->piece(sink->to, data, length, err);
    }
    if (t->status >= 200 && t->status < 300)
        return text_append_part(&t->body, data, length) || too_large(t, err);
    size_t room = LIMIT_HTTP_ERROR_BODY_BYTES - t->body.length;
    text_append_part(&t->body, data, length < room ? length : room);
    t->body_enough = length > room;
    return !t->body_enough;
}

static size_t take_body(char *data, size_t size, size_t count, void *to) {
    struct transfer *t = to;
    struct error err = {0};
    bandwidth_take(t->client->settings.bandwidth, size * count, t->request->cancel);
    if (take_piece(t, data, size * count, &err))
        return size * count;
    if (!t->body_enough)
        fail(t, &err);
    return 0;
}

struct body_reader {
    struct transfer *transfer;
    size_t sent;
};

static size_t give_body(char *into, size_t size, size_t count, void *from) {
    struct body_reader *reader = from;
    const struct http_body *body = reader->transfer->request->body;
    size_t left = body->length - reader->sent;
    size_t want = size * count < left ? size * count : left;
    if (!want)
        return 0;
    bandwidth_take(reader->transfer->client->settings.bandwidth, want, reader->transfer->request->cancel);
    if (!body->read) {
        memcpy(into, (const char *)body->data + reader->sent, want);
        reader->sent += want;
        return want;
    }
    int64_t got = body->read(body->from, into, want);
    if (got < 0) {
        struct error err;
        error_set(&err, ERROR_IO, "the body to be sent could not be read");
        fail(reader->transfer, &err);
        return CURL_READFUNC_ABORT;
    }
    reader->sent += (size_t)got;
    return (size_t)got;
}

/* libcurl goes back to the start when a connection that it had kept turns out dead. */
static int rewind_body(void *from, curl_off_t offset, int origin) {
    struct body_reader *reader = from;
    const struct http_body *body = reader->transfer->request->body;
    if (offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    if (body->read && (!body->rewind || !body->rewind(body->from)))
        return CURL_SEEKFUNC_FAIL;
    reader->sent = 0;
    return CURL_SEEKFUNC_OK;
}

/* ---- the request ---- */

/* Headers that say who is asking stay with the server they were meant for. */
static bool is_credential(const char *name) {
    return text_equal_nocase(name, "cookie") || text_contains_nocase(name, "auth") ||
           text_contains_nocase(name, "token") || text_contains_nocase(name, "key") ||
           text_contains_nocase(name, "secret");
}

static bool header_is_clean(const struct http_header *header) {
    return *header->name && !strpbrk(header->name, "\r\n: \t") && !strpbrk(header->value, "\r\n");
}

static bool make_headers(const struct transfer *t, struct curl_slist **list, struct error *err) {
    for (size_t i = 0; i < t->request->header_count; i++) {
        const struct http_header *header = &t->request->headers[i];
        if (!header->value)
            continue;
        if (!header_is_clean(header))
            return error_set(err, ERROR_INVALID, "a request header has a line end or a blank name");
        if (!t->same_origin && is_credential(header->name))
            continue;
        /* libcurl's way to send a header without a value is a semicolon. */

        struct text line;
        text_open(&line, LIMIT_HEADER_BYTES);
        text_append_format(&line, *header->value ? "%s: %s" : "%s;", header->name, header->value);

        *list = curl_slist_append(*list, text_value(&line));
        text_close(&line);
    }
    /* Without this libcurl waits a second for "100 Continue" before each large body. */
    if (t->send_body)
        *list = curl_slist_append(*list, "Expect:");
    return true;
}

static void set_method(const struct transfer *t, CURL *easy, struct body_reader *reader) {
    bool head = text_equal_nocase(t->method, "HEAD");
    if (t->send_body) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->request->body->length);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(easy, CURLOPT_READDATA, reader);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, rewind_body);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, reader);
    } else if (head) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (text_equal_nocase(t->method, "POST") || text_equal_nocase(t->method, "PUT")) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
    }
    if (!head)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, t->method);
}

static void set_options(struct transfer *t, CURL *easy) {
    const struct http_client_settings *settings = &t->client->settings;
    curl_easy_setopt(easy, CURLOPT_URL, t->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, t->client->user_agent);
    curl_easy_setopt(easy, CURLOPT_PROXY, t->client->proxy ? t->client->proxy : "");
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, t->client->unix_socket);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->connect_ms);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 128L * 1024);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->detail);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    if (!t->identity)
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    if (t->user) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(easy, CURLOPT_USERNAME, t->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, t->password ? t->password : "");
    }
}

/* ---- running it ---- */

static uint64_t bytes_moved(const struct transfer *t, CURL *easy) {
    curl_off_t down = 0;
    curl_off_t up = 0;
    curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
    return (uint64_t)down + (uint64_t)up + t->header_bytes;
}

/* Runs to the end; false with `failure` noted when it was broken off from this side. */
static bool drive(struct transfer *t, struct lane *lane, CURLcode *code) {
    const struct clock *clock = t->client->settings.clock;
    int64_t since_ms = clock_monotonic_ms(clock);
    uint64_t moved = 0;
    struct error err = {0};
    for (;;) {
        int running = 0;
        CURLMcode step = curl_multi_perform(lane->multi, &running);
        if (step != CURLM_OK) {
            error_set(&err, ERROR_INTERNAL, "libcurl: %s", curl_multi_strerror(step));
            return fail(t, &err);
        }
        if (!running)
            break;
        if (cancel_requested(t->request->cancel)) {
            error_set(&err, ERROR_CANCELLED, "stopped");
            return fail(t, &err);
        }
        int64_t now = clock_monotonic_ms(clock);
        uint64_t so_far = bytes_moved(t, lane->easy);
        if (so_far - moved >= STALL_BYTES) {
            moved = so_far;
            since_ms = now;
        } else if (now - since_ms >= t->client->settings.stall_ms) {
            error_set(&err, ERROR_TIMEOUT, "nothing came from %s for %" PRId64 " s", t->host,
                      (t->client->settings.stall_ms + 999) / 1000);
            err.retryable = true;
            return fail(t, &err);
        }
        if (t->deadline_ms && now >= t->deadline_ms) {
            error_set(&err, ERROR_TIMEOUT, "not done within the time given");
            return fail(t, &err);
        }
        curl_multi_poll(lane->multi, NULL, 0, LOOK_MS, NULL);
    }
    int left = 0;
    const CURLMsg *message = curl_multi_info_read(lane->multi, &left);
    *code = message ? message->data.result : CURLE_FAILED_INIT;
    return true;
}

static bool network_error(const struct transfer *t, CURLcode code, struct error *err) {
    const char *why = *t->detail ? t->detail : curl_easy_strerror(code);
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        error_set(err, ERROR_NETWORK, "the host %s was not found", t->host);
        break;
    case CURLE_COULDNT_CONNECT:
        error_set(err, ERROR_NETWORK, "no connection to %s: %s", t->host, why);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        error_set(err, ERROR_TIMEOUT, "no connection to %s within %" PRId64 " s", t->host,
                  (t->client->settings.connect_ms + 999) / 1000);
        break;
    case CURLE_PARTIAL_FILE:
        error_set(err, ERROR_NETWORK, "the body ended early, after %" PRIu64 " bytes: %s", t->received, why);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return error_set(err, ERROR_NETWORK, "the certificate of %s is not trusted: %s", t->host, why);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return error_set(err, ERROR_INVALID, "%s does not answer in HTTP", t->host);
    case CURLE_URL_MALFORMAT:
        return error_set(err, ERROR_INVALID, "this is no URL: %s", why);
    default:
        error_set(err, ERROR_NETWORK, "the connection to %s broke off: %s", t->host, why);
    }
    if (err)
        err->retryable = true;
    return false;
}

static bool transfer_fail(struct transfer *t, CURLcode code, struct error *err) {
    if (t->failed)
        return error_copy(err, &t->failure);
    if (*t->refused) {
        error_set(err, ERROR_FORBIDDEN_ADDRESS, "%s is at %s, which is not an address of the public internet", t->host,
                  t->refused);
        return error_hint(err, "if it is meant, allow private addresses");
    }
    if (code == CURLE_BAD_CONTENT_ENCODING) {
        t->bad_encoding = true;
        return error_set(err, ERROR_INVALID, "the body is not compressed in the way its header says");
    }
    return network_error(t, code, err);
}

bool transfer_run(struct transfer *t, struct lane *lane, struct error *err) {
    struct curl_slist *headers = NULL;
    struct body_reader reader = {.transfer = t};
    text_open(&t->body, largest_body(t));
    if (!make_headers(t, &headers, err)) {
        curl_slist_free_all(headers);
        return false;
    }
    if (t->send_body && t->request->body->rewind && !t->request->body->rewind(t->request->body->from)) {
        curl_slist_free_all(headers);
        return error_set(err, ERROR_IO, "the body to be sent could not be read again");
    }
    set_options(t, lane->easy);
    set_method(t, lane->easy, &reader);
    curl_easy_setopt(lane->easy, CURLOPT_HTTPHEADER, headers);

    CURLcode code = CURLE_OK;
    curl_multi_add_handle(lane->multi, lane->easy);
    bool ok = drive(t, lane, &code);
    curl_off_t connected_us = 0;
    curl_easy_getinfo(lane->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
    t->sent = t->sent || connected_us > 0;
    curl_multi_remove_handle(lane->multi, lane->easy);
    curl_easy_reset(lane->easy);
    curl_slist_free_all(headers);

    if (ok && code == CURLE_WRITE_ERROR && t->body_enough)
        code = CURLE_OK;
    if (!ok || code != CURLE_OK)
        return transfer_fail(t, code, err);
    struct error refusal = {0};
    if (for_sink(t) && !begin_sink(t, &refusal))
        return error_copy(err, &refusal);
    return true;
}
