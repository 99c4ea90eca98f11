#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/object/s3_parts.h"
#include "support/scripted_server.h"
#include "support/test_clock.h"

#define HELLO "\"5d41402abc4b2a76b9719d911017c592\"" /* the MD5 of "hello" */

struct counting_source {
    struct aws_credential_source source;
    unsigned asked;
};

static struct scripted_server *server;
static struct test_clock test_time;
static struct http_client *http;
static struct counting_source source;
static struct random chance;
static struct object_store *store;

static bool get_credentials(const struct aws_credential_source *of, struct arena *arena, int64_t now_ms,
                            struct aws_credentials *credentials, struct error *err) {
    (void)of, (void)now_ms, (void)err;
    source.asked++;
    *credentials = (struct aws_credentials){.key_id = arena_format(arena, "KEY%u", source.asked), .secret = "secret"};
    return true;
}

static struct s3_settings settings_of(void) {
    return (struct s3_settings){.http = http,
                                .credentials = &source.source,
                                .clock = &test_time.clock,
                                .random = &chance,
                                .endpoint = scripted_server_url(server),
                                .bucket = "tide",
                                .prefix = "p/",
                                .part_bytes = 5 * MIB,
                                .parallel = 1,
                                .attempts = 3};
}

static int start(void **state) {
    (void)state;
    server = scripted_server_open();
    http = http_client_open(&(struct http_client_settings){.allow_private = true, .attempts = 1}, NULL);
    return 0;
}

static int stop(void **state) {
    (void)state;
    http_client_close(http);
    scripted_server_close(server);
    return 0;
}

static int open_store(void **state) {
    (void)state;
    test_clock_open(&test_time, INT64_C(1790000000000));
    random_seed(&chance, 1);
    source = (struct counting_source){.source = {.get = get_credentials}};
    scripted_server_reset(server);
    struct s3_settings settings = settings_of();
    store = s3_store_open(&settings, NULL);
    return store ? 0 : 1;
}

static int close_store(void **state) {
    (void)state;
    object_store_close(store);
    return 0;
}

static void say(int status, const char *headers, const char *body) {
    scripted_server_say(server, status, headers, body);
}

static bool heard(const char *part) {
    return strcasestr(scripted_server_heard(server), part) != NULL;
}

/* ---- opening ---- */

static void test_settings(void **state) {
    (void)state;
    struct error err = {0};
    struct s3_settings wrong[] = {settings_of(), settings_of(), settings_of(), settings_of(), settings_of()};
    wrong[0].prefix = "no-slash";
    wrong[1].part_bytes = MIB;
    wrong[2].checksum = "MD5";
    wrong[3].bucket = "a/b";
    wrong[4].bucket = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_null(s3_store_open(&wrong[i], &err));
        assert_int_equal(err.code, ERROR_INVALID);
    }
}

static void test_content_types(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"a/b.mp3", "audio/mpeg"},
                                          {"INDEX.HTML", "text/html"},
                                          {"orama_index.msp", "application/octet-stream"},
                                          {"x.srt", "text/plain"},
                                          {"site.webmanifest", "application/manifest+json"},
                                          {"a.json/b", "binary/octet-stream"},
                                          {"json", "binary/octet-stream"},
                                          {"a.", "binary/octet-stream"},
                                          {"feed.xml", "application/xml"}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
        assert_string_equal(s3_content_type(rows[i][0]), rows[i][1]);
}

static void test_times(void **state) {
    (void)state;
    struct arena *arena = arena_open();
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {{"1700000000.123456789", INT64_C(1700000000123)}, {"1700000000", INT64_C(1700000000000)}, {"0.5", 500}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t ms = 0;
        assert_true(s3_mtime_read(rows[i].text, &ms));
        assert_true(ms == rows[i].ms);
    }
    static const char *const wrong[] = {"", "x", "-1", "0", "1e300", "1700000000 ", "nan"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        int64_t ms = 7;
        assert_false(s3_mtime_read(wrong[i], &ms));
        assert_true(ms == 7);
    }
    assert_string_equal(s3_mtime_text(arena, INT64_C(1700000000007)), "1700000000.007");
    assert_null(s3_mtime_text(arena, 0));
    arena_close(arena);
}

/* ---- puts ---- */

static bool put(const struct object_put_options *options, struct error *err) {
    return object_put_bytes(store, "k", "hello", 5, options, err);
}

static void test_put_checks_the_answer(void **state) {
    (void)state;
    struct error err = {0};
    say(200, "ETag: \"00000000000000000000000000000000\"\r\n", "");
    say(200, "ETag: " HELLO "\r\n", "");
    assert_true(put(NULL, NULL));
    assert_int_equal(scripted_server_reset(server), 2);
    for (int i = 0; i < 3; i++)
        say(200, "ETag: " HELLO "\r\nx-amz-checksum-crc32c: AAAAAA==\r\n", "");
    assert_false(put(NULL, &err));
    assert_int_equal(err.code, ERROR_IO);
    assert_true(err.retryable);
    assert_int_equal(scripted_server_reset(server), 3);
    /* With a key of KMS the ETag is no MD5. */
    say(200, "ETag: \"00000000000000000000000000000000\"\r\nx-amz-server-side-encryption: aws:kms\r\n", "");
    assert_true(put(NULL, NULL));
    /* The service found it itself. */
    for (int i = 0; i < 3; i++)
        say(400, "", "<Error><Code>BadDigest</Code><Message>no</Message></Error>");
    assert_false(put(NULL, &err));
    assert_int_equal(err.code, ERROR_CHANGED);
}

static void test_put_without_an_etag(void **state) {
    (void)state;
    say(200, "", "");
    say(200, "ETag: \"told\"\r\n", "hello");
    struct object_facts facts;
    struct object_put_options options = {.content_type = "x/y"};
    assert_true(put(&options, NULL));
    assert_true(heard("HEAD /tide/p/k "));
    say(200, "ETag: \"told\"\r\nLast-Modified: Fri, 24 May 2013 00:00:01 GMT\r\n", "hello");
    assert_true(object_head(store, "k", &facts, NULL));
    assert_string_equal(facts.etag, "told");
    assert_true(facts.size == 5 && facts.modified_ms == INT64_C(1369353601000));
}

static void test_conditions(void **state) {
    (void)state;
    struct error err = {0};
    const struct object_put_options absent = {.if_absent = true}, match = {.if_match = "abc"};
    static const char refused[] = "<Error><Code>PreconditionFailed</Code><Message>no</Message></Error>";
    say(412, "", refused);
    say(200, "ETag: " HELLO "\r\n", "hello"); /* somebody else's, of the same bytes */
    assert_false(put(&absent, &err));
    assert_int_equal(err.code, ERROR_EXISTS);
    say(412, "", refused);
    say(404, "", "");
    say(200, "", "");
    assert_false(put(&match, &err));
    assert_int_equal(err.code, ERROR_CHANGED);
    scripted_server_reset(server);
    say(404, "", "<Error><Code>NoSuchKey</Code><Message>no</Message></Error>");
    say(404, "", "");
    assert_false(put(&match, &err));
    assert_int_equal(err.code, ERROR_CHANGED);
    assert_non_null(strstr(err.message, "removed"));
    scripted_server_reset(server);
    /* Two at the same time: another try shows who was first. */
    say(409, "", "<Error><Code>ConditionalRequestConflict</Code><Message>no</Message></Error>");
    say(200, "ETag: " HELLO "\r\n", "");
    assert_true(put(&absent, &err));
    assert_true(heard("If-None-Match: *"));
    assert_int_equal(scripted_server_reset(server), 2);
}

/* A service without conditions is asked what is there instead. */
static void test_no_conditions(void **state) {
    (void)state;
    struct error err = {0};
    const struct object_put_options absent = {.if_absent = true}, match = {.if_match = "abc"};
    say(501, "", "<Error><Code>NotImplemented</Code><Message>no</Message></Error>");
    say(200, "ETag: \"abc\"\r\n", "12345");
    say(200, "ETag: " HELLO "\r\n", "");
    assert_true(put(&match, NULL));
    assert_false(heard("If-Match"));
    assert_int_equal(scripted_server_reset(server), 3);
    /* From now on at once. */
    say(200, "ETag: \"abd\"\r\n", "12345");
    assert_false(put(&match, &err));
    assert_int_equal(err.code, ERROR_CHANGED);
    say(404, "", "");
    say(200, "", "");
    assert_false(put(&match, &err));
    assert_int_equal(err.code, ERROR_CHANGED);
    scripted_server_reset(server);
    say(200, "ETag: \"abd\"\r\n", "12345");
    assert_false(put(&absent, &err));
    assert_int_equal(err.code, ERROR_EXISTS);
    say(404, "", "");
    say(200, "", "");
    say(200, "ETag: " HELLO "\r\n", "");
    assert_true(put(&absent, NULL));
    assert_false(heard("If-None-Match"));
}

/* The first attempt was carried out, its answer lost; the second finds the key taken, by this very put. */
static void test_a_lost_answer(void **state) {
    (void)state;
    struct random same;
    char headers[128];
    random_seed(&same, 1);
    unsigned long long high = random_next(&same), low = random_next(&same);
    snprintf(headers, sizeof(headers), "ETag: " HELLO "\r\nx-amz-meta-put: %016llx%016llx\r\n", high, low);
    say(200, "", NULL);
    say(412, "", "<Error><Code>PreconditionFailed</Code><Message>no</Message></Error>");
    say(200, headers, "hello");
    const struct object_put_options absent = {.if_absent = true};
    assert_true(put(&absent, NULL));
    assert_int_equal(scripted_server_reset(server), 3);
}

/* ---- parts ---- */

/* So many zeroes. */
static bool read_zeroes(void *from, uint64_t offset, void *into, size_t size, size_t *got, struct error *err) {
    const uint64_t *all = from;
    (void)err;
    *got = offset >= *all ? 0 : *all - offset < size ? (size_t)(*all - offset) : size;
    memset(into, 0, *got);
    return true;
}

static bool read_never(void *from, void *into, size_t size, size_t *got, struct error *err) {
    (void)from, (void)into, (void)size, (void)got;
    return error_set(err, ERROR_INTERNAL, "asked for by its order");
}

#define ZEROES_5M "5f363e0e58a95f06cbe9bbc662c5dfb6" /* the MD5 of 5 MiB of zeroes */

static bool put_zeroes(uint64_t size, const struct object_put_options *options, struct error *err) {
    const struct object_source zeroes = {read_never, &size, read_zeroes};
    return object_put(store, "k", &zeroes, options, NULL, err);
}

static void say_upload(void) {
    say(200, "", "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>");
}

static void say_complete(void) {
    unsigned char all[32];
    char hex[HASH_TEXT_SIZE], body[160];
    for (size_t i = 0; i < 2; i++)
        s3_unhex(ZEROES_5M, all + 16 * i);
    hash_text(HASH_MD5, all, sizeof(all), hex);
    snprintf(body, sizeof(body),
             "<CompleteMultipartUploadResult><ETag>\"%.32s-2\"</ETag></CompleteMultipartUploadResult>", hex);
    say(200, "", body);
}

/* Each request asks for credentials anew, so that an upload outlives a session. */
static void test_parts_and_their_credentials(void **state) {
    (void)state;
    say_upload();
    say(200, "ETag: \"" ZEROES_5M "\"\r\n", "");
    say(200, "ETag: \"" ZEROES_5M "\"\r\n", "");
    say_complete();
    assert_true(put_zeroes(10 * MIB, NULL, NULL));
    assert_int_equal(source.asked, 4);
    assert_true(heard("Credential=KEY4/"));
    assert_true(heard("<PartNumber>2</PartNumber></Part></CompleteMultipartUpload>"));
    assert_true(heard("<ChecksumCRC32C>"));
    assert_int_equal(scripted_server_reset(server), 4);
}

static void test_other_parts_put_together(void **state) {
    (void)state;
    struct error err = {0};
    say_upload();
    say(200, "ETag: \"" ZEROES_5M "\"\r\n", "");
    say(200, "ETag: \"" ZEROES_5M "\"\r\n", "");
    say(200, "",
        "<CompleteMultipartUploadResult><ETag>\"00000000000000000000000000000000-2\"</ETag></"
        "CompleteMultipartUploadResult>");
    say(204, "", "");
    assert_false(put_zeroes(10 * MIB, NULL, &err));
    assert_int_equal(err.code, ERROR_IO);
}

/* Completed by an attempt whose answer was lost. */
static void test_completed_already(void **state) {
    (void)state;
    unsigned char all[32];
    char hex[HASH_TEXT_SIZE], headers[80];
    for (size_t i = 0; i < 2; i++)
        s3_unhex(ZEROES_5M, all + 16 * i);
    snprintf(headers, sizeof(headers), "ETag: \"%.32s-2\"\r\n", hash_text(HASH_MD5, all, sizeof(all), hex));
    say_upload();
    say(200, "ETag: \"" ZEROES_5M "\"\r\n", "");
    say(200, "ETag: \"" ZEROES_5M "\"\r\n", "");
    say(200, "", NULL);
    say(404, "", "<Error><Code>NoSuchUpload</Code><Message>no</Message></Error>");
    say(200, headers, "");
    assert_true(put_zeroes(10 * MIB, NULL, NULL));
}

static void test_a_failed_upload_is_aborted_unless_it_goes_on(void **state) {
    (void)state;
    struct error err = {0};
    say_upload();
    say(403, "", "<Error><Code>AccessDenied</Code><Message>no</Message></Error>");
    say(204, "", "");
    assert_false(put_zeroes(10 * MIB, NULL, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    assert_true(heard("DELETE /tide/p/k?uploadId=id "));
    assert_int_equal(scripted_server_reset(server), 3);
    const struct object_put_options resume = {.resume = true};
    say(200, "", "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>");
    say_upload();
    say(403, "", "<Error><Code>AccessDenied</Code><Message>no</Message></Error>");
    assert_false(put_zeroes(10 * MIB, &resume, &err));
    assert_int_equal(scripted_server_reset(server), 3);
}

#define UPLOAD(key, id, second, more)                                                                                  \
    "<Upload><Key>" key "</Key><UploadId>" id "</UploadId><Initiated>2026-01-01T00:00:0" second "Z</Initiated>" more   \
    "</Upload>"
#define PARTS(parts) "<ListPartsResult><IsTruncated>false</IsTruncated>" parts "</ListPartsResult>"
#define PART(number, size, etag)                                                                                       \
    "<Part><PartNumber>" number "</PartNumber><ETag>\"" etag "\"</ETag><Size>" size "</Size></Part>"

/* The newest upload of this very key whose parts are of the right sizes; a part of other bytes is sent again. */
static void test_going_on(void **state) {
    (void)state;
    const struct object_put_options resume = {.resume = true};
    say(200, "",
        "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>" UPLOAD("p/k", "old", "1", "") UPLOAD(
            "p/k", "newest", "9", "") UPLOAD("p/k", "other", "8", "<ChecksumAlgorithm>SHA256</ChecksumAlgorithm>")
            UPLOAD("p/kk", "longer", "9", "") UPLOAD(
                "p/k", "good", "5", "<ChecksumAlgorithm>CRC32C</ChecksumAlgorithm>") "</ListMultipartUploadsResult>");
    say(200, "", PARTS(PART("1", "8388608", ZEROES_5M)));
    say(200, "", PARTS(PART("1", "5242880", "00000000000000000000000000000000") PART("2", "5242880", ZEROES_5M)));
    say(200, "ETag: \"" ZEROES_5M "\"\r\n", "");
    say_complete();
    assert_true(put_zeroes(10 * MIB, &resume, NULL));
    assert_true(heard("POST /tide/p/k?uploadId=good "));
    assert_int_equal(scripted_server_reset(server), 5);
}

static void test_cancelled(void **state) {
    (void)state;
    struct error err = {0};
    struct cancel cancel = {true};
    const struct object_put_options options = {.cancel = &cancel, .expected_size = 10 * MIB};
    say_upload();
    say(204, "", "");
    assert_false(put_zeroes(10 * MIB, &options, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
}

/* In parts the condition comes with the end. */
static void test_parts_without_conditions(void **state) {
    (void)state;
    struct error err = {0};
    const struct object_put_options match = {.if_match = "abc", .expected_size = 10 * MIB};
    say_upload();
    say(200, "ETag: \"" ZEROES_5M "\"\r\n", "");
    say(200, "ETag: \"" ZEROES_5M "\"\r\n", "");
    say(501, "", "<Error><Code>NotImplemented</Code><Message>no</Message></Error>");
    say(200, "ETag: \"abd\"\r\n", "12345"); /* another's by now */
    say(204, "", "");
    assert_false(put_zeroes(10 * MIB, &match, &err));
    assert_int_equal(err.code, ERROR_CHANGED);
    assert_true(heard("DELETE "));
    assert_int_equal(scripted_server_reset(server), 6);
}

/* ---- gets ---- */

static bool take(void *to, const void *data, size_t length, struct error *err) {
    (void)err;
    return text_append_part(to, data, length);
}

static bool get(uint64_t from, uint64_t length, struct text *into, struct error *err) {
    struct object_sink sink = {take, into};
    text_reset(into);
    return object_get(store, "k", from, length, &sink, NULL, err);
}

static void test_gets(void **state) {
    (void)state;
    struct text text TEXT_SCOPED;
    struct error err = {0};
    text_open(&text, 100);
    say(200, "ETag: " HELLO "\r\n", "hello");
    assert_true(get(0, UINT64_MAX, &text, NULL));
    assert_string_equal(text_value(&text), "hello");
    assert_true(heard("x-amz-checksum-mode: ENABLED"));
    assert_false(heard("Range:"));
    say(200, "ETag: " HELLO "\r\n", "hellp");
    assert_false(get(0, UINT64_MAX, &text, &err));
    assert_int_equal(err.code, ERROR_IO);
    say(200, "ETag: \"x\"\r\nx-amz-checksum-crc32c: mnG7TA==\r\n", "hello");
    assert_true(get(0, UINT64_MAX, &text, NULL));
    say(200, "ETag: \"x\"\r\nx-amz-checksum-crc32c: mnG7TA==\r\n", "hellp");
    assert_false(get(0, UINT64_MAX, &text, &err));
    /* A piece. */
    say(206, "ETag: " HELLO "\r\nContent-Range: bytes 1-3/5\r\n", "ell");
    assert_true(get(1, 3, &text, NULL));
    assert_string_equal(text_value(&text), "ell");
    assert_true(heard("Range: bytes=1-3\r"));
    static const char *const ranges[] = {"bytes 0-2/5", "bytes 1-3/*", "bytes 3-1/5", "bytes 1-5/5", "1-3/5", ""};
    for (size_t i = 0; i < ARRAY_LENGTH(ranges); i++) {
        char headers[64];
        snprintf(headers, sizeof(headers), "Content-Range: %s\r\n", ranges[i]);
        for (int tries = 0; tries < 3; tries++)
            say(206, headers, "ell");
        assert_false(get(1, 3, &text, &err));
        assert_string_equal(text_value(&text), "");
        scripted_server_reset(server);
    }
    say(206, "Content-Range: bytes 1-3/5\r\n", "ello");
    assert_false(get(1, 3, &text, &err));
    assert_int_equal(err.code, ERROR_IO);
}

/* ---- listings ---- */

struct listed {
    struct text text;
    size_t stop_after;
};

static bool see(void *to, const struct object_facts *facts, struct error *err) {
    struct listed *listed = to;
    text_append_format(&listed->text, "%s ", facts->key);
    if (listed->stop_after && --listed->stop_after == 0)
        return error_set(err, ERROR_CANCELLED, "enough");
    return true;
}

#define ENTRY(key, size)                                                                                               \
    "<Contents><Key>" key "</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><Size>" size "</Size></"         \
    "Contents>"
#define PAGE(more, token, entries)                                                                                     \
    "<ListBucketResult><IsTruncated>" more "</IsTruncated><NextContinuationToken>" token                               \
    "</NextContinuationToken>" entries "</ListBucketResult>"

static bool list(const char *prefix, size_t stop_after, char *into, size_t size, struct error *err) {
    struct listed listed = {.stop_after = stop_after};
    text_open(&listed.text, 10000);
    bool good = object_list_all(store, prefix, see, &listed, err);
    snprintf(into, size, "%s", text_value(&listed.text));
    text_close(&listed.text);
    return good;
}

static void test_listings(void **state) {
    (void)state;
    char told[200];
    struct error err = {0};
    say(200, "", PAGE("true", "t1", ENTRY("p/", "0") ENTRY("p/a", "1") ENTRY("p/b/", "0")));
    say(200, "", PAGE("true", "t2", ENTRY("p/c/", "3")));
    say(200, "", PAGE("false", "", ENTRY("p/d", "0")));
    assert_true(list("", 0, told, sizeof(told), &err));
    assert_string_equal(told, "a c/ d ");
    assert_true(heard("continuation-token=t2&"));
    say(200, "", PAGE("false", "", ENTRY("p/a", "1") ENTRY("p/b", "1") ENTRY("p/c", "1")));
    assert_false(list("", 2, told, sizeof(told), &err));
    assert_string_equal(told, "a b ");
    assert_int_equal(err.code, ERROR_CANCELLED);
}

static void test_listings_that_lie(void **state) {
    (void)state;
    static const char *const rows[][3] = {
        {PAGE("true", "t", ENTRY("p/b", "1")), PAGE("false", "", ENTRY("p/a", "1"))},
        {PAGE("true", "t", ENTRY("p/b", "1")), PAGE("false", "", ENTRY("p/b", "1"))},
        {PAGE("true", "t", ENTRY("p/b", "1")), PAGE("true", "t", ENTRY("p/c", "1"))},
        {PAGE("true", "t", ENTRY("p/b", "1")), PAGE("false", "", ENTRY("q/c", "1"))},
        {PAGE("true", "t", ENTRY("p/b", "1")), "<ListBucketResult/>"},
        {PAGE("false", "", ENTRY("other", "1"))},
        {"<html/>"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char told[200];
        struct error err = {0};
        for (size_t j = 0; j < 3 && rows[i][j]; j++)
            say(200, "", rows[i][j]);
        assert_false(list("", 0, told, sizeof(told), &err));
        assert_true(err.code == ERROR_IO || err.code == ERROR_INVALID);
        scripted_server_reset(server);
    }
}

/* ---- the rest ---- */

static void test_absence(void **state) {
    (void)state;
    struct error err = {0};
    struct object_facts facts;
    say(404, "", "");
    say(404, "", "");
    assert_false(object_head(store, "k", &facts, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    say(404, "", "");
    say(200, "", "");
    assert_false(object_head(store, "k", &facts, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    scripted_server_reset(server);
    say(404, "", "");
    assert_false(object_head(store, "k", &facts, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_int_equal(scripted_server_reset(server), 1);
    say(403, "", "");
    assert_false(object_head(store, "k", &facts, &err));
    assert_int_equal(err.code, ERROR_DENIED);
}

static bool told_gone(void *to, const char *key, const struct error *why, struct error *err) {
    struct text *text = to;
    (void)err;
    return text_append_format(text, "%s%s ", key, why ? "!" : "");
}

static void test_removals_where_there_is_no_such_call(void **state) {
    (void)state;
    static const char *const keys[] = {"a", "b"};
    struct text text TEXT_SCOPED;
    text_open(&text, 100);
    say(501, "", "<Error><Code>NotImplemented</Code><Message>no</Message></Error>");
    say(204, "", "");
    say(403, "", "<Error><Code>AccessDenied</Code><Message>no</Message></Error>");
    assert_true(object_remove_many(store, keys, 2, told_gone, &text, NULL));
    assert_string_equal(text_value(&text), "a b! ");
}

static bool hello_at(void *from, uint64_t offset, void *into, size_t size, size_t *got, struct error *err) {
    (void)err;
    const char *text = from;
    size_t length = strlen(text);
    *got = offset >= length ? 0 : length - (size_t)offset < size ? length - (size_t)offset : size;
    memcpy(into, text + (offset < length ? offset : length), *got);
    return true;
}

static enum object_match match(const char *text, const char *etag) {
    char copy[16];
    enum object_match found = OBJECT_UNKNOWN;
    struct object_facts facts = {.key = "k", .size = 5};
    snprintf(facts.etag, sizeof(facts.etag), "%s", etag);
    snprintf(copy, sizeof(copy), "%s", text);
    const struct object_source bytes = {read_never, copy, hello_at};
    assert_true(object_match(store, &facts, &bytes, &found, NULL));
    return found;
}

static void test_matches(void **state) {
    (void)state;
    assert_int_equal(match("hello", "5d41402abc4b2a76b9719d911017c592"), OBJECT_SAME);
    assert_int_equal(scripted_server_reset(server), 0);
    /* Another ETag may be no MD5: only a head tells. */
    say(200, "ETag: " HELLO "\r\n", "hello");
    assert_int_equal(match("hellp", "5d41402abc4b2a76b9719d911017c592"), OBJECT_DIFFERENT);
    say(200, "ETag: \"00000000000000000000000000000000\"\r\nx-amz-server-side-encryption: aws:kms\r\n", "hello");
    assert_int_equal(match("hello", "00000000000000000000000000000000"), OBJECT_UNKNOWN);
    say(200,
        "ETag: \"00000000000000000000000000000000\"\r\nx-amz-server-side-encryption: aws:kms\r\nx-amz-checksum-crc32c: "
        "mnG7TA==\r\n",
        "hello");
    assert_int_equal(match("hello", "00000000000000000000000000000000"), OBJECT_SAME);
    say(200,
        "ETag: \"00000000000000000000000000000000\"\r\nx-amz-server-side-encryption: aws:kms\r\nx-amz-checksum-crc32c: "
        "mnG7TA==\r\n",
        "hello");
    assert_int_equal(match("hellp", "00000000000000000000000000000000"), OBJECT_DIFFERENT);
    /* A checksum that nobody says to be of the whole is none of a multipart object. */
    say(200, "ETag: \"00000000000000000000000000000000-2\"\r\nx-amz-checksum-crc32c: AAAAAA==\r\n", "hello");
    say(404, "", "");
    assert_int_equal(match("hello", "00000000000000000000000000000000-2"), OBJECT_UNKNOWN);
}

#define with_store(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_content_types),
        cmocka_unit_test(test_times),
        with_store(test_put_checks_the_answer),
        with_store(test_put_without_an_etag),
        with_store(test_conditions),
        with_store(test_no_conditions),
        with_store(test_parts_without_conditions),
        with_store(test_a_lost_answer),
        with_store(test_parts_and_their_credentials),
        with_store(test_other_parts_put_together),
        with_store(test_completed_already),
        with_store(test_a_failed_upload_is_aborted_unless_it_goes_on),
        with_store(test_going_on),
        with_store(test_cancelled),
        with_store(test_gets),
        with_store(test_listings),
        with_store(test_listings_that_lie),
        with_store(test_absence),
        with_store(test_removals_where_there_is_no_such_call),
        with_store(test_matches),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
