#include "index_support.h"
#include "search/query.h"

static struct arena *arena;
static struct tokenizer *tokenizer;

static int setup(void **state) {
    struct error err = {0};
    (void)state;
    arena = arena_open();
    tokenizer = tokenizer_open(&err);
    return tokenizer ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    arena_close(arena);
    tokenizer_close(tokenizer);
    return 0;
}

/* word, "a phrase", begin*, (& a b !c), (| a b) */
static const char *node_line(const struct query_node *node) {
    char *line = arena_text(arena, "");
    if (!node)
        return "nothing";
    if (node->kind == QUERY_LEAF) {
        for (size_t i = 0; i < node->term_count; i++)
            line = arena_format(arena, "%s%s%s%s", line, i ? " " : "", node->terms[i].text,
                                node->terms[i].prefix ? "*" : "");
        return node->term_count > 1 ? arena_format(arena, "\"%s\"", line) : line;
    }
    line = arena_text(arena, node->kind == QUERY_AND ? "(&" : "(|");
    for (size_t i = 0; i < node->child_count; i++)
        line = arena_format(arena, "%s %s%s", line, i >= node->wanted ? "!" : "", node_line(node->children[i]));
    return arena_format(arena, "%s)", line);
}

static const char *parsed(const char *text) {
    return node_line(query_parse(arena, tokenizer, text, strlen(text))->root);
}

static void reads_the_language(void **state) {
    (void)state;
    assert_string_equal(parsed("hello"), "hello");
    assert_string_equal(parsed("Hello  wörld"), "(& hello world)");
    assert_string_equal(parsed("a AND b"), "(& a b)");
    assert_string_equal(parsed("a OR b c OR d"), "(| a (& b c) d)");
    assert_string_equal(parsed("(a OR b) c"), "(& (| a b) c)");
    assert_string_equal(parsed("a NOT b"), "(& a !b)");
    assert_string_equal(parsed("a AND NOT b"), "(& a !b)");
    assert_string_equal(parsed("-b a -(c d)"), "(& a !b !(& c d))");
    assert_string_equal(parsed("\"hello there\" you"), "(& \"hello there\" you)");
    assert_string_equal(parsed("\xE2\x80\x9Chello there\xE2\x80\x9D"), "\"hello there\"");
    assert_string_equal(parsed("begin* \"an en*\" \"an en\"*"), "(& begin* \"an en*\" \"an en*\")");
    assert_string_equal(parsed("e-mail don't Kevin's"), "(& \"e mail\" dont kevins)");
    assert_string_equal(parsed("東京"), "\"東 京\"");
}

static void never_fails(void **state) {
    (void)state;
    assert_string_equal(parsed(""), "nothing");
    assert_string_equal(parsed("  \t ?! * - ()"), "nothing");
    assert_string_equal(parsed("\"open quote"), "(& open quote)");
    assert_string_equal(parsed("5\" disk"), "(& 5 disk)");
    assert_string_equal(parsed("\"\" a"), "a");
    assert_string_equal(parsed("((a"), "a");
    assert_string_equal(parsed("a)) b"), "(& a b)");
    assert_string_equal(parsed("() a (())"), "a");
    assert_string_equal(parsed("AND"), "and");
    assert_string_equal(parsed("rock AND"), "(& rock and)");
    assert_string_equal(parsed("OR a"), "(& or a)");
    assert_string_equal(parsed("a AND OR b"), "(& a or b)");
}

static void exclusion_needs_something_else(void **state) {
    (void)state;
    assert_string_equal(parsed("-word"), "word");
    assert_string_equal(parsed("NOT word"), "word");
    assert_string_equal(parsed("--word"), "word");
    assert_string_equal(parsed("a NOT NOT b"), "(& a b)");
    assert_string_equal(parsed("-a -b"), "(& a b)");
    assert_string_equal(parsed("well - known"), "(& well known)");
}

static void stays_within_limits(void **state) {
    (void)state;
    char text[5000];
    memset(text, '(', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_string_equal(parsed(text), "nothing");
    text[500] = 'a';
    memset(text + 501, ')', 500);
    text[1001] = '\0';
    assert_string_equal(parsed(text), "a");
    for (size_t i = 0; i + 1 < sizeof(text); i += 2)
        memcpy(text + i, "a ", 2);
    text[sizeof(text) - 1] = '\0';
    struct query *query = query_parse(arena, tokenizer, text, strlen(text));
    assert_true(query->cut);
    assert_int_equal(query->leaf_count, 64);
    memset(text, 'x', sizeof(text) - 1);
    query = query_parse(arena, tokenizer, text, strlen(text));
    assert_true(query->cut);
    assert_int_equal(query->bytes, 1024);
    for (size_t i = 0; i + 2 < sizeof(text); i += 3)
        memcpy(text + i, "a -", 3); /* the exclusions nest nowhere */
    text[1000] = '\0';
    assert_true(query_parse(arena, tokenizer, text, strlen(text))->leaf_count > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_the_language, setup, teardown),
        cmocka_unit_test_setup_teardown(never_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(exclusion_needs_something_else, setup, teardown),
        cmocka_unit_test_setup_teardown(stays_within_limits, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
