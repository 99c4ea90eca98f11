/* Paths: the dialect, what is written with them, and their bounds. Expected values are what Jayway's JsonPath 2.9
 * answers with Jackson's nodes, but where a comment says otherwise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/expression.h"
#include "support/unit.h"

static const char document[] =
    "{\"a\": {\"b\": [{\"x\": 1, \"y\": \"p\", \"k\": [1, 2]}, {\"x\": 2, \"y\": \"q\"}, {\"x\": 3}, {\"y\": null}],"
    " \"n\": 5, \"s\": \"str\", \"nul\": null, \"arr\": [10, 20, 30, 40, 50], \"e\": []}, \"list\": [\"p\", \"q\"],"
    " \"u v\": 1, \"it's\": 2, \"lim\": 2, \"big\": {\"c\": {\"x\": 9, \"d\": [{\"x\": 7}]}},"
    " \"nested\": [[1, 2], [3, [4, 5]]]}";

static json_t *parse(const char *text) {
    struct error err = {0};
    json_t *value = json_parse(text, strlen(text), &err);
    if (!value)
        fail_msg("%s: %s", text, err.message);
    return value;
}

/* The text of what `expression` reads; "!…": the failure's cause, "?…": it did not compile. In `arena`. */
static const char *read_of(struct arena *arena, const char *expression, json_t *input) {
    struct error err = {0};
    const struct path *path = path_compile(arena, expression, PATH_ANY, true, &err);
    if (!path) {
        assert_int_equal(err.code, ERROR_INVALID);
        return arena_format(arena, "?%s", err.message);
    }
    JSON_OWNED json_t *context = parse("{\"Execution\": {\"Input\": {\"m\": [1, 2, 3], \"two\": 2}}}");
    JSON_OWNED json_t *values = parse("{\"v\": {\"w\": [7, 8]}, \"x_1\": 6}");
    struct variables variables = {.values = values};
    struct evaluation evaluation = {.arena = arena, .input = input, .context = context, .variables = &variables};
    struct failure failure = {0};
    JSON_OWNED json_t *value = path_read(path, &evaluation, &failure);
    if (!value) {
        assert_string_equal(failure.error, "States.Runtime");
        return arena_format(arena, "!%s", failure.cause);
    }
    TEXT_OWNED char *text = json_text(value, 0);
    return arena_text(arena, text);
}

struct row {
    const char *path, *expected;
};

static void check(const struct row *rows, size_t count) {
    JSON_OWNED json_t *input = parse(document);
    for (size_t i = 0; i < count; i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        const char *got = read_of(arena, rows[i].path, input);
        if (strcmp(got, rows[i].expected) != 0)
            fail_msg("%s: %s, not %s", rows[i].path, got, rows[i].expected);
    }
}

static void test_steps(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"$.a.n", "5"},
        {"$.a.n ", "5"},
        {"$['a'][\"n\"]", "5"},
        {"$.['u v']", "1"},
        {"$['it\\'s']", "2"},
        {"$['\\u0061'].n", "5"},
        {"$.a.nul", "null"},
        {"$.a.arr[0]", "10"},
        {"$.a.arr[-1]", "50"},
        {"$.a.arr[7]", "null"},
        {"$.a.arr[0,7]", "[10,null]"},
        {"$.a.arr[ 0 , 2 ]", "[10,30]"},
        {"$.a.arr[1:3]", "[20,30]"},
        {"$.a.arr[1:3:2]", "[20,30]"},
        {"$.a.arr[-2:]", "[40,50]"},
        {"$.a.arr[-9:]", "[10,20,30,40,50]"},
        {"$.a.arr[:2]", "[10,20]"},
        {"$.a.arr[:-2]", "[10,20,30]"},
        {"$.a.arr[1:-1]", "[]"},
        {"$.a.arr[-3:-1]", "[30,40]"},
        {"$.a.arr[-2:2]", "[40,50,10,20]"},
        {"$.a.arr[9:]", "[]"},
        {"$.a.b[*].x", "[1,2,3]"},
        {"$.a.b[0,2].x", "[1,3]"},
        {"$.a.b[*].k[5].z", "[]"},
        {"$.a['n','s']", "{\"n\":5,\"s\":\"str\"}"},
        {"$.a['n','zz']", "{\"n\":5}"},
        {"$.a['b','arr'][0]", "[{\"x\":1,\"y\":\"p\",\"k\":[1,2]},10]"},
        {"$[*].n", "[5]"},
        {"$.nested[*][*]", "[1,2,3,[4,5]]"},
        {"$..x", "[1,2,3,9,7]"},
        {"$..['x','y']", "[{\"x\":1,\"y\":\"p\"},{\"x\":2,\"y\":\"q\"}]"},
        {"$..b[0].x", "[1]"},
        {"$..[0].x", "[1,7]"},
        {"$.nested..[1]", "[[3,[4,5]],2,[4,5],5]"},
        {"$..d..x", "[7]"},
        {"$.nested..*", "[[1,2],[3,[4,5]],1,2,3,[4,5],4,5]"},
        {"$.zz[*]", "[]"}, /* Jayway refuses; the service has an empty array */
        {"$.zz.yy[1:].x", "[]"},
        {"$$.Execution.Input.m[1]", "2"},
        {"$v.w[0]", "7"},
        {"$x_1", "6"},
        {"$v['w'][*]", "[7,8]"},
    };
    check(rows, ARRAY_LENGTH(rows));
}

static void test_filters(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"$.a.b[?(@.x > 1)].x", "[2,3]"},
        {"$.a.b[?(@.x<3)].x", "[1,2]"},
        {"$.a.b[ ?( @.x >= 2 ) ].x", "[2,3]"},
        {"$.a.b[?(@.x > 1 && @.y == 'q')].x", "[2]"},
        {"$.a.b[?(@.x == 3 || @.x == 1 && @.y == 'zz')].x", "[3]"},
        {"$.a.b[?((@.x == 3 || @.x == 1) && !(@.y == 'p'))].x", "[3]"},
        {"$.a.b[?(@.x == $.lim)].y", "[\"q\"]"},
        {"$.a.b[?(@.x < $.a.n && $.lim == 2)].x", "[1,2,3]"},
        {"$.a.b[?(@.y)].x", "[1,2]"},
        {"$.a.b[?(!@.y)].x", "[3]"},
        {"$.a.b[?(!!@.y)].x", "[1,2]"},
        {"$.a.b[?(@.y == null)]", "[{\"y\":null}]"},
        {"$.a.b[?(@.y != null)].x", "[1,2,3]"},
        {"$.a.b[?(@.x == '1')].x", "[1]"},
        {"$.a.b[?(@.x === '1')].x", "[]"},
        {"$.a.b[?(@.x !== 2)].x", "[1,3]"},
        {"$.a.b[?(@.x > '1')].x", "[]"},
        {"$.a.b[?(@.x == 1.0)].x", "[1]"},
        {"$.a.b[?('p' == @.y)].x", "[1]"},
        {"$.a.b[?(@['x'] == 1)].x", "[1]"},
        {"$.a.b[?(@.k == [1,2])].x", "[1]"},
        {"$.a.b[?(@ == {'x':3})].x", "[3]"},
        {"$.a.b[?(@.y in ['p', \"q\"])].x", "[1,2]"},
        {"$.a.b[?(@.y IN $.list)].x", "[1,2]"},
        {"$.a.b[?(@.y nin $.list)]", "[{\"x\":3},{\"y\":null}]"},
        {"$.a.b[?(1 in @.k)].x", "[1]"},
        {"$.a.b[?(@.k subsetof [1,2,3])].x", "[1]"},
        {"$.a.b[?(@.k anyof [2, 9])].x", "[1]"},
        {"$.a.b[?(@.k noneof [2])].x", "[]"},
        {"$.a.b[?(@.k noneof $.a.arr)].x", "[1]"},
        {"$.a.b[?(@.k size 2)].x", "[1]"},
        {"$.a.b[?(@ size 2)].x", "[]"},
        /* A list operator without a list gives the whole filter up. */
        {"$.a.b[?(@.x in 'p' || @.x == 1)]", "[]"},
        {"$.a.b[?(!(@.zz noneof [1]))]", "[]"},
        {"$.a.b[?(@.x == 1 || @.x in 'p')].x", "[1]"},
        {"$.a.b[?(@.y size 1)].x", "[1,2]"},
        {"$.a.b[?(@.k empty false)].x", "[1]"},
        {"$.a.b[?(@.k contains 2)].x", "[1]"},
        {"$.a.b[?(@.y contains 'p')].x", "[1]"},
        {"$.a.b[?(@.y =~ /P/i)].x", "[1]"},
        {"$.a.b[?(@.y =~ /P|q/)].x", "[2]"},
        {"$.a.b[?(@.x =~ /\\d/)].x", "[1,2,3]"},
        {"$.a.b[?(@.k =~ /2/)].x", "[1]"},
        {"$.a.b[?(/[a-p]/ =~ @.y)].x", "[1]"},
        {"$.a.b[?(@.y =~ /a\\/b/)].x", "[]"},
        {"$.a[?(@.n == 5)].s", "[\"str\"]"},
        {"$.a.arr[?(@ > 20)]", "[30,40,50]"},
        {"$.a.arr[?(@ > $.a.arr.avg())]", "[40,50]"},
        {"$.a.b[?(@.k.length() == 2)].x", "[1]"},
        {"$.a.b[?(@.k[?(@ > 1)])].x", "[1]"},
        {"$.a.b[?(@.k[*] == [1,2])].x", "[1]"},
        {"$..[?(@.x > 6)].x", "[9,7]"},
        {"$..k[?(@ == 2)]", "[2]"},
        {"$.a.b[?(@.x >= 2)][?(@.x < 3)].x", "[2]"},
        {"$.a.b[?(@.y == 'a]b' || @.y == 'a)b')]", "[]"},
        {"$.a.b[?()]", "[]"}, /* an empty filter: Jayway refuses, the service selects nothing */
        {"$$.Execution.Input.m[?(@ == $.Execution.Input.two)]", "[2]"},
        {"$v.w[?(@ > 7)]", "[8]"},
    };
    check(rows, ARRAY_LENGTH(rows));
}

static void test_functions(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"$.a.arr.length()", "5"},
        {"$.a.size()", "6"},
        {"$.a.n.length()", "null"},
        {"$..arr.length()", "5"},
        {"$.nested[*].length()", "[2,2]"},
        {"$.a.arr.sum()", "150.0"},
        {"$.a.arr.min()", "10.0"},
        {"$.a.arr.max($.a.n)", "50.0"},
        {"$.sum($.lim,$.a.n)", "7.0"},
        {"$.a.arr.avg()", "30.0"},
        {"$.a.arr.stddev()", "14.142135623730951"},
        {"$..x.sum()", "22.0"},
        {"$.big.keys()", "[\"c\"]"},
        {"$.a.arr.keys()", "null"},
        {"$.a.arr.first()", "10"},
        {"$.a.arr.last()", "50"},
        {"$.a.arr.index(1)", "20"}, /* Jayway with Jackson's nodes fails in its own code */
        {"$.a.arr.index( -2 )", "40"},
        {"$.a.arr.append(60, 'z')", "[10,20,30,40,50,60,\"z\"]"},
        {"$.list.concat('-', $.lim)", "\"pq-2\""},
        {"$..zz.sum()", "[]"},
        {"$.a.e.sum()",
         "!Invalid path '$.a.e.sum()' : Aggregation function attempted to calculate value using empty array"},
        {"$.zz.length()", "!Invalid path '$.zz.length()' : Missing property in path $['zz']"},
    };
    check(rows, ARRAY_LENGTH(rows));
}

static void test_absent(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"$.zz", "!Invalid path '$.zz' : No results for path: $['zz']"},
        {"$.zz.x", "!Invalid path '$.zz.x' : Missing property in path $['zz']"},
        {"$.a.b[0].q.r", "!Invalid path '$.a.b[0].q.r' : Missing property in path $['a']['b'][0]['q']"},
        {"$.a.n.x",
         "!Invalid path '$.a.n.x' : Expected to find an object with property ['x'] in path $['a']['n'] but found "
         "'com.fasterxml.jackson.databind.node.IntNode'. This is not a json object according to the JsonProvider: "
         "'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'."},
        {"$.a.arr[7].x",
         "!Invalid path '$.a.arr[7].x' : Expected to find an object with property ['x'] in path $['a']['arr'][7] but "
         "found 'null'. This is not a json object according to the JsonProvider: "
         "'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'."},
        {"$.a.arr[7][0]", "!Invalid path '$.a.arr[7][0]' : The path $['a']['arr'][7] is null"},
        {"$.a.s[0].x[1:2]", "[]"},
        {"$.a.s[0].x",
         "!Invalid path '$.a.s[0].x' : Filter: [0]['x'] can only be applied to arrays. Current context is: "
         "\"str\""},
        {"$.a.n['x','y']",
         "!Invalid path '$.a.n['x','y']' : Expected to find an object with property ['x','y'] in path $['a']['n'] but "
         "found 'com.fasterxml.jackson.databind.node.IntNode'. This is not a json object according to the "
         "JsonProvider: "
         "'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'."},
        {"$.a.s[0]",
         "!Invalid path '$.a.s[0]' : Filter: [0] can only be applied to arrays. Current context is: \"str\""},
        {"$$.Execution.No.X", "!Invalid path '$$.Execution.No.X' : Missing property in path $['Execution']['No']"},
        {"$gone", "!Invalid path '$gone' : No results for path: $['gone']"},
        {"$v.z", "!Invalid path '$v.z' : No results for path: $['v']['z']"},
    };
    check(rows, ARRAY_LENGTH(rows));
}

static void test_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "a",
        "$.",
        "$..",
        "$...a",
        "$.a.",
        "$.a..",
        "$.a b",
        "$[",
        "$[]",
        "$[a]",
        "$['a'",
        "$['a",
        "$['a',]",
        "$[0,]",
        "$[,0]",
        "$[0,1:2]",
        "$[:]",
        "$[99999999999]",
        "$[*,0]",
        "$['\\u12']",
        "$['\\ud800']",
        "$.a[0]b",
        "$.a[?]",
        "$.a[?(]",
        "$.a[?(@.x > )]",
        "$.a[?(@.x >> 1)]",
        "$.a[?(@.x > 1]",
        "$.a[?(@.x > 1)",
        "$.a[?(@.x foo 1)]",
        "$.a[?(true)]",
        "$.a[?(@.x && )]",
        "$.a[?(@.x & @.y)]",
        "$.a[?(@.x == +1)]",
        "$.a[?(@.x =~ /(/)]",
        "$.a[?(@.x =~ /(a)\\1/)]",
        "$.a[?(@.x =~ /a)]",
        "$.a[?(@.x empty 1)]",
        "$.a[?(@.x in [1,)]",
        "$.a.foo()",
        "$.a.length(",
        "$.a.length().b",
        "$.a.index(,)",
        "@.a",
        "$1a",
        "States.Nothing()",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        struct error err = {0};
        if (path_compile(arena, bad[i], PATH_ANY, true, &err))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_true(err.message[0]);
    }
}

static void test_references(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    static const char *const good[] = {"$", "$.a", "$['a'][0].b", "$$.Task", "$v"};
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++)
        assert_non_null(path_compile(arena, good[i], PATH_REFERENCE, false, NULL));
    static const char *const bad[] = {"$[*]", "$..a", "$[0,1]", "$[1:]", "$[?(@.a)]", "$['a','b']", "$.a.length()"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct error err = {0};
        if (path_compile(arena, bad[i], PATH_REFERENCE, false, &err))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(err.code, ERROR_INVALID);
    }
    assert_true(path_is_root(path_compile(arena, "$", PATH_ANY, false, NULL)));
    assert_false(path_is_root(path_compile(arena, "$$", PATH_ANY, false, NULL)));
    assert_false(path_is_root(path_compile(arena, "$.a", PATH_ANY, false, NULL)));
    assert_string_equal(path_text(path_compile(arena, "$.a[ 0 ]", PATH_ANY, false, NULL)), "$.a[ 0 ]");
}

/* Reading copies nothing. */
static void test_sharing(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    JSON_OWNED json_t *input = parse(document);
    struct evaluation evaluation = {.arena = arena, .input = input};
    struct failure failure = {0};
    JSON_OWNED json_t *all = path_read(path_compile(arena, "$", PATH_ANY, false, NULL), &evaluation, &failure);
    assert_ptr_equal(all, input);
    JSON_OWNED json_t *b = path_read(path_compile(arena, "$.a.b", PATH_ANY, false, NULL), &evaluation, &failure);
    assert_ptr_equal(b, json_object_get(json_object_get(input, "a"), "b"));
}

static void test_find(void **state) {
    (void)state;
    static const struct {
        const char *path;
        int expected;
    } rows[] = {{"$.a", 1},   {"$.a.nul", 1}, {"$.zz", 0},  {"$.a.n.x", 0}, {"$.a.arr[9]", 0}, {"$.zz[*]", 0},
                {"$..zz", 0}, {"$..x", 1},    {"$gone", 0}, {"$.a.e", 1},   {"$.a.e[0:1]", 0}};
    JSON_OWNED json_t *input = parse(document);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        struct evaluation evaluation = {.arena = arena, .input = input};
        struct failure failure = {0};
        json_t *value = NULL;
        int found = path_find(path_compile(arena, rows[i].path, PATH_ANY, false, NULL), &evaluation, &value, &failure);
        if (found != rows[i].expected || (found == 1) != (value != NULL))
            fail_msg("%s: %d", rows[i].path, found);
        json_decref(value);
    }
}

static void test_write(void **state) {
    (void)state;
    static const struct {
        const char *path, *target, *expected;
    } rows[] = {
        {"$", "{\"a\":1}", "[7]"},
        {"$.b", "{\"a\":1}", "{\"a\":1,\"b\":[7]}"},
        {"$.a", "{\"a\":1,\"c\":2}", "{\"a\":[7],\"c\":2}"},
        {"$.x.y['z']", "{\"a\":1}", "{\"a\":1,\"x\":{\"y\":{\"z\":[7]}}}"},
        {"$.a.b", "{\"a\":{\"c\":2}}", "{\"a\":{\"c\":2,\"b\":[7]}}"},
        {"$.a[1]", "{\"a\":[1,2,3]}", "{\"a\":[1,[7],3]}"},
        {"$.a[1].b", "{\"a\":[1,{},3]}", "{\"a\":[1,{\"b\":[7]},3]}"},
        {"$.a.b", "{\"a\":5}", NULL},
        {"$.a", "[1]", NULL},
        {"$.a", "\"text\"", NULL},
        {"$.a[3]", "{\"a\":[1,2,3]}", NULL},
        {"$.x[0]", "{\"a\":1}", NULL},
    };
    JSON_OWNED json_t *value = parse("[7]");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        JSON_OWNED json_t *target = parse(rows[i].target);
        struct failure failure = {0};
        const struct path *path = path_compile(arena, rows[i].path, PATH_REFERENCE, false, NULL);
        JSON_OWNED json_t *made = path_write(path, target, value, arena, &failure);
        TEXT_OWNED char *before = json_text(target, 0);
        assert_string_equal(before, rows[i].target);
        if (!rows[i].expected) {
            assert_null(made);
            assert_string_equal(failure.error, "States.ResultPathMatchFailure");
            continue;
        }
        if (!made)
            fail_msg("%s into %s: %s", rows[i].path, rows[i].target, failure.cause);
        TEXT_OWNED char *text = json_text(made, 0);
        assert_string_equal(text, rows[i].expected);
    }
    /* What lies beside the path is shared. */
    ARENA_OWNED struct arena *arena = arena_open();
    JSON_OWNED json_t *input = parse(document);
    struct failure failure = {0};
    JSON_OWNED json_t *made =
        path_write(path_compile(arena, "$.a.new", PATH_REFERENCE, false, NULL), input, value, arena, &failure);
    assert_ptr_equal(json_object_get(made, "nested"), json_object_get(input, "nested"));
    assert_ptr_equal(json_object_get(json_object_get(made, "a"), "b"),
                     json_object_get(json_object_get(input, "a"), "b"));
}

/* ---- bounds ---- */

static json_t *nest(size_t width, int depth) {
    json_t *made = json_array();
    for (size_t i = 0; i < width; i++)
        json_array_append_new(made, depth ? nest(width, depth - 1) : json_integer((json_int_t)i));
    return made;
}

static void test_bounds(void **state) {
    (void)state;
    JSON_OWNED json_t *input = nest(6, 5); /* 56,000 nodes */
    static const char *const endless[] = {
        "$..*..*..*..*",
        "$..*..*..*.length()",
        "$..[?(@..[?(@..[?(@..[?(@..* == 1)] == 1)] == 1)] == 1)]",
        "$..*[-2147483648:2]",
        "$[?(@ in $..*)]..[?($..* anyof $..*)]",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(endless); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        const char *got = read_of(arena, endless[i], input);
        if (got[0] != '!')
            fail_msg("%s ended", endless[i]);
        assert_true(arena_size(arena) < (size_t)64 << 20);
    }
    ARENA_OWNED struct arena *arena = arena_open();
    struct error err = {0};
    size_t length = LIMIT_FLOW_EXPRESSION_BYTES + 10;
    char *text = arena_alloc(arena, length + 1);
    memset(text, 'a', length);
    memcpy(text, "$.", 2);
    assert_null(path_compile(arena, text, PATH_ANY, true, &err));
    text[LIMIT_FLOW_EXPRESSION_BYTES] = '\0';
    assert_non_null(path_compile(arena, text, PATH_ANY, true, &err));
    for (size_t i = 0; i + 1 < LIMIT_FLOW_EXPRESSION_BYTES; i += 2)
        memcpy(text + 1 + i, ".a", 2);
    assert_null(path_compile(arena, text, PATH_ANY, true, &err));
    memset(text, '(', LIMIT_FLOW_EXPRESSION_BYTES);
    memcpy(text, "$[?", 3);
    assert_null(path_compile(arena, text, PATH_ANY, true, &err));
    memset(text + 4, '!', LIMIT_FLOW_EXPRESSION_BYTES - 4);
    assert_null(path_compile(arena, text, PATH_ANY, true, &err));
}

/* Patterns that backtracking engines never finish with. */
static void test_patterns(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    size_t length = 5000;
    char *text = arena_alloc(arena, length + 1);
    memset(text, 'a', length);
    JSON_OWNED json_t *input = json_pack("[s]", text);
    static const struct row rows[] = {
        {"$[?(@ =~ /(a*)*b/)]", "[]"},
        {"$[?(@ =~ /(a|aa)+b/)]", "[]"},
        {"$[?(@ =~ /(.*)(.*)(.*)(.*)(.*)(.*)x/)]", "[]"},
        {"$[?(@ =~ /([a-z]+)*!/i)]", "[]"},
        {"$[?(@ =~ /^(([a-z])+.)+[A-Z]([a-z])+$/)]", "[]"},
        {"$[?(@ =~ /(a?){50}b/)].length()", "[]"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const char *got = read_of(arena, rows[i].path, input);
        if (strcmp(got, rows[i].expected) != 0)
            fail_msg("%s: %.200s", rows[i].path, got);
    }
    /* Refused at once, or given up in bounded time. */
    static const char *const refused[] = {"((((a{1,100}){1,100}){1,100}){1,100})b",
                                          "((((){1000}){1000}){1000}){1000}",
                                          "a{4001}",
                                          "a{1",
                                          "a{2,1}",
                                          "(?=a)a",
                                          "(?R)?a",
                                          "(a)\\1",
                                          "a*+",
                                          "a**",
                                          "*a",
                                          "(a",
                                          "a)",
                                          "[a",
                                          "[]",
                                          "[z-a]",
                                          "[a[b]]",
                                          "\\p{L}",
                                          "\\x1",
                                          "\\Qa\\E",
                                          "a\\"};
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        const char *got = read_of(arena, arena_format(arena, "$[?(@ =~ /%s/)]", refused[i]), input);
        if (got[0] != '?')
            fail_msg("%s: %.200s", refused[i], got);
    }
    /* A budget for all of it: many texts, a large pattern. */
    const char *large = "$[?(@ =~ /(a?){1900}b/ || @ =~ /(a?){1900}c/ || @ =~ /(a?){1900}d/)]";
    assert_int_equal(read_of(arena, large, input)[0], '!');
}

/* Java's answers. */
static void test_pattern_syntax(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        {"/abc/", "abc", true},
        {"/abc/", "xabc", false},
        {"//", "", true},
        {"/a|b|/", "", true},
        {"/a|bc*/", "bccc", true},
        {"/(?:ab)+c?/", "abab", true},
        {"/a{2}/", "aaa", false},
        {"/a{2,}/", "aaaa", true},
        {"/a{2,3}?/", "aaaa", false},
        {"/a{0}b/", "b", true},
        {"/[a-cx]+/", "abcx", true},
        {"/[^a-c]+/", "xyz", true},
        {"/[^a-c]+/", "xyb", false},
        {"/[]a]+/", "]a", true},
        {"/[a\\-z]+/", "a-z", true},
        {"/[-a]+/", "-a", true},
        {"/[a-]+/", "-a", true},
        {"/[\\D]+/", "ab", true},
        {"/[\\D]+/", "a1", false},
        {"/[\\W\\d]+/", "1 2", true},
        {"/\\d+\\.\\d*/", "3.14", true},
        {"/\\w+\\s\\S+/", "ab_1 c", true},
        {"/.*/", "a\\nb", false},
        {"/.*/s", "a\\nb", true},
        {"/(?s).*/", "a\\nb", true},
        {"/^a$\\n^b$/m", "a\\nb", true},
        {"/^a$\\n^b$/", "a\\nb", false},
        {"/ABC/i", "abc", true},
        {"/(?i)ABC/", "abc", true},
        {"/[A-C]+/i", "abc", true},
        {"/\\bfoo\\b.*/", "foo bar", true},
        {"/fo\\bo/", "foo", false},
        {"/fo\\Bo/", "foo", true},
        {"/\\x41\\u0042/", "AB", true},
        {"/a b # c/x", "ab", true},
        {"/\\Aa\\z/", "a", true},
        {"/caf\\u00e9./", "caf\\u00e9\\ud83d\\ude00", true},
        {"/[\\ud83d\\ude00]/", "\\ud83d\\ude00", true},
        {"/(a*)*/", "aaa", true},
        {"/(a|b)*?c/", "ababc", true},
        {"/(|a)+/", "aa", true},
        {"/a\\/b/", "a/b", true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        JSON_OWNED json_t *input = parse(arena_format(arena, "[\"%s\"]", rows[i].text));
        const char *got = read_of(arena, arena_format(arena, "$[?(@ =~ %s)].length()", rows[i].pattern), input);
        bool matches = strcmp(got, "[]") != 0;
        if (matches != rows[i].matches || *got != '[')
            fail_msg("%s of %s: %s", rows[i].pattern, rows[i].text, got);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_syntax), cmocka_unit_test(test_steps),   cmocka_unit_test(test_filters),
        cmocka_unit_test(test_functions),      cmocka_unit_test(test_absent),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_references),     cmocka_unit_test(test_sharing), cmocka_unit_test(test_find),
        cmocka_unit_test(test_write),          cmocka_unit_test(test_bounds),  cmocka_unit_test(test_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
