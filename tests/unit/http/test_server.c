#include "support/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "http/reply.h"
#include "http/server.h"
#include "store/object/directory.h"
#include "store/object/faulty.h"
#include "store/object/object.h"
#include "support/scratch.h"
#include "support/test_clock.h"

static struct test_clock test_time;
static struct server *server;
static struct object_store *store;
static _Atomic int finished; /* events seen */
static _Atomic int last_status;

static void say(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    const char *text =
        arena_format(request->arena, "%s|%s|%s|%s|%d", request_parameter(request, "word"), request->target.query,
                     request->host, request->body ? request->body : "-", request->site_in_front);
    reply_text(request, response, "text/plain", text, strlen(text), NULL);
}

/* Objects of a store that has no plain files. */
static void give_object(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    reply_object(request, response, store, request_parameter(request, "word"), "audio/mpeg", true, "no-cache");
}

static void move(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    reply_moved(request, response, "/say/there");
}

static const struct server_route routes[] = {
    {"GET", "/say/{word}", "say", 0, say},
    {"POST", "/say/{word}", "say", ROUTE_BODY, say},
    {"GET", "/sites/one/say/{word}", "say", 0, say},
    {"GET", "/object/{word}", "object", ROUTE_PUBLIC, give_object},
    {"GET", "/move", "move", 0, move},
};

static const char *host_site(void *to, struct arena *arena, const char *host) {
    (void)to;
    (void)arena;
    return strcmp(host, "one.example") == 0 ? "one" : NULL;
}

static void observe(void *to, const struct server_event *event) {
    (void)to;
    last_status = event->status;
    finished++;
}

static int connect_to(void) {
    const char *address = server_address(server);
    struct sockaddr_in where = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1)),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int link = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(link, (const struct sockaddr *)&where, sizeof(where)), 0);
    return link;
}

static void put(int link, const char *text) {
    assert_int_equal(send(link, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All that comes until the server closes; the caller frees it. */
static char *drain(int link) {
    struct text got;
    text_open(&got, 1 << 24);
    char part[4096];
    ssize_t size;
    while ((size = recv(link, part, sizeof(part), 0)) > 0)
        text_append_part(&got, part, (size_t)size);
    close(link);
    return text_take(&got);
}

static char *ask(const char *request) {
    int link = connect_to();
    put(link, request);
    return drain(link);
}

#define END "Host: Example.ORG:80\r\nConnection: close\r\n\r\n"

static const char *body_of(const char *answer) {
    const char *body = strstr(answer, "\r\n\r\n");
    return body ? body + 4 : "";
}

static int start(void **state) {
    struct error err = {0};
    (void)state;
    test_clock_open(&test_time, INT64_C(1700000000000));
    struct server_options options = {.listen = "127.0.0.1:0",
                                     .routes = routes,
                                     .route_count = ARRAY_LENGTH(routes),
                                     .host_site = host_site,
                                     .observe = observe,
                                     .clock = &test_time.clock,
                                     .threads = 2,
                                     .request_ms = 1000,
                                     .idle_ms = 5000};
    finished = 0;
    server = server_open(&options, &err);
    if (!server)
        fail_msg("%s", err.message);
    return 0;
}

static int stop(void **state) {
    (void)state;
    server_stop(server, 0);
    server_close(server);
    return 0;
}

static void a_handler_sees_the_request(void **state) {
    (void)state;
    char *answer = ask("GET /say/a%20b?x=%31 HTTP/1.1\r\n" END);
    assert_true(text_starts(answer, "HTTP/1.1 200 OK\r\n"));
    assert_string_equal(body_of(answer), "a b|x=%31|example.org:80|-|0");
    free(answer);
    answer = ask("POST /say/x HTTP/1.1\r\nContent-Length: 5\r\n" END "hello");
    assert_string_equal(body_of(answer), "x||example.org:80|hello|0");
    free(answer);
    answer = ask("GET /say/x HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n");
    assert_string_equal(body_of(answer), "x||one.example|-|1"); /* found as /sites/one/say/x */
    free(answer);
    answer = ask("GET /move?q=1 HTTP/1.1\r\n" END);
    assert_non_null(strstr(answer, "308 Permanent Redirect\r\n"));
    assert_non_null(strstr(answer, "Location: /say/there?q=1\r\n"));
    free(answer);
}

/* More bytes do not help: the deadline stands. Only the test moves the clock, so nothing here depends on speed. */
static void a_slow_head_is_dropped(void **state) {
    (void)state;
    char byte;
    int link = connect_to();
    put(link, "GET /say/x HTTP/1.1\r\n");
    do {
        test_clock_move(&test_time, 600);
        server_tick(server);
        send(link, "X: y\r\n", 6, MSG_NOSIGNAL);
    } while (recv(link, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    close(link);
    assert_int_equal(finished, 0); /* it never became a request */
    free(ask("GET /say/y HTTP/1.1\r\n" END));
}

static void a_slow_body_is_dropped(void **state) {
    (void)state;
    int link = connect_to();
    put(link, "POST /say/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1234");
    while (server_busy(server) < 1)
        ;
    do { /* the deadline is set a moment after the request counts as begun */
        test_clock_move(&test_time, 1001);
        server_tick(server);
    } while (server_busy(server) > 0);
    char *answer = drain(link);
    assert_string_equal(answer, "");
    free(answer);
}

static void a_stopping_server_closes_after_the_answer(void **state) {
    (void)state;
    int link = connect_to();
    put(link, "POST /say/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n12");
    while (server_busy(server) < 1)
        ;
    server_stop(server, 0);
    put(link, "34");
    char *answer = drain(link);
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_string_equal(body_of(answer), "x||x|1234|0");
    free(answer);
}

static void what_happened_is_observed(void **state) {
    (void)state;
    free(ask("GET /none HTTP/1.1\r\n" END));
    while (finished < 1)
        ;
    assert_int_equal(last_status, 404);
    int link = connect_to();
    put(link, "GET /say/x HTTP/1.1\r\nHost: x\r\n"); /* never finished: no request, no event */
    close(link);
    free(ask("GET /say/x HTTP/1.1\r\n" END));
    while (finished < 2)
        ;
    assert_int_equal(last_status, 200);
    assert_int_equal(finished, 2);
}

/* The bytes of a store without plain files, in pieces. */
static void objects_of_any_store(void **state) {
    struct scratch *scratch = scratch_open();
    struct error err = {0};
    (void)state;
    scratch_write(scratch, "voice", "0123456789");
    struct object_store *files = directory_store_open(scratch->path, &err);
    struct faulty_plan plan = {0};
    store = faulty_store_open(files, &plan, &err);
    assert_non_null(store);
    assert_false(object_store_has(store, OBJECT_LOCAL_PATH));
    char *answer = ask("GET /object/voice HTTP/1.1\r\n" END);
    assert_string_equal(body_of(answer), "0123456789");
    assert_non_null(strstr(answer, "Content-Length: 10\r\n"));
    assert_non_null(strstr(answer, "Access-Control-Allow-Origin: *\r\n"));
    free(answer);
    answer = ask("GET /object/voice HTTP/1.1\r\nRange: bytes=3-5\r\n" END);
    assert_non_null(strstr(answer, "Content-Range: bytes 3-5/10\r\n"));
    assert_string_equal(body_of(answer), "345");
    free(answer);
    answer = ask("GET /object/none HTTP/1.1\r\n" END);
    assert_true(text_starts(answer, "HTTP/1.1 404 "));
    free(answer);
    object_store_close(store);
    object_store_close(files);
    scratch_close(scratch);
}

static void addresses(void **state) {
    struct error err = {0};
    static const char *const wrong[] = {"",       "8080", "1.2.3.4", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                                        "::1:80", ":-1"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct server_options options = {.listen = wrong[i], .routes = routes, .route_count = ARRAY_LENGTH(routes)};
        assert_null(server_open(&options, &err));
        assert_int_equal(err.code, ERROR_CONFIG);
        assert_non_null(strstr(err.hint, "HOST:PORT"));
    }
    struct server_options taken = {
        .listen = server_address(server) + strlen("http://"), .routes = routes, .route_count = ARRAY_LENGTH(routes)};
    assert_null(server_open(&taken, &err));
    assert_int_equal(err.code, ERROR_BUSY);
    server_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_handler_sees_the_request, start, stop),
        cmocka_unit_test_setup_teardown(a_slow_head_is_dropped, start, stop),
        cmocka_unit_test_setup_teardown(a_slow_body_is_dropped, start, stop),
        cmocka_unit_test_setup_teardown(a_stopping_server_closes_after_the_answer, start, stop),
        cmocka_unit_test_setup_teardown(what_happened_is_observed, start, stop),
        cmocka_unit_test_setup_teardown(objects_of_any_store, start, stop),
        cmocka_unit_test_setup_teardown(addresses, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
