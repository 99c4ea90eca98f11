#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "support/log_capture.h"
#include "support/unit.h"

static void test_levels(void **state) {
    (void)state;
    log_capture_open(LOG_INFO);
    log_debug("feed", "not shown");
    log_info("feed", "%s: %d items", "hardfork", 7);
    log_error("feed", "gone");
    const char *text = log_capture_text();
    int64_t when = 0;
    TEXT_OWNED char *stamp = memory_text_part(text, 24);
    assert_true(clock_parse_iso(stamp, &when));
    assert_string_equal(text + 24 + strlen(" info  feed: hardfork: 7 items\n") + 24, " error feed: gone\n");
    assert_true(text_starts(text + 24, " info  feed: hardfork: 7 items\n"));
    log_capture_close();
    enum log_level level = LOG_OFF;
    assert_true(log_level_parse("Debug", &level) && level == LOG_DEBUG);
    assert_true(log_level_parse("off", &level) && level == LOG_OFF);
    assert_false(log_level_parse("loud", &level));
    assert_int_equal(log_level(), LOG_WARN);
}

/* The part of the captured text behind "room: ". */
static const char *said(void) {
    return strstr(log_capture_text(), "room: ") + strlen("room: ");
}

static void test_one_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"a\nb\r\tc", "a\\x0Ab\\x0D\\x09c\n"},
        {"\x1B[31mred\x7F", "\\x1B[31mred\\x7F\n"},
        {"c1 \xC2\x9B!", "c1 \\xC2\\x9B!\n"},
        {"turned \xE2\x80\xAEgpj.exe", "turned \\xE2\\x80\\xAEgpj.exe\n"},
        {"bytes \xFF\xC3", "bytes \\xFF\\xC3\n"},
        {"caf\xC3\xA9 \xF0\x9F\x8E\x99", "caf\xC3\xA9 \xF0\x9F\x8E\x99\n"},
        {"100% %s", "100% %s\n"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        log_capture_open(LOG_INFO);
        log_info("room", "%s", rows[i].text);
        assert_string_equal(said(), rows[i].shown);
        log_capture_close();
    }
}

static void test_long_line(void **state) {
    (void)state;
    TEXT_OWNED char *title = memory_alloc(MIB + 1);
    for (size_t i = 0; i + 2 < MIB; i += 2)
        memcpy(title + i, "\xC3\xA9", 2);
    log_capture_open(LOG_INFO);
    log_info("room", "x%s", title);
    const char *text = log_capture_text();
    assert_in_range(strlen(text), LIMIT_LOG_LINE - 10, LIMIT_LOG_LINE + 128);
    assert_true(utf8_valid(text, strlen(text)));
    log_capture_close();
}

static void test_secrets(void **state) {
    (void)state;
    redact_add("hunter2");
    redact_add("hunter2"); /* twice is once */
    redact_add("hunter2andmore");
    redact_add("abc"); /* too short to be told from a word */
    redact_add(NULL);
    char text[] = "hunter2 hunter2andmore xhunter2x abc hunter";
    assert_string_equal(redact_text(text), "*** *** x***x abc hunter");
    log_capture_open(LOG_INFO);
    /* Across the place where the line is cut, too. */
    for (size_t before = LIMIT_LOG_LINE - 20; before < LIMIT_LOG_LINE; before++) {
        TEXT_OWNED char *filler = memory_alloc(before + 1);
        memset(filler, '.', before);
        log_info("room", "%shunter2andmore", filler);
    }
    assert_null(strstr(log_capture_text(), "hun"));
    assert_null(strstr(log_capture_text(), ".h"));
    log_capture_close();
}

static void test_urls(void **state) {
    (void)state;
    static const struct {
        const char *url, *shown;
    } rows[] = {
        {"https://example.com/feed.xml", "https://example.com/feed.xml"},
        {"https://user:pass@example.com/feed", "https://***@example.com/feed"},
        {"https://user@example.com:8080/feed", "https://***@example.com:8080/feed"},
        {"https://a@b@example.com/", "https://***@example.com/"},
        {"https://example.com/p/a@b.mp3", "https://example.com/p/a@b.mp3"},
        {"https://x.example/f?id=7&token=s3&Auth_Key=x&page=2",
         "https://x.example/f?id=7&token=***&Auth_Key=***&page=2"},
        {"https://x.example/f?X-Amz-Signature=abc&x=1", "https://x.example/f?X-Amz-Signature=***&x=1"},
        {"https://x.example/rss/9f8e7d6c5b4a39281706aabbcc/feed", "https://x.example/rss/***/feed"},
        {"https://x.example/a-long-title-without-digits-in-it/feed",
         "https://x.example/a-long-title-without-digits-in-it/feed"},
        {"not a url", "not a url"},
        {"", ""},
        {"https://x.example?token=1#frag", "https://x.example?token=***"},
        {"https://x.example/f?access=hunter3", "https://x.example/f?access=***"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char out[256];
        assert_string_equal(redact_url(rows[i].url, out, sizeof(out)), rows[i].shown);
    }
    char small[12];
    redact_url("https://user:password@example.com/x", small, sizeof(small));
    assert_null(strstr(small, "user"));
    assert_true(strlen(small) < sizeof(small));
    char none[1] = {'x'};
    assert_string_equal(redact_url("https://user:pass@x.example/", none, 1), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),  cmocka_unit_test(test_one_line), cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_secrets), cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
