/* The client: redirects are followed here and not by libcurl, because each hop has its own gate, its own right to the
 * credentials and its own part in the question whether a feed moved for good. */
#include "base/http_client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/http_client_parts.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"

enum {
    IDLE_LANES = 16,
    LONGEST_BACKOFF_MS = 60000,
    SHOWN_URL_BYTES = 300,
};

static void global_open(void) {
    curl_global_init(CURL_GLOBAL_ALL);
}

struct http_client *http_client_open(const struct http_client_settings *settings, struct error *err) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, global_open);
    struct http_client *client = memory_alloc(sizeof(*client));
    if (settings)
        client->settings = *settings;
    struct http_client_settings *s = &client->settings;
    s->clock = s->clock ? s->clock : clock_system();
    s->random = s->random ? s->random : random_system();
    s->per_host = s->per_host ? s->per_host : 2;
    s->connect_ms = s->connect_ms > 0 ? s->connect_ms : 20000;
    s->stall_ms = s->stall_ms > 0 ? s->stall_ms : 60000;
    s->attempts = s->attempts ? s->attempts : 4;
    s->backoff_ms = s->backoff_ms > 0 ? s->backoff_ms : 1000;
    s->longest_wait_ms = s->longest_wait_ms > 0 ? s->longest_wait_ms : 120000;
    client->user_agent = memory_text(s->user_agent ? s->user_agent : "tidemill/" TIDEMILL_VERSION);
    client->proxy = memory_text(s->proxy);
    client->unix_socket = memory_text(s->unix_socket);
    pthread_mutex_init(&client->lock, NULL);
    client->gates = host_gates_open(s->clock, s->per_host, s->host_pause_ms);
    struct lane *first = lane_take(client);
    if (!first) {
        http_client_close(client);
        error_set(err, ERROR_INTERNAL, "libcurl could not be started");
        return NULL;
    }
    lane_give_back(client, first);
    return client;
}

static void lane_close(struct lane *lane) {
    if (lane->easy)
        curl_easy_cleanup(lane->easy);
    if (lane->multi)
        curl_multi_cleanup(lane->multi);
    free(lane);
}

void http_client_close(struct http_client *client) {
    if (!client)
        return;
    for (struct lane *lane = client->idle; lane;) {
        struct lane *next = lane->next;
        lane_close(lane);
        lane = next;
    }
    host_gates_close(client->gates);
    pthread_mutex_destroy(&client->lock);
    free(client->user_agent);
    free(client->proxy);
    free(client->unix_socket);
    free(client);
}

struct lane *lane_take(struct http_client *client) {
    pthread_mutex_lock(&client->lock);
    struct lane *lane = client->idle;
    if (lane) {
        client->idle = lane->next;
        client->idle_count--;
    }
    pthread_mutex_unlock(&client->lock);
    if (lane)
        return lane;
    lane = memory_alloc(sizeof(*lane));
    lane->easy = curl_easy_init();
    lane->multi = curl_multi_init();
    if (lane->easy && lane->multi)
        return lane;
    lane_close(lane);
    return NULL;
}

void lane_give_back(struct http_client *client, struct lane *lane) {
    pthread_mutex_lock(&client->lock);
    bool keep = client->idle_count < IDLE_LANES;
    if (keep) {
        lane->next = client->idle;
        client->idle = lane;
        client->idle_count++;
    }
    pthread_mutex_unlock(&client->lock);
    if (!keep)
        lane_close(lane);
}

const char *http_response_header(const struct http_response *response, const char *name) {
    for (size_t i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    }
    return NULL;
}

int64_t http_retry_after_ms(const char *value, int64_t now_ms) {
    int64_t seconds = 0;
    if (!value)
        return -1;
    if (text_to_int64(value, &seconds)) {
        if (seconds < 0)
            return -1;
        return seconds < INT64_MAX / 1000 ? seconds * 1000 : INT64_MAX;
    }
    /* libcurl reads the three forms of RFC 9110 section 5.6.7. */
    time_t at = curl_getdate(value, NULL);
    if (at < 0)
        return -1;
    int64_t ms = (int64_t)at * 1000 - now_ms;
    return ms > 0 ? ms : 0;
}

/* ---- statuses ---- */

static const char *status_words(int status) {
    static const struct {
        int status;
        const char *words;
    } known[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {416, "Range Not Satisfiable"},
        {425, "Too Early"},
        {429, "Too Many Requests"},
        {451, "Unavailable For Legal Reasons"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (known[i].status == status)
            return known[i].words;
    }
    return "";
}

static bool status_is_passing(int status) {
    return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 || status == 503 ||
           status == 504;
}

static bool status_error(const struct transfer *t, struct error *err) {
    struct http_response response;
    transfer_response(t, &response);
    const char *words = status_words(t->status);
    error_set(err, ERROR_HTTP, "the server answered %d%s%s", t->status, *words ? " " : "", words);
    if (t->status == 401 || t->status == 403)
        error_hint(err, "the address may need a user name and password, or have a newer token");
    if (t->status == 410)
        error_hint(err, "it was taken away for good");
    err->status = t->status;
    err->retryable = status_is_passing(t->status);
    int64_t pause =
        http_retry_after_ms(http_response_header(&response, "retry-after"), clock_wall_ms(t->client->settings.clock));
    if (err->retryable && pause > 0)
        err->retry_after_ms = pause;
    return false;
}

/* ---- URLs, through libcurl's parser, so that what is checked is what is connected to ---- */

static char *url_part(struct arena *arena, CURLU *url, CURLUPart part, unsigned flags) {
    char *value = NULL;
    if (curl_url_get(url, part, &value, flags) != CURLUE_OK)
        return NULL;
    char *copy = arena_text(arena, value);
    curl_free(value);
    return copy;
}

struct target {
    const char *url; /* without user information and fragment */
    const char *host;
    const char *origin; /* scheme, host and port */
    const char *user;   /* from the URL; NULL */
    const char *password;
};

/* Takes `reference` apart, relative to what `handle` holds, which becomes it. */
static bool target_set(struct arena *arena, CURLU *handle, const char *reference, struct target *target,
                       struct error *err) {
    while (*reference == ' ' || *reference == '\t' || *reference == '\n' || *reference == '\r')
        reference++;
    if (strlen(reference) > LIMIT_URL_BYTES)
        return error_set(err, ERROR_LIMIT, "the URL is longer than %zu bytes", LIMIT_URL_BYTES);
    char *trimmed = text_trim(arena_text(arena, reference));
    CURLUcode code =
        curl_url_set(handle, CURLUPART_URL, trimmed, CURLU_URLENCODE | CURLU_ALLOW_SPACE | CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK)
        return error_set(err, ERROR_INVALID, "this is no URL: %s", curl_url_strerror(code));
    const char *scheme = url_part(arena, handle, CURLUPART_SCHEME, 0);
    if (!text_equal_nocase(scheme, "http") && !text_equal_nocase(scheme, "https"))
        return error_set(err, ERROR_FORBIDDEN_ADDRESS,
                         "a URL of the kind \"%.20s:\" is not fetched, only http and https", scheme ? scheme : "");
    target->user = url_part(arena, handle, CURLUPART_USER, CURLU_URLDECODE);
    target->password = url_part(arena, handle, CURLUPART_PASSWORD, CURLU_URLDECODE);
    curl_url_set(handle, CURLUPART_USER, NULL, 0);
    curl_url_set(handle, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
    target->url = url_part(arena, handle, CURLUPART_URL, 0);
    target->host = url_part(arena, handle, CURLUPART_HOST, 0);
    if (!target->url || !target->host || !*target->host)
        return error_set(err, ERROR_INVALID, "the URL names no host");
    const char *port = url_part(arena, handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    target->origin = arena_format(arena, "%s://%s:%s", scheme, target->host, port ? port : "");
    return true;
}

/* ---- one attempt: a chain of hops ---- */

struct chain {
    struct transfer hop; /* the last */
    unsigned redirects;
    unsigned permanent;
    const char *permanent_url;
    bool only_permanent;
};

static bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* After RFC 9110 section 15.4: 303 asks for a GET; 301 and 302 do so for a POST, as every client has it. */
static void change_method(struct transfer *next, int status) {
    bool post = text_equal_nocase(next->method, "POST");
    bool head = text_equal_nocase(next->method, "HEAD");
    if ((status == 303 && !head) || ((status == 301 || status == 302) && post)) {
        next->method = "GET";
        next->send_body = false;
    }
}

static bool run_hop(struct transfer *t, struct error *err) {
    struct http_client *client = t->client;
    if (!host_gate_enter(client->gates, t->host, t->deadline_ms, t->request->cancel, err))
        return false;
    struct lane *lane = lane_take(client);
    bool ok = lane ? transfer_run(t, lane, err) : error_set(err, ERROR_INTERNAL, "libcurl could not be started");
    if (lane)
        lane_give_back(client, lane);
    host_gate_leave(client->gates, t->host);
    return ok;
}

/* Follows redirects until an answer that is none. The last hop's body is the caller's to close. */
static bool run_chain(struct chain *chain, struct transfer first, CURLU *handle, const char *url, struct error *err) {
    const struct http_request *request = first.request;
    struct target target = {0};
    if (!target_set(first.arena, handle, url, &target, err))
        return false;
    const char *origin = target.origin;
    *chain = (struct chain){.hop = first, .only_permanent = true};
    for (;;) {
        struct transfer *t = &chain->hop;
        t->url = target.url;
        t->host = target.host;
        t->same_origin = text_equal(origin, target.origin);
        bool own = t->same_origin && request->user;
        t->user = own ? request->user : target.user;
        t->password = own ? request->password : target.password;
        if (!run_hop(t, err))
            return false;
        if (!is_redirect(t->status) || request->no_redirects)
            return true;
        struct http_response answer;
        transfer_response(t, &answer);
        const char *location = http_response_header(&answer, "location");
        if (!location || !*location)
            return true;
        if (chain->redirects++ >= LIMIT_REDIRECTS)
            return error_set(err, ERROR_LIMIT, "redirected more than %d times", LIMIT_REDIRECTS);
        if (!target_set(t->arena, handle, location, &target, err))
            return error_context(err, "redirected");
        chain->only_permanent = chain->only_permanent && (t->status == 301 || t->status == 308);
        if (chain->only_permanent) {
            chain->permanent++;
            chain->permanent_url = target.url;
        }
        struct transfer next = first;
        next.method = t->method;
        next.send_body = t->send_body;
        change_method(&next, t->status);
        text_close(&t->body);
        *t = next;
    }
}

static void name_url(const struct http_request *request, const struct chain *chain, struct error *err) {
    char asked[SHOWN_URL_BYTES];
    char last[SHOWN_URL_BYTES];
    redact_url(request->url, asked, sizeof(asked));
    if (chain->redirects && chain->hop.url) {
        redact_url(chain->hop.url, last, sizeof(last));
        error_context(err, "%s (sent on to %s)", asked, last);
    } else {
        error_context(err, "%s", asked);
    }
}

/* ---- attempts ---- */

static int64_t backoff_ms(struct http_client *client, unsigned attempt) {
    int64_t full = client->settings.backoff_ms;
    for (unsigned i = 1; i < attempt && full < LONGEST_BACKOFF_MS; i++)
        full *= 2;
    if (full > LONGEST_BACKOFF_MS)
        full = LONGEST_BACKOFF_MS;
    pthread_mutex_lock(&client->lock);
    uint64_t jitter = random_below(client->settings.random, (uint64_t)(full - full / 2) + 1);
    pthread_mutex_unlock(&client->lock);
    return full / 2 + (int64_t)jitter;
}

/* Whether and how long to wait before another attempt; false: this was the last. */
static bool plan_retry(struct http_client *client, const struct http_request *request, const struct chain *chain,
                       unsigned attempt, int64_t deadline_ms, const struct error *why, int64_t *wait_ms) {
    const struct transfer *t = &chain->hop;
    if (!why->retryable || attempt >= client->settings.attempts || cancel_requested(request->cancel))
        return false;
    if (request->no_retries)
        return false;
    bool refused = why->status == 425 || why->status == 429 || why->status == 503;
    if (request->once && t->sent && !refused)
        return false;
    if (t->sink_begun && !request->sink->restart)
        return false;
    if (request->body && request->body->read && !request->body->rewind)
        return false;
    if (why->retry_after_ms > client->settings.longest_wait_ms)
        return false;
    int64_t wait = backoff_ms(client, attempt);
    if (why->retry_after_ms > 0) {
        wait = why->retry_after_ms > wait ? why->retry_after_ms : wait;
        host_gate_hold(client->gates, t->host, why->retry_after_ms);
    }
    if (deadline_ms && clock_monotonic_ms(client->settings.clock) + wait >= deadline_ms)
        return false;
    *wait_ms = wait;
    return true;
}

static void fill_response(const struct chain *chain, unsigned attempt, struct arena *arena,
                          struct http_response *response) {
    const struct transfer *t = &chain->hop;
    transfer_response(t, response);
    response->attempts = attempt;
    response->permanent_redirects = chain->permanent;
    response->permanent_url = chain->permanent_url;
    response->body = arena_text_part(arena, text_value(&t->body), t->body.length);
    response->body_length = t->body.length;
}

bool http_perform(struct http_client *client, struct arena *arena, const struct http_request *request,
                  struct http_response *response, struct error *err) {
    const struct clock *clock = client->settings.clock;
    int64_t deadline_ms = request->deadline_ms > 0 ? clock_monotonic_ms(clock) + request->deadline_ms : 0;
    struct transfer first = {
        .client = client,
        .arena = arena,
        .request = request,
        .method = request->method ? request->method : "GET",
        .send_body = request->body != NULL,
        .identity = request->no_compression,
        .deadline_ms = deadline_ms,
    };
    for (unsigned attempt = 1;; attempt++) {
        struct error why = {0};
        struct chain chain = {0};
        CURLU *handle = curl_url();
        bool ok = run_chain(&chain, first, handle, request->url, &why);
        curl_url_cleanup(handle);
        struct transfer *t = &chain.hop;
        if (request->sent)
            *request->sent = *request->sent || t->sent;
        bool good = ok && (t->status / 100 == 2 || t->status == 304);
        if (ok && !good)
            status_error(t, &why);
        if (!good && t->bad_encoding && !first.identity) {
            /* A header that lies about compression: the plain body is asked for once. */
            first.identity = true;
            why.retryable = true;
        }
        int64_t wait_ms = 0;
        bool again = !good && plan_retry(client, request, &chain, attempt, deadline_ms, &why, &wait_ms);
        bool done = good || (ok && request->any_status && !again);
        if (done)
            fill_response(&chain, attempt, arena, response);
        text_close(&t->body);
        if (done)
            return true;
        bool begun = t->sink_begun;
        if (!again) {
            name_url(request, &chain, &why);
            return error_copy(err, &why);
        }
        log_debug("http", "%s; again in %" PRId64 " ms", why.message, wait_ms);
        if (!clock_wait(clock, wait_ms, request->cancel))
            return error_set(err, ERROR_CANCELLED, "stopped");
        if (begun && !request->sink->restart(request->sink->to, err))
            return false;
    }
}
