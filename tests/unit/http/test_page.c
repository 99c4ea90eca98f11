#include "support/unit.h"

#include <string.h>

#include "http/page.h"

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

static void excerpts_end_between_words(void **state) {
    (void)state;
    assert_string_equal(page_excerpt(arena, "  short \n\t text ", 50), "short text");
    assert_string_equal(page_excerpt(arena, "", 50), "");
    assert_string_equal(page_excerpt(arena, "exactly ten", 11), "exactly ten");
    assert_string_equal(page_excerpt(arena, "one two three four", 12), "one two…");
    assert_string_equal(page_excerpt(arena, "Unteilbarundlanglang", 10), "Unteilbaru…");
    assert_string_equal(page_excerpt(arena, "a éééééééééé", 5), "a ééé…"); /* characters, not bytes */
}

static void html_becomes_text(void **state) {
    static const struct {
        const char *html, *text;
    } rows[] = {
        {"plain", "plain"},
        {"<p>one</p><p>two</p>", " one  two "},
        {"a &amp; b &lt;c&gt; &quot;d&quot; &#39;e&#x27; &nbsp;f", "a & b <c> \"d\" 'e'  f"},
        {"5 < 6 & 7 > 2 &unknown; &", "5 < 6 & 7 > 2 &unknown; &"},
        {"a<!-- <b> hidden --> b", "a  b"},
        {"a <b unfinished", "a <b unfinished"},
        {"x<br/>y", "x y"},
        {"&#0; &#xD800; &#x110000; &#1;", "&#0; &#xD800; &#x110000; &#1;"},
        {"&hellip;&rsquo;&#233;", "…’é"},
        {"<", "<"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(page_plain(arena, rows[i].html), rows[i].text);
}

#define POLICY(scripts, reports)                                                                                       \
    "default-src 'none'; script-src 'self'" scripts "; style-src 'self'; img-src 'self' https: data:; "                \
    "media-src 'self' https: http:; connect-src 'self'" reports "; base-uri 'self'; form-action 'self'; "              \
    "frame-ancestors 'none'"

static void policies(void **state) {
    static const struct {
        const char *script, *policy;
    } rows[] = {
        {NULL, POLICY("", "")},
        {"", POLICY("", "")},
        {"<script data-goatcounter=\"https://x.goatcounter.com/count\" async src=\"//gc.zgo.at/count.js\"></script>",
         POLICY(" gc.zgo.at", " https://x.goatcounter.com gc.zgo.at")},
        {"<script src='https://a.example:8443/x.js'></script>",
         POLICY(" https://a.example:8443", " https://a.example:8443")},
        {"<script src=https://a.example/x.js></script>", POLICY(" https://a.example", " https://a.example")},
        /* "printf 'alert(1)' | openssl dgst -sha256 -binary | base64" */
        {"<script>alert(1)</script>", POLICY(" 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='", "")},
        /* What could add a directive of its own, or is no origin, is left out. */
        {"<script src=\"https://a.example; script-src *\"></script>", POLICY("", "")},
        {"<script src=\"https://a.example' 'unsafe-inline\"></script>", POLICY("", "")},
        {"<script src=\"http://plain.example/x.js\"></script>", POLICY("", "")},
        {"<script src=\"/local.js\"></script>", POLICY("", "")},
        {"<script src=\"https:///x\"></script>", POLICY("", "")},
        {"<script src=\"//-x.example/\"></script>", POLICY("", "")},
        {"<script src=\"//'unsafe-inline'\"></script>", POLICY("", "")},
        {"<script src=https://a.example.org/></script><script src=https://a.example/></script><script "
         "src=https://a.example/2>",
         POLICY(" https://a.example.org https://a.example", " https://a.example.org https://a.example")},
        {"<script", POLICY("", "")},
        {"<script src=\"https://a.example/", POLICY(" https://a.example", " https://a.example")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(page_policy(arena, rows[i].script), rows[i].policy);
}

static void templates_are_filled_and_escaped(void **state) {
    json_t *facts = json_pack("{s:s}", "name", "</script><b>");
    struct page_head head = {
        .base = "/x/\"><script>",
        .title = "a < b & \"c\" {{base}}",
        .type = "website",
        .facts = facts,
        .tracking = "<script>raw</script>",
    };
    size_t length;
    (void)state;
    char *page = page_fill(arena, "index.html", &head, &length);
    assert_int_equal(strlen(page), length);
    assert_non_null(strstr(page, "<title>a &lt; b &amp; &quot;c&quot; {{base}}</title>")); /* not filled twice */
    assert_non_null(strstr(page, "<base href=\"/x/&quot;&gt;&lt;script&gt;\">"));
    assert_non_null(strstr(page, "{\"name\":\"\\u003c/script\\u003e\\u003cb\\u003e\"}</script>"));
    assert_non_null(strstr(page, "<script>raw</script>"));
    assert_null(strstr(page, "{{title}}"));
    assert_null(strstr(page, "{{tracking}}"));
    assert_string_equal(page_fill(arena, "no such page", &head, &length), "");
    json_decref(facts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(excerpts_end_between_words),
        cmocka_unit_test(html_becomes_text),
        cmocka_unit_test(policies),
        cmocka_unit_test(templates_are_filled_and_escaped),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
