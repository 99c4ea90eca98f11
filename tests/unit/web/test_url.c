#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "web/url.h"

struct pair {
    const char *from;
    const char *to;
};

/* RFC 3986 section 5.4, whole. */
static void references_of_the_rfc(void **state) {
    (void)state;
    static const char base[] = "http://a/b/c/d;p?q";
    static const struct pair pairs[] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y#s"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g#s/./x"},
        {"http:g", "http:g"},
    };
    struct arena *arena ARENA_OWNED = arena_open();
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
        const char *made = url_resolve(arena, base, pairs[i].from, NULL);
        if (!made || strcmp(made, pairs[i].to) != 0)
            fail_msg("\"%s\" became %s, not %s", pairs[i].from, made ? made : "nothing", pairs[i].to);
    }
    assert_string_equal(url_resolve(arena, "http://a", "g", NULL), "http://a/g");
    assert_string_equal(url_resolve(arena, NULL, "https://a/b", NULL), "https://a/b");
    struct error err = {0};
    assert_null(url_resolve(arena, NULL, "b", &err));
    assert_int_equal(err.code, ERROR_INVALID);
}

static void parts(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct url url;
    assert_true(url_parse(arena, "  HTTPS://Ann:p%40ss@Example.ORG:0443/a b?x=1#part \n", &url, NULL));
    assert_string_equal(url.scheme, "https");
    assert_string_equal(url.user_info, "Ann:p%40ss");
    assert_string_equal(url.host, "example.org");
    assert_null(url.port);
    assert_string_equal(url.path, "/a b");
    assert_string_equal(url.query, "x=1");
    assert_string_equal(url.fragment, "part");
    assert_string_equal(url_text(arena, &url), "https://Ann:p%40ss@example.org/a%20b?x=1#part");
    assert_true(url_parse(arena, "http://[2001:DB8::1]:8080/", &url, NULL));
    assert_string_equal(url.host, "[2001:db8::1]");
    assert_string_equal(url.port, "8080");
    assert_true(url_parse(arena, "http://a:/x", &url, NULL));
    assert_null(url.port);
    assert_true(url_parse(arena, "mailto:a@b", &url, NULL));
    assert_null(url.host);
    assert_string_equal(url.path, "a@b");
    static const char *const bad[] = {"",
                                      "   ",
                                      "http://a:99999/",
                                      "http://a:x/",
                                      "http://[::1/",
                                      "http://[::1]x/",
                                      "http://a:1:2/",
                                      "http://a b/",
                                      "http://a<b>/",
                                      "http://a/\x01",
                                      "ht\ntp://a"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct error err = {0};
        if (url_parse(arena, bad[i], &url, &err))
            fail_msg("%s", bad[i]);
        assert_int_equal(err.code, ERROR_INVALID);
    }
    char *longer = arena_alloc(arena, LIMIT_URL_BYTES + 2);
    memset(longer, 'a', LIMIT_URL_BYTES + 1);
    assert_false(url_parse(arena, longer, &url, NULL));
    longer[LIMIT_URL_BYTES] = 0;
    assert_true(url_parse(arena, longer, &url, NULL));
}

static void normal_forms(void **state) {
    (void)state;
    static const struct pair pairs[] = {
        {"HTTP://Example.COM", "http://example.com/"},
        {"http://example.com:80/", "http://example.com/"},
        {"https://example.com:443/a/../b/./c", "https://example.com/b/c"},
        {"http://example.com/%7Euser/%c3%a9?q=%41", "http://example.com/~user/%C3%A9?q=A"},
        {"http://example.com/\xc3\xa9 x", "http://example.com/%C3%A9%20x"},
        {"http://example.com/a%2fb#frag", "http://example.com/a%2Fb"},
        {"http://example.com./", "http://example.com/"},
        {"http://example.com/100%", "http://example.com/100%25"},
        {"", ""},
    };
    struct arena *arena ARENA_OWNED = arena_open();
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
        assert_string_equal(url_normal(arena, pairs[i].from), pairs[i].to);
        assert_string_equal(url_normal(arena, pairs[i].to), pairs[i].to);
    }
}

static void web_addresses(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    assert_true(url_is_web("https://example.org/x"));
    assert_true(url_is_web(" HTTP://example.org"));
    assert_false(url_is_web("ftp://example.org/"));
    assert_false(url_is_web("https:///x"));
    assert_false(url_is_web("example.org/x"));
    assert_false(url_is_web("javascript:alert(1)"));
    assert_false(url_is_web(NULL));
    assert_string_equal(url_host(arena, "https://Feeds.Example.org/x"), "feeds.example.org");
    assert_null(url_host(arena, "nothing"));
}

static void user_information(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    char *user = NULL;
    char *password = NULL;
    assert_string_equal(url_without_user(arena, "https://an%6e:p%40s%3As@h.org/f?x", &user, &password),
                        "https://h.org/f?x");
    assert_string_equal(user, "ann");
    assert_string_equal(password, "p@s:s");
    assert_string_equal(url_without_user(arena, "https://h.org/a@b", &user, &password), "https://h.org/a@b");
    assert_null(user);
    assert_null(password);
    assert_string_equal(url_without_user(arena, "https://ann@h.org/", &user, &password), "https://h.org/");
    assert_string_equal(user, "ann");
    assert_null(password);
}

static void same_audio_behind_trackers(void **state) {
    (void)state;
    static const char plain[] = "https://traffic.example.com/show/1.mp3";
    static const char *const same[] = {
        "http://traffic.example.com/show/1.mp3",
        "https://Traffic.Example.com:443/show/1.mp3#t=5",
        "https://traffic.example.com/show/1.mp3?utm_source=rss&utm_medium=feed",
        "https://dts.podtrac.com/redirect.mp3/traffic.example.com/show/1.mp3",
        "https://www.podtrac.com/pts/redirect.mp3/traffic.example.com/show/1.mp3",
        "https://chtbl.com/track/ABC123/traffic.example.com/show/1.mp3",
        "https://chrt.fm/track/ABC123/https://traffic.example.com/show/1.mp3",
        "https://pdst.fm/e/traffic.example.com/show/1.mp3",
        "https://op3.dev/e/traffic.example.com/show/1.mp3",
        "https://op3.dev/e,pg=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee/https://traffic.example.com/show/1.mp3",
        "https://media.blubrry.com/myshow/traffic.example.com/show/1.mp3",
        "https://arttrk.com/p/ABC/chrt.fm/track/X/pdst.fm/e/op3.dev/e/traffic.example.com/show/1.mp3?source=feed",
        "https://mgln.ai/e/1/traffic.example.com/show/1.mp3",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(same); i++) {
        if (!url_same_audio(plain, same[i]))
            fail_msg("%s", same[i]);
    }
    static const char *const other[] = {
        "https://traffic.example.com/show/2.mp3",
        "https://traffic.example.com/show/1.mp3?updated=17",
        "https://example.com/pdst.fm/e/traffic.example.com/show/1.mp3",
        "https://podtrac.com/show/1.mp3",
        "https://chtbl.com/track/ABC123/traffic.example.com/show/2.mp3",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(other); i++) {
        if (url_same_audio(plain, other[i]))
            fail_msg("%s", other[i]);
    }
    assert_false(url_same_audio(NULL, plain));
}

static void secrets_are_registered(void **state) {
    (void)state;
    url_redact_secrets("https://ann:hunter2secret@h.org/f?auth_token=tok3nvalue&page=4444");
    char line[] = "got hunter2secret and tok3nvalue on page 4444";
    assert_string_equal(redact_text(line), "got *** and *** on page 4444");
    url_redact_secrets("no url at all");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_of_the_rfc),  cmocka_unit_test(parts),
        cmocka_unit_test(normal_forms),           cmocka_unit_test(web_addresses),
        cmocka_unit_test(user_information),       cmocka_unit_test(same_audio_behind_trackers),
        cmocka_unit_test(secrets_are_registered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
