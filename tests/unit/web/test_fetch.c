#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "support/feed_server.h"
#include "support/scratch.h"
#include "support/test_clock.h"
#include "web/fetch.h"

struct fixture {
    struct feed_server *server;
    struct scratch *scratch;
    struct test_clock clock;
    struct random random;
    struct http_client *client;
    struct arena *arena;
    struct feed_fetch_result result;
    struct error err;
};

static int open_all(void **state) {
    static struct fixture f;
    f.server = feed_server_open(NULL);
    f.scratch = scratch_open();
    *state = &f;
    return 0;
}

static int close_all(void **state) {
    struct fixture *f = *state;
    feed_server_close(f->server);
    scratch_close(f->scratch);
    return 0;
}

static int start(void **state) {
    struct fixture *f = *state;
    test_clock_open(&f->clock, 1700000000000);
    random_seed(&f->random, 3);
    struct http_client_settings settings = {.clock = &f->clock.clock, .random = &f->random, .allow_private = true};
    f->client = http_client_open(&settings, NULL);
    f->arena = arena_open();
    memset(&f->result, 0, sizeof(f->result));
    error_clear(&f->err);
    feed_server_reset(f->server);
    return 0;
}

static int stop(void **state) {
    struct fixture *f = *state;
    http_client_close(f->client);
    arena_close(f->arena);
    return 0;
}

static const char *at(struct fixture *f, const char *path) {
    return feed_server_url(f->server, path);
}

static bool fetch(struct fixture *f, const struct feed_fetch_request *request) {
    error_clear(&f->err);
    return feed_fetch(f->client, f->arena, request, &f->result, &f->err);
}

static size_t requests(struct fixture *f) {
    JSON_OWNED json_t *log = feed_server_log(f->server);
    return json_array_size(log);
}

#define ONE "<rss><channel><title>S</title><item><title>1</title><guid>g1</guid></item></channel></rss>"

static void only_what_changed(void **state) {
    struct fixture *f = *state;
    const char *copy = scratch_path(f->scratch, "copy.xml");
    feed_server_rules(f->server, "{'/f': {'body': '" ONE "', 'gzip': true, 'type': 'application/rss+xml'}}");
    struct feed_fetch_request request = {.url = at(f, "/f"), .copy_path = copy};
    assert_true(fetch(f, &request));
    assert_false(f->result.not_modified);
    assert_int_equal(f->result.feed->item_count, 1);
    assert_int_equal(f->result.pages, 1);
    assert_int_equal(f->result.bytes, strlen(ONE));
    assert_string_equal(f->result.content_type, "application/rss+xml");
    assert_string_equal(f->result.final_url, at(f, "/f"));
    assert_null(f->result.permanent_url);
    assert_non_null(f->result.etag);
    assert_string_equal(scratch_read(f->scratch, "copy.xml"), ONE);

    assert_true(file_remove(copy, NULL));
    request.etag = f->result.etag;
    request.last_modified = f->result.last_modified;
    assert_true(fetch(f, &request));
    assert_true(f->result.not_modified);
    assert_null(f->result.feed);
    assert_string_equal(f->result.etag, request.etag);
    assert_null(scratch_read(f->scratch, "copy.xml"));

    /* By date alone. */
    request.etag = NULL;
    feed_server_rules(f->server, "{'/f': {'body': '" ONE "', 'etag': null}}");
    assert_true(fetch(f, &request));
    assert_true(f->result.not_modified);
    /* A 304 that nobody asked for is no answer. */
    feed_server_rules(f->server, "{'/f': {'body': '" ONE "', 'status': 304}}");
    request.last_modified = NULL;
    assert_false(fetch(f, &request));
    assert_int_equal(f->err.code, ERROR_HTTP);
}

static void what_is_no_feed_leaves_nothing(void **state) {
    struct fixture *f = *state;
    const char *copy = scratch_write(f->scratch, "kept.xml", "before");
    static const struct {
        const char *rule;
        const char *says;
    } cases[] = {
        {"'body': '<!DOCTYPE html><html><body>Sign in</body></html>', 'type': 'text/html'", "a web page"},
        {"'body': '', 'type': 'application/rss+xml'", "empty"},
        {"'body': '{}'", "JSON"},
        {"'body': '<opml/>'", "opml"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        feed_server_rules(f->server, "{'/f': {%s}}", cases[i].rule);
        struct feed_fetch_request request = {.url = at(f, "/f?token=sesame123"), .copy_path = copy};
        assert_false(fetch(f, &request));
        assert_int_equal(f->err.code, ERROR_INVALID);
        if (!strstr(f->err.message, cases[i].says) || !strstr(f->err.message, "/f?token=***"))
            fail_msg("%s", f->err.message);
        assert_null(strstr(f->err.message, "sesame123"));
    }
    assert_string_equal(scratch_read(f->scratch, "kept.xml"), "before");
}

static void a_feed_that_is_cut_is_fetched_again(void **state) {
    struct fixture *f = *state;
    const char *copy = scratch_path(f->scratch, "whole.xml");
    feed_server_rules(f->server, "{'/f': {'body': '" ONE "', 'cut': 40, 'cut_times': 2}}");
    struct feed_fetch_request request = {.url = at(f, "/f"), .copy_path = copy};
    assert_true(fetch(f, &request));
    assert_int_equal(f->result.attempts, 3);
    assert_int_equal(f->result.feed->item_count, 1);
    assert_false(f->result.feed->cut_off);
    assert_string_equal(scratch_read(f->scratch, "whole.xml"), ONE);
}

static void huge_feeds_are_refused(void **state) {
    struct fixture *f = *state;
    feed_server_rules(f->server, "{'/f': {'gzip': 'bomb', 'size': 209715200}}");
    struct feed_fetch_request request = {.url = at(f, "/f"), .copy_path = scratch_path(f->scratch, "huge.xml")};
    assert_false(fetch(f, &request));
    assert_true(f->err.code == ERROR_LIMIT || f->err.code == ERROR_INVALID);
    assert_null(scratch_read(f->scratch, "huge.xml"));
}

static void a_feed_that_moved(void **state) {
    struct fixture *f = *state;
    feed_server_rules(f->server, "{'/old': {'redirect': '/new', 'status': 301}, '/new': {'body': '" ONE
                                 "'}, '/tmp': {'redirect': '/new'}}");
    struct feed_fetch_request request = {.url = at(f, "/old")};
    assert_true(fetch(f, &request));
    assert_string_equal(f->result.permanent_url, at(f, "/new"));
    request.url = at(f, "/tmp");
    assert_true(fetch(f, &request));
    assert_null(f->result.permanent_url);
    assert_string_equal(f->result.final_url, at(f, "/new"));
}

static void private_feeds(void **state) {
    struct fixture *f = *state;
    feed_server_rules(f->server, "{'/p': {'auth': 'ann:sesam-open', 'body': '" ONE "'}}");
    struct feed_fetch_request request = {.url = feed_server_url_at(f->server, "ann:sesam-open@127.0.0.1", "/p")};
    assert_true(fetch(f, &request));
    struct feed_fetch_request given = {.url = at(f, "/p"), .user = "ann", .password = "sesam-open"};
    assert_true(fetch(f, &given));
    given.password = "wrong";
    assert_false(fetch(f, &given));
    assert_int_equal(f->err.status, 401);
    char line[] = "the password is sesam-open";
    assert_string_equal(redact_text(line), "the password is ***");
}

#define PAGE(title, guid, link)                                                                                        \
    "<rss xmlns:a=\"http://www.w3.org/2005/Atom\"><channel>" link "<item><title>" title "</title><guid>" guid          \
    "</guid></item><item><title>Again</title><guid>g1</guid></item></channel></rss>"

static void set_page(struct fixture *f, const char *path, const char *body) {
    json_t *rules = json_pack("{s:{s:s}}", path, "body", body);
    char *text = json_dumps(rules, 0);
    feed_server_rules(f->server, "%s", text);
    free(text);
    json_decref(rules);
}

static void pages_are_followed(void **state) {
    struct fixture *f = *state;
    set_page(f, "/1", PAGE("One", "g1", "<a:link rel=\"next\" href=\"/2\"/>"));
    set_page(f, "/2", PAGE("Two", "g2", "<a:link rel=\"next\" href=\"/3\"/>"));
    set_page(f, "/3", PAGE("Three", "g3", "<a:link rel=\"prev-archive\" href=\"/4\"/>"));
    set_page(f, "/4", PAGE("Four", "g4", ""));
    struct feed_fetch_request request = {.url = at(f, "/1"), .copy_path = scratch_path(f->scratch, "first.xml")};
    assert_true(fetch(f, &request));
    assert_null(f->result.pages_problem);
    assert_int_equal(f->result.pages, 4);
    /* The first page is kept as it is, of later ones only what is new. */
    static const char *const titles[] = {"One", "Again", "Two", "Three", "Four"};
    assert_int_equal(f->result.feed->item_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(f->result.feed->items[i].title, titles[i]);
    assert_non_null(strstr(scratch_read(f->scratch, "first.xml"), "One"));

    request.one_page = true;
    assert_true(fetch(f, &request));
    assert_int_equal(f->result.feed->item_count, 2);
}

static void pages_in_a_circle_end(void **state) {
    struct fixture *f = *state;
    set_page(f, "/1", PAGE("One", "g1", "<a:link rel=\"next\" href=\"/2#x\"/>"));
    set_page(f, "/2", PAGE("Two", "g2", "<a:link rel=\"next\" href=\"/1\"/>"));
    struct feed_fetch_request request = {.url = at(f, "/1")};
    assert_true(fetch(f, &request));
    assert_int_equal(f->result.pages, 2);
    assert_non_null(strstr(f->result.pages_problem, "circle"));
    assert_int_equal(f->result.feed->item_count, 3);
    assert_int_equal(requests(f), 2);
}

static void a_page_that_fails_costs_only_itself(void **state) {
    struct fixture *f = *state;
    set_page(f, "/1", PAGE("One", "g1", "<a:link rel=\"next\" href=\"/gone\"/>"));
    struct feed_fetch_request request = {.url = at(f, "/1")};
    assert_true(fetch(f, &request));
    assert_int_equal(f->result.feed->item_count, 2);
    assert_non_null(strstr(f->result.pages_problem, "404"));
    set_page(f, "/1", PAGE("One", "g1", "<a:link rel=\"next\" href=\"file:///etc/passwd\"/>"));
    assert_true(fetch(f, &request));
    assert_int_equal(f->result.pages, 1);
    assert_non_null(f->result.pages_problem);
}

static bool knows_two(void *to, const struct feed_item *item) {
    (*(int *)to)++;
    return strcmp(item->guid, "g1") != 0;
}

static void pages_end_where_all_is_known(void **state) {
    struct fixture *f = *state;
    set_page(f, "/1", PAGE("One", "g1", "<a:link rel=\"next\" href=\"/2\"/>"));
    set_page(f, "/2", PAGE("Two", "g2", "<a:link rel=\"next\" href=\"/3\"/>"));
    set_page(f, "/3", PAGE("Three", "g3", ""));
    int asked = 0;
    struct feed_fetch_request request = {.url = at(f, "/1"), .known = knows_two, .known_to = &asked};
    assert_true(fetch(f, &request));
    assert_int_equal(f->result.pages, 2);
    assert_null(f->result.pages_problem);
    assert_true(asked > 0);
}

static void a_cancelled_fetch(void **state) {
    struct fixture *f = *state;
    struct cancel cancel = {0};
    cancel_request(&cancel);
    feed_server_rules(f->server, "{'/f': {'hang': true}}");
    struct feed_fetch_request request = {.url = at(f, "/f"), .cancel = &cancel};
    assert_false(fetch(f, &request));
    assert_int_equal(f->err.code, ERROR_CANCELLED);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(only_what_changed),
        CASE(what_is_no_feed_leaves_nothing),
        CASE(a_feed_that_is_cut_is_fetched_again),
        CASE(huge_feeds_are_refused),
        CASE(a_feed_that_moved),
        CASE(private_feeds),
        CASE(pages_are_followed),
        CASE(pages_in_a_circle_end),
        CASE(a_page_that_fails_costs_only_itself),
        CASE(pages_end_where_all_is_known),
        CASE(a_cancelled_fetch),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
