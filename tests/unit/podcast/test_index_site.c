/* A site's files in a folder, a real index: from transcripts to hits, and to the feed that the site offers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/feed_out.h"
#include "podcast/index_site.h"
#include "podcast/search_api.h"
#include "search/index.h"
#include "store/object/directory.h"
#include "store/object/faulty.h"
#include "support/scratch.h"
#include "support/test_clock.h"
#include "web/feed.h"

struct fixture {
    struct arena *arena;
    struct scratch *scratch;
    struct object_store *files;
    struct manifest *manifest;
    struct site site;
    struct site_podcast podcasts[2];
    struct index_site_report report;
};

static const char rows[] =
    "{\"lastUpdated\":\"2025-06-01T10:00:00.000Z\",\"episodes\":["
    "{\"sequentialId\":1,\"podcastId\":\"alpha\",\"title\":\"First & "
    "<best>\",\"fileKey\":\"2024-01-01_First--1700000000000\","
    "\"originalAudioURL\":\"https://example.org/1.mp3\",\"summary\":\"S & T\",\"durationInSeconds\":61,"
    "\"publishedAt\":\"2024-01-01T08:00:00.000Z\"},"
    "{\"sequentialId\":2,\"podcastId\":\"beta\",\"title\":\"Second\",\"fileKey\":\"2024-01-02_Second--1700000000001\","
    "\"originalAudioURL\":\"https://example.org/2.m4a\",\"summary\":\"\",\"publishedAt\":\"2024-01-02T08:00:00.000Z\","
    "\"audioFile\":\"2024-01-02_Second--1700000000001.m4a\"}]}";

static void write_srt(struct fixture *f, const char *podcast, const char *key, const char *text) {
    scratch_write(
        f->scratch, arena_format(f->arena, "transcripts/%s/%s.srt", podcast, key),
        arena_format(f->arena,
                     "1\n00:00:03,000 --> 00:00:11,240\n%s.\n\n2\n00:00:20,000 --> 00:00:24,000\nmilk and honey\n\n",
                     text));
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    f->arena = arena_open();
    f->scratch = scratch_open();
    f->files = directory_store_open(f->scratch->path, NULL);
    f->manifest = manifest_parse(rows, strlen(rows), NULL);
    assert_non_null(f->manifest);
    f->podcasts[0] = (struct site_podcast){.id = "alpha", .title = "The Alpha Show", .active = true};
    f->podcasts[1] = (struct site_podcast){.id = "beta", .title = "The Beta Show", .active = true};
    f->site = (struct site){.id = "example",
                            .folder = "/nowhere",
                            .domain = "example.org",
                            .podcasts = f->podcasts,
                            .podcast_count = 2,
                            .header = {.primary_title = "Example"},
                            .language = "en",
                            .metadata = {.meta_description = "About", .open_graph_image_path = "./assets/cover.jpg"}};
    write_srt(f, "alpha", "2024-01-01_First--1700000000000", "An \xf0\x9f\x98\x80 apple a day");
    write_srt(f, "beta", "2024-01-02_Second--1700000000001", "Nothing but apple juice");
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    manifest_close(f->manifest);
    object_store_close(f->files);
    scratch_close(f->scratch);
    arena_close(f->arena);
    free(f);
    return 0;
}

static void run_with(struct fixture *f, const struct index_site_settings *settings) {
    struct error err = {0};
    bool done = index_site(f->arena, &f->site, f->manifest, f->files, settings, &f->report, &err);
    assert_string_equal(err.message, "");
    assert_true(done);
}

static json_t *ask(struct fixture *f, const char *request, int expected) {
    struct test_clock clock;
    test_clock_open(&clock, 0);
    struct index_reader *reader = index_reader_open(scratch_path(f->scratch, INDEX_KEY), NULL);
    struct search_site searched = {.site = &f->site, .index = reader, .base = "/sites/example/"};
    json_t *json = json_loads(request, 0, NULL), *response = NULL;
    int status = 0;
    assert_non_null(json);
    search_api_answer(f->arena, &searched, 1, json, &clock.clock, &response, &status);
    assert_int_equal(status, expected);
    json_decref(json);
    index_reader_close(reader);
    return response;
}

static void test_from_transcripts_to_index(void **state) {
    struct fixture *f = *state;
    run_with(f, NULL);
    assert_int_equal(f->report.total_transcripts, 2);
    assert_int_equal(f->report.evaluated_transcripts, 2);
    assert_int_equal(f->report.new_entries, 4);
    assert_int_equal(f->report.episodes_added, 2);
    assert_int_equal(f->report.episodes_changed, 0);
    assert_int_equal(f->report.entries_written, 2);
    assert_int_equal(f->report.passages, 4);
    assert_true(f->report.changed);
    assert_string_equal(
        scratch_read(f->scratch, "search-entries/beta/2024-01-02_Second--1700000000001.json"),
        "[{\"id\":\"2_3000\",\"startTimeMs\":3000,\"endTimeMs\":11240,\"text\":\"Nothing but apple juice.\","
        "\"sequentialEpisodeIdAsString\":\"2\",\"episodePublishedUnixTimestamp\":1704182400000},"
        "{\"id\":\"2_20000\",\"startTimeMs\":20000,\"endTimeMs\":24000,\"text\":\"milk and honey\","
        "\"sequentialEpisodeIdAsString\":\"2\",\"episodePublishedUnixTimestamp\":1704182400000}]");
}

static int64_t modified_of(struct fixture *f, const char *key) {
    struct stat facts;
    assert_int_equal(stat(scratch_path(f->scratch, key), &facts), 0);
    return (int64_t)facts.st_mtim.tv_sec * 1000000000 + facts.st_mtim.tv_nsec;
}

/* 450 files were written again for one new episode. */
static void test_second_time_is_free(void **state) {
    struct fixture *f = *state;
    run_with(f, NULL);
    int64_t index = modified_of(f, INDEX_KEY);
    int64_t entries = modified_of(f, "search-entries/beta/2024-01-02_Second--1700000000001.json");
    run_with(f, NULL);
    assert_false(f->report.changed);
    assert_int_equal(f->report.new_entries, 0);
    assert_int_equal(f->report.entries_written, 0);
    assert_int_equal(f->report.passages, 4);
    /* One transcript is corrected: its episode alone is new. */
    write_srt(f, "alpha", "2024-01-01_First--1700000000000", "A pear a day");
    run_with(f, NULL);
    assert_int_equal(f->report.episodes_changed, 1);
    assert_int_equal(f->report.entries_written, 1);
    assert_int_equal(modified_of(f, "search-entries/beta/2024-01-02_Second--1700000000001.json"), entries);
    assert_int_not_equal(modified_of(f, INDEX_KEY), index);
}

/* The older scripts' files, with other spacing, say the same: they stay, and need not be uploaded again. */
static void test_entries_with_spaces_stay(void **state) {
    struct fixture *f = *state;
    const char *key = "search-entries/beta/2024-01-02_Second--1700000000001.json";
    run_with(f, NULL);
    char *compact = arena_text(f->arena, scratch_read(f->scratch, key));
    JSON_OWNED json_t *list = json_parse(compact, strlen(compact), NULL);
    TEXT_OWNED char *spaced = json_dumps(list, JSON_INDENT(2));
    scratch_write(f->scratch, key, spaced);
    assert_true(file_remove(scratch_path(f->scratch, INDEX_KEY), NULL));
    run_with(f, NULL);
    assert_int_equal(f->report.new_entries, 4);
    assert_int_equal(f->report.entries_written, 0);
    assert_string_equal(scratch_read(f->scratch, key), spaced);
    /* One that says something else is written. */
    scratch_write(f->scratch, key, "[]");
    assert_true(file_remove(scratch_path(f->scratch, INDEX_KEY), NULL));
    run_with(f, NULL);
    assert_int_equal(f->report.entries_written, 1);
    assert_string_equal(scratch_read(f->scratch, key), compact);
}

/* What is remembered between runs. */
struct memory {
    struct arena *arena;
    char *facts[8];
    size_t asked, told;
};

static bool is_fresh(void *to, int64_t id, const char *facts) {
    struct memory *memory = to;
    memory->asked++;
    return text_equal(memory->facts[id], facts);
}

static bool remember(void *to, int64_t id, const char *facts, struct error *err) {
    struct memory *memory = to;
    (void)err;
    memory->told++;
    memory->facts[id] = arena_text(memory->arena, facts);
    return true;
}

static void test_memory(void **state) {
    struct fixture *f = *state;
    struct memory memory = {.arena = f->arena};
    struct index_memory hooks = {is_fresh, remember, &memory};
    struct index_site_settings settings = {.memory = &hooks};
    run_with(f, &settings);
    assert_int_equal(memory.told, 2);
    run_with(f, &settings);
    assert_int_equal(f->report.evaluated_transcripts, 0);
    assert_int_equal(f->report.passages, 4);
    assert_int_equal(memory.told, 2);
    /* Fresh or not depends on the entries file too: one that is gone is made again. */
    assert_true(
        file_remove(scratch_path(f->scratch, "search-entries/beta/2024-01-02_Second--1700000000001.json"), NULL));
    run_with(f, &settings);
    assert_int_equal(f->report.evaluated_transcripts, 1);
    assert_int_equal(f->report.entries_written, 1);
    assert_int_equal(f->report.new_entries, 0);
    run_with(f, &settings);
    assert_int_equal(f->report.evaluated_transcripts, 0);
    /* And on the index: without it memory counts for nothing. */
    assert_true(file_remove(scratch_path(f->scratch, INDEX_KEY), NULL));
    run_with(f, &settings);
    assert_int_equal(f->report.evaluated_transcripts, 2);
    assert_int_equal(f->report.new_entries, 4);
}

/* The last transcript goes: the old index stayed, with everything in it. */
static void test_removed(void **state) {
    struct fixture *f = *state;
    run_with(f, NULL);
    assert_true(file_remove_tree(scratch_path(f->scratch, "transcripts"), NULL));
    run_with(f, NULL);
    assert_int_equal(f->report.episodes_removed, 2);
    assert_int_equal(f->report.passages, 0);
    json_t *response = ask(f, "{\"query\":\"apple\"}", 200);
    assert_int_equal(json_integer_value(json_object_get(response, "totalHits")), 0);
    json_decref(response);
}

static void test_without_transcripts(void **state) {
    struct fixture *f = *state;
    assert_true(file_remove_tree(scratch_path(f->scratch, "transcripts"), NULL));
    run_with(f, NULL);
    assert_false(f->report.changed);
    assert_false(file_size(scratch_path(f->scratch, INDEX_KEY), NULL, NULL));
}

static void test_dry(void **state) {
    struct fixture *f = *state;
    struct index_site_settings settings = {.dry = true};
    run_with(f, &settings);
    assert_int_equal(f->report.evaluated_transcripts, 2);
    assert_int_equal(f->report.episodes_added, 2);
    assert_false(file_size(scratch_path(f->scratch, INDEX_KEY), NULL, NULL));
    assert_false(
        file_size(scratch_path(f->scratch, "search-entries/beta/2024-01-02_Second--1700000000001.json"), NULL, NULL));
}

/* A damaged index is made anew, and says so. A transcript that no row names is a warning. */
static void test_damaged(void **state) {
    struct fixture *f = *state;
    run_with(f, NULL);
    char *good =
        arena_text(f->arena, scratch_read(f->scratch, "search-entries/alpha/2024-01-01_First--1700000000000.json"));
    scratch_write(f->scratch, INDEX_KEY, "this is no index, but a text of some length that is not SQLite's either");
    write_srt(f, "alpha", "2020-01-01_Stranger", "Who is it");
    run_with(f, NULL);
    assert_true(f->report.rebuilt);
    assert_int_equal(f->report.passages, 4);
    assert_int_equal(f->report.warning_count, 2);
    assert_string_equal(f->report.warnings[0],
                        "transcripts/alpha/2020-01-01_Stranger.srt: no episode of the manifest has this transcript");
    assert_string_equal(scratch_read(f->scratch, "search-entries/alpha/2024-01-01_First--1700000000000.json"), good);
}

/* One transcript that cannot be indexed stops nothing. */
static void test_one_bad(void **state) {
    struct fixture *f = *state;
    TEXT_SCOPED struct text big;
    text_open(&big, SIZE_MAX / 2);
    text_append(&big, "1\n00:00:00,000 --> 00:00:09,000\n");
    for (int i = 0; i < 20000; i++)
        text_append(&big, "word ");
    scratch_write(f->scratch, "transcripts/alpha/2024-01-01_First--1700000000000.srt", text_value(&big));
    run_with(f, NULL);
    assert_int_equal(f->report.failure_count, 1);
    assert_string_equal(f->report.failures[0].key, "transcripts/alpha/2024-01-01_First--1700000000000.srt");
    assert_int_equal(f->report.failures[0].error.code, ERROR_LIMIT);
    assert_int_equal(f->report.passages, 2);
}

static const json_t *hit(const json_t *response, size_t i) {
    return json_array_get(json_object_get(response, "hits"), i);
}

static void test_search(void **state) {
    struct fixture *f = *state;
    run_with(f, NULL);
    json_t *response =
        ask(f, "{\"query\":\" apple \",\"sortBy\":\"episodePublishedUnixTimestamp\",\"sortOrder\":\"ASC\"}", 200);
    assert_int_equal(json_integer_value(json_object_get(response, "totalHits")), 2);
    assert_string_equal(json_string_value(json_object_get(response, "query")), "apple");
    assert_string_equal(json_string_value(json_object_get(response, "sortOrder")), "ASC");
    const json_t *first = hit(response, 0);
    char *text = json_dumps(first, JSON_COMPACT);
    /* The smiley is two UTF-16 units: "An 😀 apple" has its apple at 6. */
    assert_string_equal(
        text,
        "{\"id\":\"1_3000\",\"startTimeMs\":3000,\"endTimeMs\":11240,\"text\":\"An \xf0\x9f\x98\x80 apple a day.\","
        "\"sequentialEpisodeIdAsString\":\"1\",\"episodePublishedUnixTimestamp\":1704096000000,"
        "\"podcastId\":\"alpha\",\"podcastTitle\":\"The Alpha Show\",\"episodeTitle\":\"First & <best>\","
        "\"fileKey\":\"2024-01-01_First--1700000000000\",\"marks\":[[6,11]],\"siteId\":\"example\","
        "\"siteTitle\":\"Example\",\"siteBase\":\"/sites/example/\"}");
    free(text);
    json_decref(response);
    /* By relevance a hit has its score. */
    response = ask(f, "{\"query\":\"apple\"}", 200);
    assert_true(json_real_value(json_object_get(hit(response, 0), "score")) > 0);
    assert_string_equal(json_string_value(json_object_get(response, "sortBy")), "relevance");
    json_decref(response);
}

static void expect_total(struct fixture *f, const char *request, int total, size_t hits) {
    json_t *response = ask(f, request, 200);
    assert_int_equal(json_integer_value(json_object_get(response, "totalHits")), total);
    assert_int_equal(json_array_size(json_object_get(response, "hits")), hits);
    json_decref(response);
}

static void test_search_filters(void **state) {
    struct fixture *f = *state;
    run_with(f, NULL);
    expect_total(f, "{\"query\":\"apple\",\"limit\":0}", 2, 0); /* 0 was taken for 10 */
    expect_total(f, "{\"query\":\"apple\",\"limit\":1}", 2, 1);
    expect_total(f, "{\"query\":\"apple\",\"offset\":1}", 2, 1);
    expect_total(f, "{\"query\":\"\"}", 0, 0);
    expect_total(f, "{}", 0, 0);
    expect_total(f, "{\"query\":\"apple\",\"podcastIds\":[\"beta\"]}", 1, 1);
    expect_total(f, "{\"query\":\"apple\",\"episodeIds\":[1]}", 1, 1);
    expect_total(f, "{\"query\":\"apple\",\"episodeIds\":[\"2\"]}", 1, 1);
    expect_total(f, "{\"query\":\"apple\",\"siteIds\":[\"another\"]}", 0, 0);
    expect_total(f, "{\"query\":\"apple\",\"siteIds\":[\"example\"]}", 2, 2);
    expect_total(f, "{\"query\":\"apple\",\"startDate\":\"2024-01-02\"}", 1, 1);
    expect_total(f, "{\"query\":\"apple\",\"endDate\":\"2024-01-01\"}", 1, 1); /* to the end of the day */
    expect_total(f, "{\"query\":\"apple\",\"startDate\":\"2024-01-02\",\"endDate\":\"2024-01-02\"}", 1, 1);
    expect_total(f, "{\"query\":\"apple\",\"endDate\":\"2023-12-31\",\"startDate\":\"\"}", 0, 0);
    expect_total(f, "{\"query\":\"\\\"apple juice\\\"\"}", 1, 1); /* a phrase */
    expect_total(f, "{\"query\":\"milk\",\"mergePassages\":0}", 2, 2);
    expect_total(f, "{\"query\":\"apple\",\"isHealthCheckOnly\":true}", 0, 0);
    expect_total(f, "{\"query\":\"apple\",\"forceFreshDBFileDownload\":true,\"searchFields\":[\"text\"]}", 2, 2);
    json_t *response = ask(f, "{\"isHealthCheckOnly\":true}", 200);
    assert_string_equal(json_string_value(json_object_get(response, "query")), "health-check");
    json_decref(response);
}

static void test_search_refused(void **state) {
    struct fixture *f = *state;
    run_with(f, NULL);
    static const char *const wrong[][2] = {
        {"[]", "the request must be a JSON object"},
        {"{\"query\":3}", "query must be text"},
        {"{\"limit\":101}", "limit is 101; at most 100"},
        {"{\"limit\":-1}", "limit must be a whole number from 0 on"},
        {"{\"limit\":\"ten\"}", "limit must be a whole number from 0 on"},
        {"{\"offset\":1e300}", "offset must be a whole number from 0 on"},
        {"{\"sortBy\":\"title\"}", "sortBy must be episodePublishedUnixTimestamp or relevance"},
        {"{\"sortOrder\":\"up\"}", "sortOrder must be ASC or DESC"},
        {"{\"searchFields\":[\"id\"]}", "searchFields: only \"text\" can be searched"},
        {"{\"startDate\":\"yesterday\"}", "startDate must be a date as YYYY-MM-DD"},
        {"{\"endDate\":\"2024-02-30\"}", "endDate must be a date as YYYY-MM-DD"},
        {"{\"episodeIds\":[\"x\"]}", "episodeIds must hold numbers of episodes only"},
        {"{\"podcastIds\":[1]}", "podcastIds must hold texts only"},
        {"{\"isHealthCheckOnly\":\"yes\"}", "isHealthCheckOnly must be true or false"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        json_t *response = ask(f, wrong[i][0], 400);
        const json_t *fault = json_object_get(response, "error");
        assert_string_equal(json_string_value(json_object_get(fault, "message")), wrong[i][1]);
        assert_string_equal(json_string_value(json_object_get(fault, "code")), "invalid");
        json_decref(response);
    }
}

static void test_did_you_mean(void **state) {
    struct fixture *f = *state;
    run_with(f, NULL);
    json_t *response = ask(f, "{\"query\":\"aple\"}", 200);
    assert_string_equal(json_string_value(json_object_get(response, "correctedQuery")), "apple");
    assert_int_equal(json_integer_value(json_object_get(response, "totalHits")), 2);
    assert_string_equal(json_string_value(json_object_get(response, "query")), "aple");
    json_decref(response);
}

static void test_request_of_query_string(void **state) {
    (void)state;
    const char *names[] = {"query",   "limit",     "offset", "fields", "episodeIds", "isHealthCheckOnly",
                           "unknown", "sortOrder", "limit2"};
    const char *values[] = {"caf\xc3\xa9 \xff", "0", "x", "text,", "1,2", "true", "1", "ASC", NULL};
    json_t *request = search_api_request(names, values, 9);
    char *text = json_dumps(request, JSON_COMPACT);
    assert_string_equal(
        text, "{\"query\":\"caf\xc3\xa9 \xef\xbf\xbd\",\"limit\":0,\"offset\":\"x\",\"searchFields\":[\"text\"],"
              "\"episodeIds\":[\"1\",\"2\"],\"isHealthCheckOnly\":true,\"sortOrder\":\"ASC\"}");
    free(text);
    json_decref(request);
}

/* The feed that the site offers, read back by our own parser. */
static void test_feed_out(void **state) {
    struct fixture *f = *state;
    scratch_write(f->scratch, "audio/alpha/2024-01-01_First--1700000000000.mp3", "0123456789");
    scratch_write(f->scratch, "audio/beta/2024-01-02_Second--1700000000001.m4a", "01234");
    char *text = NULL;
    size_t length = 0;
    assert_true(
        feed_out_write(f->arena, &f->site, f->manifest, f->files, "https://example.org/", NULL, &text, &length, NULL));
    struct error err = {0};
    struct feed *feed = feed_parse(f->arena, text, length, NULL, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(feed->warning_count, 0);
    assert_string_equal(feed->title, "Example");
    assert_string_equal(feed->image, "https://example.org/assets/cover.jpg");
    assert_int_equal(feed->item_count, 2);
    const struct feed_item *newest = &feed->items[0], *first = &feed->items[1];
    assert_string_equal(newest->enclosures[0].type, "audio/mp4");
    assert_int_equal(newest->enclosures[0].length, 5);
    assert_string_equal(newest->enclosures[0].url,
                        "https://example.org/audio/beta/2024-01-02_Second--1700000000001.m4a");
    assert_string_equal(first->title, "First & <best>");
    assert_string_equal(first->summary, "S & T");
    assert_string_equal(first->guid, "example:1");
    assert_false(first->guid_is_permalink);
    assert_string_equal(first->link, "https://example.org/episode/1");
    assert_int_equal(first->date_ms, 1704096000000);
    assert_int_equal(first->duration_s, 61);
    assert_int_equal(first->transcript_count, 3);
    assert_string_equal(first->transcripts[0].url,
                        "https://example.org/transcripts/alpha/2024-01-01_First--1700000000000.srt");
    assert_string_equal(first->transcripts[1].type, "text/vtt");
    assert_string_equal(first->transcripts[2].language, "en");
    assert_non_null(strstr(text, "<pubDate>Mon, 01 Jan 2024 08:00:00 +0000</pubDate>"));
    /* One podcast alone; one that is not there. */
    assert_true(feed_out_write(f->arena, &f->site, f->manifest, f->files, "https://example.org/", "beta", &text,
                               &length, NULL));
    feed = feed_parse(f->arena, text, length, NULL, NULL);
    assert_string_equal(feed->title, "The Beta Show");
    assert_int_equal(feed->item_count, 1);
    assert_false(feed_out_write(f->arena, &f->site, f->manifest, f->files, "https://example.org/", "gamma", &text,
                                &length, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
}

/* Another parser than ours takes it too, and finds the same in it: Python's, strict about XML and namespaces. */
static void test_feed_out_is_strict_xml(void **state) {
    struct fixture *f = *state;
    static const char program[] =
        "import sys, xml.etree.ElementTree as t\n"
        "from email.utils import parsedate_to_datetime as d\n"
        "r = t.parse(sys.argv[1]).getroot()\n"
        "p = '{https://podcastindex.org/namespace/1.0}transcript'\n"
        "i = r.findall('channel/item')\n"
        "assert r.tag == 'rss' and r.get('version') == '2.0' and len(i) == 1, len(i)\n"
        "assert i[0].findtext('title') == 'First & <best> \\u00e9'\n"
        "assert i[0].find('enclosure').attrib == {'url': "
        "'https://example.org/a%26b/audio/alpha/2024-01-01_First--1700000000000.mp3',"
        " 'length': '10', 'type': 'audio/mpeg'}, i[0].find('enclosure').attrib\n"
        "assert [x.get('type') for x in i[0].findall(p)] == ['application/x-subrip', 'text/vtt', 'text/plain']\n"
        "assert d(i[0].findtext('pubDate')).isoformat() == '2024-01-01T08:00:00+00:00'\n";
    const char *script = scratch_write(f->scratch, "check.py", program);
    scratch_write(f->scratch, "audio/alpha/2024-01-01_First--1700000000000.mp3", "0123456789");
    char *odd = arena_text(f->arena, rows);
    char *title = strstr(odd, "First & <best>");
    odd = arena_format(f->arena, "%.*sFirst & <best>\\u0001 \xc3\xa9%s", (int)(title - odd), odd,
                       title + strlen("First & <best>"));
    struct manifest *manifest = manifest_parse(odd, strlen(odd), NULL);
    assert_non_null(manifest);
    char *text = NULL;
    size_t length = 0;
    assert_true(feed_out_write(f->arena, &f->site, manifest, f->files, "https://example.org/a%26b/", NULL, &text,
                               &length, NULL));
    manifest_close(manifest);
    const char *path = scratch_write(f->scratch, "feed.xml", text);
    assert_int_equal(system(arena_format(f->arena, "python3 %s %s", script, path)), 0);
}

/* Empty audio is not offered; without any the feed is still one. */
static void test_feed_out_without_audio(void **state) {
    struct fixture *f = *state;
    scratch_write(f->scratch, "audio/alpha/2024-01-01_First--1700000000000.mp3", "");
    char *text = NULL;
    size_t length = 0;
    assert_true(feed_out_write(f->arena, &f->site, f->manifest, f->files, "http://localhost:8080/sites/example/", NULL,
                               &text, &length, NULL));
    struct feed *feed = feed_parse(f->arena, text, length, NULL, NULL);
    assert_non_null(feed);
    assert_int_equal(feed->item_count, 0);
}

/* A failure to look is not emptiness: the index keeps what it has when the transcripts cannot be listed. */
static void test_listing_fails(void **state) {
    struct fixture *f = *state;
    run_with(f, NULL);
    int64_t before = modified_of(f, INDEX_KEY);
    assert_true(file_rename(scratch_path(f->scratch, "transcripts"), scratch_path(f->scratch, "away"), NULL));
    assert_int_equal(symlink(scratch_path(f->scratch, "away"), scratch_path(f->scratch, "transcripts")), 0);
    struct error err = {0};
    assert_false(index_site(f->arena, &f->site, f->manifest, f->files, NULL, &f->report, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    assert_int_equal(modified_of(f, INDEX_KEY), before);
    /* Neither is there an empty feed, nor an empty manifest. */
    const struct fault faults[] = {{FAULTY_LIST, FAULTY_FAIL, 1, true, ERROR_IO, false, 0},
                                   {FAULTY_GET, FAULTY_FAIL, 1, true, ERROR_IO, false, 0}};
    const struct faulty_plan plan = {.faults = faults, .count = 2};
    struct object_store *faulty = faulty_store_open(f->files, &plan, NULL);
    char *text = NULL;
    size_t length = 0;
    assert_false(
        feed_out_write(f->arena, &f->site, f->manifest, faulty, "https://example.org/", NULL, &text, &length, &err));
    assert_int_equal(err.code, ERROR_IO);
    assert_null(manifest_load(faulty, &err));
    assert_int_equal(err.code, ERROR_IO);
    object_store_close(faulty);
}

/* The disk is full when the manifest is saved: it counts as changed until it is whole. */
static void test_full_disk(void **state) {
    struct fixture *f = *state;
    struct manifest *manifest = manifest_parse(rows, strlen(rows), NULL);
    manifest->changed = true;
    const struct fault faults[] = {{FAULTY_PUT, FAULTY_FAIL, 1, true, ERROR_FULL, false, 10}};
    const struct faulty_plan plan = {.faults = faults, .count = 1};
    struct object_store *faulty = faulty_store_open(f->files, &plan, NULL);
    struct error err = {0};
    bool written = true;
    assert_false(manifest_save(manifest, faulty, 1750000000000, &written, &err));
    assert_int_equal(err.code, ERROR_FULL);
    assert_false(written);
    assert_true(manifest->changed); /* still to be saved */
    assert_int_equal(manifest->updated_ms, 1748772000000);
    assert_true(manifest_save(manifest, f->files, 1750000000000, &written, &err));
    assert_true(written);
    object_store_close(faulty);
    manifest_close(manifest);
}

/* The same history gives the same bytes, wherever it was stopped. */
static void test_same_bytes(void **state) {
    struct fixture *f = *state;
    run_with(f, NULL);
    size_t length = 0, again = 0;
    char *bytes = NULL, *other = NULL;
    assert_true(file_read(f->arena, scratch_path(f->scratch, INDEX_KEY), 1 << 24, &bytes, &length, NULL));
    struct index_site_settings force = {.force = true};
    run_with(f, &force);
    assert_true(file_read(f->arena, scratch_path(f->scratch, INDEX_KEY), 1 << 24, &other, &again, NULL));
    assert_int_equal(length, again);
    assert_memory_equal(bytes, other, length);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_from_transcripts_to_index),
        TEST(test_second_time_is_free),
        TEST(test_entries_with_spaces_stay),
        TEST(test_memory),
        TEST(test_removed),
        TEST(test_without_transcripts),
        TEST(test_dry),
        TEST(test_damaged),
        TEST(test_one_bad),
        TEST(test_search),
        TEST(test_search_filters),
        TEST(test_search_refused),
        TEST(test_did_you_mean),
        TEST(test_request_of_query_string),
        TEST(test_feed_out),
        TEST(test_feed_out_without_audio),
        TEST(test_feed_out_is_strict_xml),
        TEST(test_same_bytes),
        TEST(test_listing_fails),
        TEST(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
