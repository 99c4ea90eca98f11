#include "support/unit.h"

#include <string.h>

#include "http/handlers.h"
#include "http/route.h"

static struct arena *arena;

static int open_arena(void **state) {
    (void)state;
    arena = arena_open();
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    arena_close(arena);
    return 0;
}

static bool match(const char *pattern, const char *path, struct server_request *request) {
    struct target target;
    *request = (struct server_request){.arena = arena};
    assert_true(target_parse(arena, path, &target, NULL));
    return route_match(pattern, &target, request);
}

static void patterns(void **state) {
    struct server_request request;
    (void)state;
    assert_true(match("/", "/", &request));
    assert_false(match("/", "/a", &request));
    assert_true(match("/a/b", "/a/b", &request));
    assert_false(match("/a/b", "/a/b/", &request));
    assert_false(match("/a/b/", "/a/b", &request));
    assert_false(match("/a/b", "/a", &request));
    assert_false(match("/a", "/a/b", &request));
    assert_false(match("/abc", "/abcd", &request));
    assert_false(match("/abcd", "/abc", &request));
    assert_true(match("/{one}/x/{two}", "/a%20b/x/c", &request));
    assert_string_equal(request_parameter(&request, "one"), "a b");
    assert_string_equal(request_parameter(&request, "two"), "c");
    assert_string_equal(request_parameter(&request, "on"), "");
    assert_string_equal(request_parameter(&request, "three"), "");
    assert_false(match("/{one}", "/", &request));
    assert_true(match("/files/{rest...}", "/files/a/b/c", &request));
    assert_string_equal(request_parameter(&request, "rest"), "a/b/c");
    assert_false(match("/files/{rest...}", "/files/", &request));
    assert_false(match("/files/{rest...}", "/files/a/", &request));
}

static const char *name_of(const char *method, const char *path, char *allow) {
    struct server_request request = {.arena = arena};
    struct target target;
    assert_true(target_parse(arena, path, &target, NULL));
    const struct server_route *route =
        route_find(site_route_table, site_route_count, method, &target, &request, allow, 96);
    return route ? route->name : "none";
}

static void the_table_of_the_site_server(void **state) {
    char allow[96];
    (void)state;
    assert_string_equal(name_of("GET", "/", allow), "home");
    assert_string_equal(name_of("POST", "/", allow), "root_post");
    assert_string_equal(name_of("GET", "/healthz", allow), "health");
    assert_string_equal(name_of("GET", "/anything.js", allow), "static");
    assert_string_equal(name_of("GET", "/sites/x/", allow), "site");
    assert_string_equal(name_of("GET", "/sites/x/episode/5", allow), "episode");
    assert_string_equal(name_of("GET", "/sites/x/site.json", allow), "site_json");
    assert_string_equal(name_of("GET", "/sites/x/other.json", allow), "site_asset");
    assert_string_equal(name_of("GET", "/sites/x/assets/a/b.png", allow), "site_asset");
    assert_string_equal(name_of("GET", "/a/b/c", allow), "none");
    assert_string_equal(allow, "");
    assert_string_equal(name_of("PUT", "/sites/x/api/search", allow), "none");
    assert_string_equal(allow, "GET, HEAD, POST, OPTIONS");
    assert_string_equal(name_of("DELETE", "/sites/x/site.json", allow), "none");
    assert_string_equal(allow, "GET, HEAD, OPTIONS");
}

/* What the dispatcher relies on. */
static void every_row_is_sound(void **state) {
    (void)state;
    for (size_t i = 0; i < site_route_count; i++) {
        const struct server_route *route = &site_route_table[i];
        assert_int_equal(route->pattern[0], '/');
        assert_non_null(route->answer);
        assert_non_null(route->name);
        bool takes_body = (route->flags & ROUTE_BODY) != 0;
        assert_int_equal(takes_body, strcmp(route->method, "POST") == 0 || strcmp(route->method, "PUT") == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(the_table_of_the_site_server),
        cmocka_unit_test(every_row_is_sound),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
