/* What feeds change in a manifest. Feeds are RSS text, read by the real parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/text.h"
#include "podcast/manifest.h"
#include "web/feed.h"

static const int64_t now = 1750000000000; /* 2025-06-15T15:06:40Z */

struct fixture {
    struct arena *arena;
    struct manifest *manifest;
    struct manifest_merge report;
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->arena = arena_open();
    fixture->manifest = manifest_open();
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    manifest_close(fixture->manifest);
    arena_close(fixture->arena);
    free(fixture);
    return 0;
}

static char *item(struct fixture *fixture, const char *title, const char *date, const char *url, const char *guid) {
    char *guid_line = guid ? arena_format(fixture->arena, "<guid isPermaLink=\"false\">%s</guid>", guid)
                           : arena_text(fixture->arena, "");
    return arena_format(fixture->arena,
                        "<item><title>%s</title><pubDate>%s</pubDate>%s"
                        "<enclosure url=\"%s\" type=\"audio/mpeg\" length=\"1000\"/></item>",
                        title, date, guid_line, url);
}

static void merge_at(struct fixture *fixture, const char *podcast, const char *items, int64_t at) {
    char *text = arena_format(fixture->arena,
                              "<?xml version=\"1.0\"?><rss version=\"2.0\" "
                              "xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\">"
                              "<channel><title>Show</title>%s</channel></rss>",
                              items);
    struct error err = {0};
    struct feed *feed = feed_parse(fixture->arena, text, strlen(text), NULL, &err);
    assert_string_equal(err.message, "");
    assert_non_null(feed);
    manifest_merge_feed(fixture->arena, fixture->manifest, podcast, feed, 0, at, &fixture->report);
    manifest_number_new(fixture->manifest);
}

static void merge(struct fixture *fixture, const char *podcast, const char *items) {
    merge_at(fixture, podcast, items, now);
}

static char *two(struct fixture *fixture, const char *a, const char *b) {
    return arena_format(fixture->arena, "%s%s", a, b);
}

#define JAN_1 "Mon, 01 Jan 2024 08:00:00 GMT"
#define JAN_1_LATER "Mon, 01 Jan 2024 17:00:00 GMT"
#define JAN_2 "Tue, 02 Jan 2024 08:00:00 GMT"

/* One item is a feed too; the older reader failed on it. */
static void test_one_item(void **state) {
    struct fixture *f = *state;
    merge(f, "show", item(f, "1984", JAN_1, "https://example.org/a.mp3", "g1"));
    assert_int_equal(f->manifest->count, 1);
    const struct episode *row = f->manifest->episodes[0];
    assert_string_equal(row->title, "1984");
    assert_string_equal(row->file_key, "2024-01-01_1984--1750000000000");
    assert_int_equal(row->id, 1);
    assert_int_equal(row->downloaded_ms, now);
    assert_string_equal(row->guid, "g1");
    assert_int_equal(f->report.added_count, 1);
    assert_true(f->manifest->changed);
}

static void test_no_items(void **state) {
    struct fixture *f = *state;
    merge(f, "show", "");
    assert_int_equal(f->manifest->count, 0);
    assert_false(f->manifest->changed);
}

/* The same feed again changes nothing. */
static void test_second_time_is_free(void **state) {
    struct fixture *f = *state;
    char *items = two(f, item(f, "One", JAN_1, "https://example.org/1.mp3", "g1"),
                      item(f, "Two", JAN_2, "https://example.org/2.mp3", NULL));
    merge(f, "show", items);
    f->manifest->changed = false;
    merge_at(f, "show", items, now + 5000);
    assert_int_equal(f->manifest->count, 2);
    assert_int_equal(f->report.added_count, 0);
    assert_int_equal(f->report.known, 2);
    assert_int_equal(f->report.updated + f->report.moved, 0);
    assert_false(f->manifest->changed);
}

/* Titles that are equal in their first 50 characters on one day lost an episode. */
static void test_parts_of_one_day(void **state) {
    struct fixture *f = *state;
    char *items = two(f,
                      item(f, "A very long title that goes on until the fifty characters are over, Part 1", JAN_1,
                           "https://example.org/1.mp3", "g1"),
                      item(f, "A very long title that goes on until the fifty characters are over, Part 2", JAN_1,
                           "https://example.org/2.mp3", "g2"));
    merge(f, "show", items);
    assert_int_equal(f->manifest->count, 2);
    assert_string_not_equal(f->manifest->episodes[0]->file_key, f->manifest->episodes[1]->file_key);
    assert_int_equal(f->manifest->episodes[1]->downloaded_ms, now + 1);
    /* Also without guids. */
    merge(f, "other",
          two(f,
              item(f, "B very long title that goes on until the fifty characters are over, Part 1", JAN_1,
                   "https://example.org/3.mp3", NULL),
              item(f, "B very long title that goes on until the fifty characters are over, Part 2", JAN_1,
                   "https://example.org/4.mp3", NULL)));
    assert_int_equal(f->manifest->count, 4);
}

/* The manifest of the older system has Part 1 only, without guid; Part 2 appears now, Part 1 keeps its row. */
static void test_lost_part_comes_back(void **state) {
    struct fixture *f = *state;
    const char *text =
        "{\"lastUpdated\":\"2024-02-01T00:00:00.000Z\",\"episodes\":[{\"sequentialId\":1,\"podcastId\":\"show\","
        "\"title\":\"A very long title that goes on until the fifty characters are over, Part 1\","
        "\"fileKey\":\"2024-01-01_A_very_long_title_that_goes_on_until_the_fifty_cha--1706000000000\","
        "\"originalAudioURL\":\"https://example.org/1.mp3\",\"summary\":\"\","
        "\"publishedAt\":\"2024-01-01T08:00:00.000Z\",\"downloadedAt\":\"2024-01-23T08:53:20.000Z\","
        "\"hasCompletedLLMAnnotations\":false,\"llmAnnotations\":{}}]}";
    manifest_close(f->manifest);
    f->manifest = manifest_parse(text, strlen(text), NULL);
    assert_non_null(f->manifest);
    merge(f, "show",
          two(f,
              item(f, "A very long title that goes on until the fifty characters are over, Part 2", JAN_1,
                   "https://example.org/2.mp3", "g2"),
              item(f, "A very long title that goes on until the fifty characters are over, Part 1", JAN_1,
                   "https://example.org/1.mp3", "g1")));
    assert_int_equal(f->manifest->count, 2);
    assert_int_equal(f->manifest->episodes[0]->id, 1);
    assert_string_equal(f->manifest->episodes[0]->guid, "g1");
    assert_string_equal(f->manifest->episodes[0]->file_key,
                        "2024-01-01_A_very_long_title_that_goes_on_until_the_fifty_cha--1706000000000");
    assert_int_equal(f->manifest->episodes[1]->id, 2);
}

/* Two editions of one day with one title: the feed shows one at a time. */
static void test_two_editions(void **state) {
    struct fixture *f = *state;
    merge(f, "news", item(f, "The News", JAN_1, "https://example.org/m.mp3", "morning"));
    merge(f, "news", item(f, "The News", JAN_1_LATER, "https://example.org/e.mp3", "evening"));
    assert_int_equal(f->manifest->count, 2);
}

/* The show moved: other guids and addresses, the same titles and times. */
static void test_host_moved(void **state) {
    struct fixture *f = *state;
    merge(f, "show",
          two(f, item(f, "One", JAN_1, "https://old.example.org/1.mp3", "old-1"),
              item(f, "Two", JAN_2, "https://old.example.org/2.mp3", "old-2")));
    merge(f, "show",
          two(f, item(f, "One", JAN_1, "https://new.example.com/x1.mp3", "new-1"),
              item(f, "Two", JAN_2, "https://new.example.com/x2.mp3", "new-2")));
    assert_int_equal(f->manifest->count, 2);
    assert_int_equal(f->report.moved, 2);
    assert_string_equal(f->manifest->episodes[0]->audio_url, "https://new.example.com/x1.mp3");
    assert_string_equal(f->manifest->episodes[0]->guid, "new-1");
    assert_string_equal(f->manifest->episodes[0]->file_key, "2024-01-01_One--1750000000000");
}

/* A changed address and a changed title made a duplicate; the guid says better. */
static void test_guid_wins(void **state) {
    struct fixture *f = *state;
    merge(f, "show", item(f, "Draft title", JAN_1, "https://example.org/1.mp3", "g1"));
    merge(f, "show", item(f, "Final title", JAN_2, "https://example.org/1-final.mp3", "g1"));
    assert_int_equal(f->manifest->count, 1);
    assert_string_equal(f->manifest->episodes[0]->title, "Final title");
    assert_string_equal(f->manifest->episodes[0]->file_key, "2024-01-01_Draft_title--1750000000000");
    assert_int_equal(f->report.moved, 1);
}

/* A feed that gives every item one guid has none. */
static void test_useless_guids(void **state) {
    struct fixture *f = *state;
    merge(f, "show",
          two(f, item(f, "One", JAN_1, "https://example.org/1.mp3", "https://example.org"),
              item(f, "Two", JAN_2, "https://example.org/2.mp3", "https://example.org")));
    assert_int_equal(f->manifest->count, 2);
    assert_null(f->manifest->episodes[0]->guid);
}

/* Trackers in front and counting parameters are the same audio; the row keeps its address. */
static void test_trackers(void **state) {
    struct fixture *f = *state;
    merge(f, "show", item(f, "One", JAN_1, "https://example.org/1.mp3", NULL));
    f->manifest->changed = false;
    merge(f, "show", item(f, "One, renamed", JAN_2, "https://dts.podtrac.com/redirect.mp3/example.org/1.mp3", NULL));
    assert_int_equal(f->manifest->count, 1);
    assert_string_equal(f->manifest->episodes[0]->audio_url, "https://example.org/1.mp3");
    assert_string_equal(episode_fetch_url(f->manifest->episodes[0]),
                        "https://dts.podtrac.com/redirect.mp3/example.org/1.mp3");
}

/* Addresses that are signed anew for each fetch would change the manifest in every run. */
static void test_signatures(void **state) {
    struct fixture *f = *state;
    merge(f, "show", item(f, "One", JAN_1, "https://example.org/1.mp3?id=7&amp;token=aaa&amp;expires=1", "g1"));
    f->manifest->changed = false;
    merge(f, "show", item(f, "One", JAN_1, "https://example.org/1.mp3?id=7&amp;token=bbb&amp;expires=2", "g1"));
    assert_false(f->manifest->changed);
    assert_string_equal(f->manifest->episodes[0]->audio_url, "https://example.org/1.mp3?id=7&token=aaa&expires=1");
    assert_string_equal(episode_fetch_url(f->manifest->episodes[0]),
                        "https://example.org/1.mp3?id=7&token=bbb&expires=2");
    merge(f, "show", item(f, "One", JAN_1, "https://example.org/1.mp3?id=8&amp;token=bbb", "g1"));
    assert_int_equal(f->report.moved, 1);
}

/* One address for every episode. */
static void test_latest_address(void **state) {
    struct fixture *f = *state;
    merge(f, "show", item(f, "One", JAN_1, "https://example.org/latest.mp3", "g1"));
    merge(f, "show", item(f, "Two", JAN_2, "https://example.org/latest.mp3", "g2"));
    assert_int_equal(f->manifest->count, 2);
}

/* Two items of one feed with one address: the first counts, and the row does not change back and forth. */
static void test_address_twice(void **state) {
    struct fixture *f = *state;
    char *items = two(f, item(f, "One", JAN_1, "https://example.org/1.mp3", "g1"),
                      item(f, "One", JAN_1, "https://example.org/1.mp3", "g2"));
    merge(f, "show", items);
    size_t count = f->manifest->count;
    f->manifest->changed = false;
    merge(f, "show", items);
    assert_int_equal(f->manifest->count, count);
    assert_false(f->manifest->changed);
}

/* 271 duplicates came from trailing spaces in the titles of the same show in two feeds. */
static void test_same_show_in_two_feeds(void **state) {
    struct fixture *f = *state;
    merge(f, "first", item(f, "Episode ", JAN_1, "https://a.example.org/1.mp3", "a"));
    f->manifest->changed = false;
    merge(f, "second", item(f, " Episode", JAN_1_LATER, "https://b.example.org/1.mp3", "b"));
    assert_int_equal(f->manifest->count, 1);
    assert_string_equal(f->manifest->episodes[0]->title, "Episode");
    assert_string_equal(f->manifest->episodes[0]->podcast_id, "first");
    assert_false(f->manifest->changed);
    merge(f, "second", item(f, "Another one", JAN_1, "https://b.example.org/2.mp3", "c"));
    assert_int_equal(f->manifest->count, 2);
}

static void test_skipped_items(void **state) {
    struct fixture *f = *state;
    char *items = arena_format(f->arena,
                               "<item><title>No audio</title><pubDate>" JAN_1 "</pubDate></item>"
                               "<item><title>No date</title><enclosure url=\"https://example.org/1.mp3\"/></item>"
                               "<item><title>Odd date</title><pubDate>the day after</pubDate>"
                               "<enclosure url=\"https://example.org/2.mp3\"/></item>%s",
                               item(f, "Good", JAN_1, "https://example.org/3.mp3", NULL));
    merge(f, "show", items);
    assert_int_equal(f->manifest->count, 1);
    assert_int_equal(f->report.skipped, 3);
    assert_int_equal(f->report.warning_count, 3);
    assert_string_equal(f->report.warnings[0],
                        "podcast show: episode \"No audio\": the feed names no audio for it; skipped");
    assert_string_equal(f->report.warnings[1], "podcast show: episode \"No date\": it has no date; skipped");
    assert_string_equal(f->report.warnings[2],
                        "podcast show: episode \"Odd date\": its date \"the day after\" cannot be read; skipped");
}

/* First run: ranks by date over all podcasts, whatever the order of the feeds. */
static void test_first_numbers(void **state) {
    struct fixture *f = *state;
    struct error err = {0};
    const char *feeds[] = {two(f,
                               item(f, "Fourth", "Thu, 04 Jan 2024 08:00:00 GMT", "https://a.example.org/4.mp3", "4"),
                               item(f, "First", JAN_1, "https://a.example.org/1.mp3", "1")),
                           two(f, item(f, "Third", "Wed, 03 Jan 2024 08:00:00 GMT", "https://b.example.org/3.mp3", "3"),
                               item(f, "Second", JAN_2, "https://b.example.org/2.mp3", "2"))};
    for (size_t i = 0; i < 2; i++) {
        char *text =
            arena_format(f->arena, "<rss version=\"2.0\"><channel><title>x</title>%s</channel></rss>", feeds[i]);
        struct feed *feed = feed_parse(f->arena, text, strlen(text), NULL, &err);
        manifest_merge_feed(f->arena, f->manifest, i ? "b" : "a", feed, 0, now, &f->report);
    }
    manifest_number_new(f->manifest);
    const char *expected[] = {"First", "Second", "Third", "Fourth"};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(f->manifest->episodes[i]->title, expected[i]);
        assert_int_equal(f->manifest->episodes[i]->id, i + 1);
    }
}

/* An older episode that appears later shifted all numbers, and with them every shared link. */
static void test_older_episode_shifts_nothing(void **state) {
    struct fixture *f = *state;
    merge(f, "show",
          two(f, item(f, "Second", JAN_2, "https://example.org/2.mp3", "2"),
              item(f, "Third", "Wed, 03 Jan 2024 08:00:00 GMT", "https://example.org/3.mp3", "3")));
    merge(f, "show", item(f, "First", JAN_1, "https://example.org/1.mp3", "1"));
    assert_string_equal(f->manifest->episodes[0]->title, "First");
    assert_int_equal(f->manifest->episodes[0]->id, 3);
    assert_int_equal(f->manifest->episodes[1]->id, 1);
    assert_int_equal(f->manifest->episodes[2]->id, 2);
    assert_int_equal(manifest_find(f->manifest, 1)->published_ms, 1704182400000);
}

/* A number that was taken out is not given again, not even after a save. */
static void test_numbers_are_not_given_twice(void **state) {
    struct fixture *f = *state;
    merge(f, "show",
          two(f, item(f, "One", JAN_1, "https://example.org/1.mp3", "1"),
              item(f, "Two", JAN_2, "https://example.org/2.mp3", "2")));
    manifest_remove(f->manifest, manifest_find(f->manifest, 2));
    char *text = manifest_text(f->manifest);
    manifest_close(f->manifest);
    f->manifest = manifest_parse(text, strlen(text), NULL);
    free(text);
    merge(f, "show", item(f, "Three", JAN_2, "https://example.org/3.mp3", "3"));
    assert_string_equal(manifest_find(f->manifest, 3)->title, "Three");
    merge(f, "show", item(f, "Four", JAN_2, "https://example.org/4.mp3", "4"));
    assert_string_equal(manifest_find(f->manifest, 4)->title, "Four");
}

static void test_newest_only(void **state) {
    struct fixture *f = *state;
    char *text = arena_format(f->arena, "<rss version=\"2.0\"><channel><title>x</title>%s</channel></rss>",
                              two(f, item(f, "Two", JAN_2, "https://example.org/2.mp3", "2"),
                                  item(f, "One", JAN_1, "https://example.org/1.mp3", "1")));
    struct feed *feed = feed_parse(f->arena, text, strlen(text), NULL, NULL);
    manifest_merge_feed(f->arena, f->manifest, "show", feed, 1, now, &f->report);
    assert_int_equal(f->manifest->count, 1);
    assert_string_equal(f->manifest->episodes[0]->title, "Two");
}

/* The fields of tidemill's own come after those that users have. */
static void test_facts(void **state) {
    struct fixture *f = *state;
    const char *items =
        "<item><title>Full</title><pubDate>" JAN_1 "</pubDate><guid>g</guid><link>https://example.org/e</link>"
        "<enclosure url=\"https://example.org/1.m4a\" type=\"audio/x-m4a\" length=\"123\"/>"
        "<description>About it</description><itunes:duration>1:02:03</itunes:duration><itunes:season>2</itunes:season>"
        "<itunes:episode>7</itunes:episode><itunes:episodeType>bonus</itunes:episodeType>"
        "<podcast:transcript xmlns:podcast=\"https://podcastindex.org/namespace/1.0\" "
        "url=\"https://example.org/t.vtt\" "
        "type=\"text/vtt\"/></item>";
    merge(f, "show", items);
    json_t *row = episode_json(f->manifest->episodes[0]);
    char *text = json_text(row, 0);
    json_decref(row);
    assert_string_equal(
        text, "{\"sequentialId\":1,\"podcastId\":\"show\",\"title\":\"Full\","
              "\"fileKey\":\"2024-01-01_Full--1750000000000\",\"originalAudioURL\":\"https://example.org/1.m4a\","
              "\"summary\":\"About it\",\"durationInSeconds\":3723,\"publishedAt\":\"2024-01-01T08:00:00.000Z\","
              "\"downloadedAt\":\"2025-06-15T15:06:40.000Z\",\"hasCompletedLLMAnnotations\":false,"
              "\"llmAnnotations\":{},\"guid\":\"g\",\"audioType\":\"audio/x-m4a\",\"audioLength\":123,"
              "\"link\":\"https://example.org/e\",\"season\":2,\"episode\":7,\"episodeType\":\"bonus\","
              "\"transcripts\":[{\"url\":\"https://example.org/t.vtt\",\"type\":\"text/vtt\"}]}");
    free(text);
}

/* 10,000 items in one feed, twice: no quadratic step. */
static void test_large_feed(void **state) {
    struct fixture *f = *state;
    TEXT_SCOPED struct text items;
    text_open(&items, SIZE_MAX / 2);
    for (int i = 0; i < 10000; i++)
        text_append_format(&items,
                           "<item><title>Title %d</title><pubDate>" JAN_1 "</pubDate><guid>%d</guid>"
                           "<enclosure url=\"https://example.org/%d.mp3\"/></item>",
                           i % 7, i, i);
    merge(f, "show", text_value(&items));
    assert_int_equal(f->manifest->count, 10000);
    f->manifest->changed = false;
    merge(f, "show", text_value(&items));
    assert_int_equal(f->manifest->count, 10000);
    assert_false(f->manifest->changed);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_one_item),
        TEST(test_no_items),
        TEST(test_second_time_is_free),
        TEST(test_parts_of_one_day),
        TEST(test_lost_part_comes_back),
        TEST(test_two_editions),
        TEST(test_host_moved),
        TEST(test_guid_wins),
        TEST(test_useless_guids),
        TEST(test_trackers),
        TEST(test_signatures),
        TEST(test_latest_address),
        TEST(test_address_twice),
        TEST(test_same_show_in_two_feeds),
        TEST(test_skipped_items),
        TEST(test_first_numbers),
        TEST(test_older_episode_shifts_nothing),
        TEST(test_numbers_are_not_given_twice),
        TEST(test_newest_only),
        TEST(test_facts),
        TEST(test_large_feed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
