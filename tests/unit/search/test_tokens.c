#include "index_support.h"
#include "search/tokens.h"

struct fixture {
    struct tokenizer *tokenizer;
    struct tokens tokens;
    struct arena *arena;
};

static int setup(void **state) {
    struct fixture *fixture = memory_alloc(sizeof(*fixture));
    struct error err = {0};
    fixture->tokenizer = tokenizer_open(&err);
    fixture->arena = arena_open();
    *state = fixture;
    return fixture->tokenizer ? 0 : -1;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    tokenizer_close(fixture->tokenizer);
    tokens_close(&fixture->tokens);
    arena_close(fixture->arena);
    free(fixture);
    return 0;
}

/* "term@position[source]" for each token. */
static const char *tokens_line(struct fixture *fixture, const char *text) {
    tokenizer_run(fixture->tokenizer, text, strlen(text), &fixture->tokens);
    char *line = arena_text(fixture->arena, "");
    for (size_t i = 0; i < fixture->tokens.count; i++) {
        const struct token *token = &fixture->tokens.list[i];
        assert_true(token->start < token->end && token->end <= strlen(text));
        line = arena_format(fixture->arena, "%s%s%.*s@%u[%.*s]", line, i ? " " : "", (int)token->term_bytes,
                            token_term(&fixture->tokens, token), token->position, (int)(token->end - token->start),
                            text + token->start);
    }
    return line;
}

static void folds_case_and_accents(void **state) {
    assert_string_equal(tokens_line(*state, "Hello, WORLD 42nd"), "hello@0[Hello] world@1[WORLD] 42nd@2[42nd]");
    assert_string_equal(tokens_line(*state, "Café naïve Ångström"), "cafe@0[Café] naive@1[naïve] angstrom@2[Ångström]");
    assert_string_equal(tokens_line(*state, "Straße Ærø Œuvre Łódź ılık"),
                        "strasse@0[Straße] aero@1[Ærø] oeuvre@2[Œuvre] lodz@3[Łódź] ilik@4[ılık]");
    assert_string_equal(tokens_line(*state, "e\xCC\x81t\xC3\xA9"),
                        "ete@0[e\xCC\x81t\xC3\xA9]"); /* a combining accent */
    assert_string_equal(tokens_line(*state, "МОСКВА ΑΘΗΝΑ"), "москва@0[МОСКВА] αθηνα@1[ΑΘΗΝΑ]");
}

static void joins_at_apostrophes(void **state) {
    assert_string_equal(tokens_line(*state, "don't Don\xE2\x80\x99T dont"),
                        "dont@0[don't] dont@1[Don\xE2\x80\x99T] dont@2[dont]");
    assert_string_equal(tokens_line(*state, "Kevin's it\xE2\x80\x99s"),
                        "kevins@0[Kevin's] kevin@0[Kevin's] its@1[it\xE2\x80\x99s] it@1[it\xE2\x80\x99s]");
    assert_string_equal(tokens_line(*state, "l'avion d\xE2\x80\x99\xC3\xA9t\xC3\xA9"),
                        "lavion@0[l'avion] avion@0[l'avion] dete@1[d\xE2\x80\x99\xC3\xA9t\xC3\xA9] "
                        "ete@1[d\xE2\x80\x99\xC3\xA9t\xC3\xA9]");
    assert_string_equal(tokens_line(*state, "'quoted' rock 'n' roll ''"),
                        "quoted@0[quoted] rock@1[rock] n@2[n] roll@3[roll]");
    assert_string_equal(tokens_line(*state, "I'm"), "im@0[I'm]");
}

static void splits_where_words_end(void **state) {
    assert_string_equal(tokens_line(*state, "e-mail 3.5 a_b x\xE2\x80\x94y"),
                        "e@0[e] mail@1[mail] 3@2[3] 5@3[5] a@4[a] b@5[b] x@6[x] y@7[y]");
    assert_string_equal(tokens_line(*state, "東京 is ガ!"), "東@0[東] 京@1[京] is@2[is] ガ@3[ガ]");
    assert_string_equal(tokens_line(*state, "... --- !?"), "");
    assert_string_equal(tokens_line(*state, ""), "");
}

static void survives_any_bytes(void **state) {
    struct fixture *fixture = *state;
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    tokenizer_run(fixture->tokenizer, bytes, sizeof(bytes), &fixture->tokens);
    assert_true(fixture->tokens.count > 0);
    for (size_t i = 0; i < fixture->tokens.count; i++)
        assert_true(fixture->tokens.list[i].end <= sizeof(bytes));
    tokenizer_run(fixture->tokenizer, "a\xC3", 2, &fixture->tokens);
    assert_true(fixture->tokens.count >= 1);
}

static void cuts_endless_words(void **state) {
    struct fixture *fixture = *state;
    char word[300];
    memset(word, 'x', sizeof(word));
    tokenizer_run(fixture->tokenizer, word, sizeof(word), &fixture->tokens);
    assert_int_equal(fixture->tokens.count, 1);
    assert_int_equal(fixture->tokens.list[0].term_bytes, 64);
    word[0] = 'x';
    for (size_t i = 1; i + 1 < sizeof(word); i += 2)
        memcpy(word + i, "\xD0\xB6", 2); /* byte 64 is in the middle of a letter */
    tokenizer_run(fixture->tokenizer, word, sizeof(word) - 1, &fixture->tokens);
    assert_int_equal(fixture->tokens.list[0].term_bytes, 63);
}

/* "term@position" for each token. */
static const char *terms_line(struct fixture *fixture, const char *text) {
    tokenizer_run(fixture->tokenizer, text, strlen(text), &fixture->tokens);
    char *line = arena_text(fixture->arena, "");
    for (size_t i = 0; i < fixture->tokens.count; i++) {
        const struct token *token = &fixture->tokens.list[i];
        line = arena_format(fixture->arena, "%s%.*s@%u ", line, (int)token->term_bytes,
                            token_term(&fixture->tokens, token), token->position);
    }
    return line;
}

/* What is done here for ASCII must be what the unicode61 tokenizer does: with no-break spaces for blanks the same text
 * goes through it. */
static void ascii_agrees_with_unicode61(void **state) {
    static const char letters[] = "abcXYZ019' ";
    struct fixture *fixture = *state;
    uint64_t random = 1;
    for (int round = 0; round < 3000; round++) {
        char plain[32], beyond[80] = "\xC2\xA0";
        size_t length = 0;
        size_t other = 2;
        for (; length < 1 + (size_t)(round % 30); length++) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            plain[length] = letters[(random >> 33) % (sizeof(letters) - 1)];
            if (plain[length] == ' ')
                memcpy(beyond + other, "\xC2\xA0", 2);
            else
                beyond[other] = plain[length];
            other += plain[length] == ' ' ? 2 : 1;
        }
        plain[length] = '\0';
        beyond[other] = '\0';
        assert_string_equal(terms_line(fixture, plain), terms_line(fixture, beyond));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(folds_case_and_accents, setup, teardown),
        cmocka_unit_test_setup_teardown(joins_at_apostrophes, setup, teardown),
        cmocka_unit_test_setup_teardown(splits_where_words_end, setup, teardown),
        cmocka_unit_test_setup_teardown(survives_any_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(cuts_endless_words, setup, teardown),
        cmocka_unit_test_setup_teardown(ascii_agrees_with_unicode61, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
