/* Answers that come later: from other threads, before and after the handler has returned, to clients that went away,
 * while the server stops and after it has gone. */
#include "support/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "http/defer.h"
#include "http/reply.h"
#include "http/server.h"
#include "support/test_clock.h"

enum { CLIENTS = 100, RACES = 400 };

static struct test_clock test_time;
static struct server *server;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct server_deferral *held[CLIENTS]; /* what was deferred and waits for the test */
static size_t held_count;
static atomic_size_t filled, released;

static void fill(void *to, const struct server_request *request, struct server_response *response) {
    TEXT_OWNED char *word = to;
    if (!request) {
        released++;
        return;
    }
    filled++;
    char *copy = arena_format(request->arena, "%s|%s", word, request->body ? request->body : "-");
    reply_text(request, response, "text/plain", copy, strlen(copy), NULL);
}

static void ended(void *to, const struct server_request *request, struct server_response *response) {
    assert_null(to);
    reply_text(request, response, "text/plain", "ended", 5, NULL);
    response->status = 503;
}

/* Kept until the test answers. */
static void keep(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    response_header(response, "X-Kept", "yes");
    struct server_deferral *deferral = server_defer(request, SERVER_DEFER_LONG, ended);
    if (!deferral) {
        reply_text(request, response, "text/plain", "full", 4, NULL);
        response->status = 429;
        return;
    }
    pthread_mutex_lock(&lock);
    held[held_count++] = deferral;
    pthread_mutex_unlock(&lock);
}

/* Answered before the handler returns. */
static void at_once(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    (void)response;
    server_deferral_answer(server_defer(request, SERVER_DEFER_SHORT, NULL), fill, memory_text("at once"));
}

static void *answer_one(void *deferral) {
    server_deferral_answer(deferral, fill, memory_text("raced"));
    return NULL;
}

/* Answered by a thread that races with the handler's return. */
static void race(void *to, const struct server_request *request, struct server_response *response) {
    pthread_t thread;
    (void)to;
    (void)response;
    assert_int_equal(pthread_create(&thread, NULL, answer_one, server_defer(request, SERVER_DEFER_SHORT, NULL)), 0);
    pthread_detach(thread);
}

static void say(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    reply_text(request, response, "text/plain", "said", 4, NULL);
}

static const struct server_route routes[] = {
    {"POST", "/keep", "keep", ROUTE_BODY, keep},
    {"POST", "/once", "once", ROUTE_BODY, at_once},
    {"POST", "/race", "race", ROUTE_BODY, race},
    {"GET", "/say", "say", 0, say},
};

static void start(unsigned connections) {
    struct error err = {0};
    test_clock_open(&test_time, INT64_C(1700000000000));
    struct server_options options = {.listen = "127.0.0.1:0",
                                     .routes = routes,
                                     .route_count = ARRAY_LENGTH(routes),
                                     .clock = &test_time.clock,
                                     .threads = 2,
                                     .connections = connections};
    held_count = 0;
    filled = released = 0;
    server = server_open(&options, &err);
    if (!server)
        fail_msg("%s", err.message);
}

static int connect_to(void) {
    struct sockaddr_in where = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtol(strrchr(server_address(server), ':') + 1, NULL, 10)),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int link = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(link, (const struct sockaddr *)&where, sizeof(where)), 0);
    return link;
}

static int ask(const char *path, const char *body) {
    struct text request TEXT_SCOPED;
    int link = connect_to();
    text_open(&request, 4096);
    text_append_format(&request, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s", path, strlen(body),
                       body);
    assert_int_equal(send(link, request.data, request.length, MSG_NOSIGNAL), (ssize_t)request.length);
    return link;
}

/* Reads one answer with a body of known length; the caller frees it. */
static char *hear(int link) {
    struct text got;
    char part[2048];
    text_open(&got, 1 << 20);
    for (;;) {
        const char *head_end = strstr(text_value(&got), "\r\n\r\n");
        const char *length = strstr(text_value(&got), "Content-Length: ");
        if (head_end && length &&
            got.length >= (size_t)(head_end + 4 - got.data) + (size_t)strtol(length + 16, NULL, 10))
            return text_take(&got);
        ssize_t size = recv(link, part, sizeof(part), 0);
        if (size <= 0)
            return text_take(&got);
        text_append_part(&got, part, (size_t)size);
    }
}

static void expect(int link, const char *status, const char *body) {
    char *answer = hear(link);
    if (!strstr(answer, status) || !text_ends(answer, body))
        fail_msg("wanted \"%s\" and \"%s\", got: %s", status, body, answer);
    free(answer);
}

static void until_waiting(size_t count) {
    while (server_waiting(server) != count)
        sched_yield();
}

static void a_hundred_that_wait_block_nobody(void **state) {
    (void)state;
    int links[CLIENTS];
    start(2 * CLIENTS + 20);
    for (int i = 0; i < CLIENTS; i++)
        links[i] = ask("/keep", "b");
    until_waiting(CLIENTS);
    for (int i = 0; i < 10; i++) {
        int other = ask("/once", "now");
        expect(other, "200 OK", "at once|now");
        close(other);
    }
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < held_count; i++)
        server_deferral_answer(held[i], fill, memory_text("late"));
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < CLIENTS; i++)
        expect(links[i], "X-Kept: yes", "late|b");
    /* The connection goes on. */
    const char *again = "GET /say HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_int_equal(send(links[0], again, strlen(again), MSG_NOSIGNAL), (ssize_t)strlen(again));
    expect(links[0], "200 OK", "said");
    for (int i = 0; i < CLIENTS; i++)
        close(links[i]);
    assert_int_equal(server_waiting(server), 0);
    server_stop(server, 0);
    server_close(server);
    assert_int_equal(filled, CLIENTS + 10);
    assert_int_equal(released, 0);
}

static void an_answer_may_race_with_the_handlers_return(void **state) {
    (void)state;
    start(0);
    for (int i = 0; i < RACES; i++) {
        int link = ask("/race", "x");
        expect(link, "200 OK", "raced|x");
        close(link);
    }
    server_stop(server, 10000);
    server_close(server);
    assert_int_equal(filled, RACES);
}

static void too_many_are_told_so(void **state) {
    (void)state;
    int links[5];
    start(8);
    for (int i = 0; i < 4; i++)
        links[i] = ask("/keep", "");
    until_waiting(4);
    links[4] = ask("/keep", "");
    expect(links[4], "429 ", "full");
    for (size_t i = 0; i < 4; i++)
        server_deferral_answer(held[i], fill, memory_text("w"));
    for (int i = 0; i < 4; i++)
        expect(links[i], "200 OK", "w|");
    for (int i = 0; i < 5; i++)
        close(links[i]);
    server_stop(server, 0);
    server_close(server);
}

static void a_client_that_went_away_is_dropped(void **state) {
    (void)state;
    start(0);
    int gone = ask("/keep", "gone"), stays = ask("/keep", "stays");
    until_waiting(2);
    server_tick(server);
    assert_int_equal(server_waiting(server), 2);
    close(gone);
    while (server_waiting(server) == 2)
        server_tick(server);
    assert_int_equal(server_waiting(server), 1);
    for (size_t i = 0; i < 2; i++)
        server_deferral_answer(held[i], fill, memory_text("w"));
    expect(stays, "200 OK", "w|stays");
    close(stays);
    server_stop(server, 10000);
    server_close(server);
    assert_int_equal(filled, 1);
    assert_int_equal(released, 1);
}

/* Found at the answer, before the server has looked. */
static void an_answer_to_nobody_is_given_back(void **state) {
    (void)state;
    start(0);
    int gone = ask("/keep", "");
    until_waiting(1);
    close(gone);
    server_deferral_answer(held[0], fill, memory_text("w"));
    while (server_busy(server) > 0)
        sched_yield();
    server_stop(server, 0);
    server_close(server);
    assert_int_equal(filled, 0);
    assert_int_equal(released, 1);
}

static void a_server_that_stops_ends_the_long_waits(void **state) {
    (void)state;
    start(0);
    int first = ask("/keep", ""), second = ask("/keep", "");
    until_waiting(2);
    server_stop(server, 10000);
    expect(first, "503 ", "ended");
    expect(second, "503 ", "ended");
    server_close(server);
    server = NULL;
    for (size_t i = 0; i < 2; i++) /* nobody is there any more */
        server_deferral_answer(held[i], fill, memory_text("too late"));
    assert_int_equal(filled, 0);
    assert_int_equal(released, 2);
    close(first);
    close(second);
}

static void a_server_closed_at_once_leaves_nothing(void **state) {
    (void)state;
    start(0);
    int link = ask("/keep", "");
    until_waiting(1);
    server_close(server);
    server_deferral_answer(held[0], fill, memory_text("too late"));
    assert_int_equal(released, 1);
    close(link);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_that_wait_block_nobody),
        cmocka_unit_test(an_answer_may_race_with_the_handlers_return),
        cmocka_unit_test(too_many_are_told_so),
        cmocka_unit_test(a_client_that_went_away_is_dropped),
        cmocka_unit_test(an_answer_to_nobody_is_given_back),
        cmocka_unit_test(a_server_that_stops_ends_the_long_waits),
        cmocka_unit_test(a_server_closed_at_once_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
