#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/s3_parts.h"
#include "base/hash.h"
#include "base/memory.h"
#include "support/aws_heard.h"
#include "support/scripted_server.h"
#include "support/test_clock.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

static struct scripted_server *server;
static struct test_clock test_time;
static struct http_client *http;
static struct aws_shared *shared;
static struct aws_credential_source source;
static struct arena *arena;
static struct random chance;

static int start(void **state) {
    (void)state;
    server = scripted_server_open();
    test_clock_open(&test_time, INT64_C(1369353600000)); /* 2013-05-24 */
    random_seed(&chance, 1);
    http = http_client_open(&(struct http_client_settings){.allow_private = true, .attempts = 1}, NULL);
    shared = aws_shared_open();
    source = aws_credentials_fixed("AKIAIOSFODNN7EXAMPLE", SECRET, NULL);
    arena = arena_open();
    return 0;
}

static int stop(void **state) {
    (void)state;
    arena_close(arena);
    aws_shared_close(shared);
    http_client_close(http);
    scripted_server_close(server);
    return 0;
}

static struct s3_bucket_settings settings_of(const char *endpoint, const char *name) {
    return (struct s3_bucket_settings){.client = {.http = http,
                                                  .credentials = &source,
                                                  .clock = &test_time.clock,
                                                  .random = &chance,
                                                  .shared = shared,
                                                  .attempts = 2},
                                       .endpoint = endpoint,
                                       .name = name,
                                       .path_style = true};
}

static struct s3_bucket *open_bucket(void) {
    struct s3_bucket_settings settings = settings_of(scripted_server_url(server), "tide");
    struct s3_bucket *bucket = s3_bucket_open(&settings, NULL);
    assert_non_null(bucket);
    return bucket;
}

static struct aws_heard heard(void) {
    struct aws_heard request;
    aws_heard_read(arena, scripted_server_heard(server), SECRET, true, &request);
    return request;
}

/* RFC 4648 section 10. */
static void test_base64(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    char out[16];
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
        assert_string_equal(hash_base64(rows[i][0], strlen(rows[i][0]), out), rows[i][1]);
    char md5[S3_CHECKSUM_TEXT_SIZE];
    assert_string_equal(s3_base64_of_hex("d41d8cd98f00b204e9800998ecf8427e", md5), "1B2M2Y8AsgTpgAmY7PhCfg==");
}

static void test_dates(void **state) {
    (void)state;
    assert_true(s3_http_date("Wed, 12 Oct 2009 17:50:00 GMT") == INT64_C(1255369800000));
    static const char *const wrong[] = {"", "60", "2009-10-12T17:50:00Z", "Wed, some day",
                                        "Wed, 12 Oct 1909 17:50:00 GMT"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++)
        assert_true(s3_http_date(wrong[i]) == 0);
    assert_true(s3_http_date(NULL) == 0);
}

static void test_bucket_names(void **state) {
    (void)state;
    static const char *const wrong[] = {"", "ab", "a/b", "-abc", "abc-", "a..b", "a b c", "abc?"};
    struct error err = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct s3_bucket_settings settings = settings_of(NULL, wrong[i]);
        assert_null(s3_bucket_open(&settings, &err));
        assert_int_equal(err.code, ERROR_INVALID);
    }
    static const char *const endpoints[] = {"127.0.0.1:9000", "ftp://x",    "http://",
                                            "http:///x",      "http://u@h", "http://h?x"};
    for (size_t i = 0; i < ARRAY_LENGTH(endpoints); i++) {
        struct s3_bucket_settings settings = settings_of(endpoints[i], "tide");
        assert_null(s3_bucket_open(&settings, &err));
        assert_int_equal(err.code, ERROR_INVALID);
    }
}

/* "Authenticating Requests: Using Query Parameters", Amazon S3 API Reference: its example, to the last digit. */
static void test_presigned(void **state) {
    (void)state;
    struct s3_bucket_settings settings = settings_of("https://s3.amazonaws.com", "examplebucket");
    settings.path_style = false;
    struct s3_bucket *bucket = s3_bucket_open(&settings, NULL);
    char *url = NULL;
    assert_true(s3_presign_get(arena, bucket, "test.txt", 86400, &url, NULL));
    assert_string_equal(url, "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                             "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                             "&X-Amz-Date=20130524T000000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=86400"
                             "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    struct error err = {0};
    assert_false(s3_presign_get(arena, bucket, "test.txt", 0, &url, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_false(s3_presign_get(arena, bucket, "test.txt", 604801, &url, &err));
    s3_bucket_close(bucket);
}

static void test_addresses(void **state) {
    (void)state;
    static const struct {
        const char *endpoint, *name, *region;
        bool path_style;
        const char *url;
    } rows[] = {
        {NULL, "tide", "eu-west-1", false, "https://tide.s3.eu-west-1.amazonaws.com/a%20b/c?"},
        {NULL, "tide.org", "eu-west-1", true, "https://s3.eu-west-1.amazonaws.com/tide.org/a%20b/c?"},
        {NULL, "tide", "cn-north-1", false, "https://tide.s3.cn-north-1.amazonaws.com.cn/a%20b/c?"},
        {"http://h:9000/", "tide", "x", true, "http://h:9000/tide/a%20b/c?"},
        {"http://h:9000", "tide", "x", false, "http://tide.h:9000/a%20b/c?"},
        {"https://h/s3/", "tide", "x", true, "https://h/s3/tide/a%20b/c?"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct s3_bucket_settings settings = settings_of(rows[i].endpoint, rows[i].name);
        settings.client.region = rows[i].region;
        settings.client.shared = NULL;
        settings.path_style = rows[i].path_style;
        struct s3_bucket *bucket = s3_bucket_open(&settings, NULL);
        char *url = NULL;
        assert_true(s3_presign_get(arena, bucket, "a b/c", 60, &url, NULL));
        assert_true(text_starts(url, rows[i].url));
        s3_bucket_close(bucket);
    }
}

static void test_put_is_signed_and_summed(void **state) {
    (void)state;
    struct s3_bucket_settings settings = settings_of(scripted_server_url(server), "tide");
    settings.account = "123456789012";
    struct s3_bucket *bucket = s3_bucket_open(&settings, NULL);
    struct s3_stored stored;
    struct aws_failure failure;
    const struct s3_attributes attributes = {.content_type = "text/plain",
                                             .storage_class = "STANDARD_IA",
                                             .encryption = "aws:kms",
                                             .kms_key = "key",
                                             .tags = "a=b",
                                             .acl = "private",
                                             .mtime = "1.500"};
    const struct s3_body body = {
        .data = "hello", .length = 5, .checksum = S3_CHECKSUM_CRC32C, .checksum_value = "mnG7TA=="};
    const struct s3_condition condition = {.if_absent = true};
    scripted_server_say(server, 200,
                        "ETag: \"5d41402abc4b2a76b9719d911017c592\"\r\nx-amz-checksum-crc32c: mnG7TA==\r\n"
                        "x-amz-server-side-encryption: aws:kms\r\nDate: Fri, 24 May 2013 00:00:01 GMT\r\n",
                        "");
    assert_true(s3_put_object(arena, bucket, "a b/c+d", &attributes, &body, &condition, NULL, &stored, &failure, NULL));
    struct aws_heard got = heard();
    assert_string_equal(got.line, "PUT /tide/a%20b/c%2Bd HTTP/1.1");
    assert_string_equal(got.body, "hello");
    static const char *const wanted[][2] = {{"content-type", "text/plain"},
                                            {"x-amz-storage-class", "STANDARD_IA"},
                                            {"x-amz-server-side-encryption", "aws:kms"},
                                            {"x-amz-server-side-encryption-aws-kms-key-id", "key"},
                                            {"x-amz-tagging", "a=b"},
                                            {"x-amz-acl", "private"},
                                            {"x-amz-meta-mtime", "1.500"},
                                            {"if-none-match", "*"},
                                            {"x-amz-checksum-crc32c", "mnG7TA=="},
                                            {"x-amz-expected-bucket-owner", "123456789012"}};
    for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++)
        assert_string_equal(aws_heard_header(&got, wanted[i][0]), wanted[i][1]);
    /* Without TLS the bytes are signed, too. */
    char hash[HASH_TEXT_SIZE];
    assert_string_equal(aws_heard_header(&got, "x-amz-content-sha256"), hash_text(HASH_SHA256, "hello", 5, hash));
    assert_string_equal(stored.etag, "5d41402abc4b2a76b9719d911017c592");
    assert_string_equal(stored.encryption, "aws:kms");
    assert_string_equal(stored.checksum, "mnG7TA==");
    assert_true(stored.date_ms == INT64_C(1369353601000));
    s3_bucket_close(bucket);
}

/* ---- failures ---- */

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *code;
        enum error_code error;
    } rows[] = {
        {404, "NoSuchKey", ERROR_ABSENT},           {404, "NoSuchBucket", ERROR_CONFIG},
        {403, "AccessDenied", ERROR_DENIED},        {403, "InvalidObjectState", ERROR_UNSUPPORTED},
        {412, "PreconditionFailed", ERROR_CHANGED}, {409, "ConditionalRequestConflict", ERROR_BUSY},
        {416, "InvalidRange", ERROR_LIMIT},         {400, "BadDigest", ERROR_CHANGED},
        {501, "NotImplemented", ERROR_UNSUPPORTED}, {400, "SomethingElse", ERROR_HTTP},
        {404, "SomethingElse", ERROR_ABSENT},       {412, "", ERROR_CHANGED},
    };
    struct s3_bucket *bucket = open_bucket();
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct s3_page page;
        struct aws_failure failure;
        struct error err = {0};
        const struct s3_list list = {.prefix = ""};
        scripted_server_reset(server);
        scripted_server_say(server, rows[i].status, "",
                            arena_format(arena, "<Error><Code>%s</Code><Message>no</Message></Error>", rows[i].code));
        assert_false(s3_list_objects(arena, bucket, &list, &page, &failure, &err));
        assert_int_equal(err.code, rows[i].error);
        assert_int_equal(failure.status, rows[i].status);
        assert_int_equal(scripted_server_reset(server), 1);
    }
    s3_bucket_close(bucket);
}

static void test_the_region_is_found(void **state) {
    (void)state;
    struct s3_bucket *bucket = open_bucket();
    struct aws_failure failure;
    struct s3_object object;
    static const char told[] = "x-amz-bucket-region: eu-north-1\r\n";
    assert_string_equal(s3_bucket_region(bucket, arena), "us-east-1");
    scripted_server_say(server, 301, told, "");
    scripted_server_say(server, 200, "ETag: \"x\"\r\n", "");
    assert_true(s3_head_object(arena, bucket, "k", 0, NULL, &object, &failure, NULL));
    assert_non_null(strstr(scripted_server_heard(server), "/eu-north-1/s3/aws4_request"));
    assert_string_equal(s3_bucket_region(bucket, arena), "eu-north-1");
    /* A service that sends one round in circles is not followed for ever. */
    scripted_server_reset(server);
    for (int i = 0; i < 6; i++)
        scripted_server_say(server, 301, i % 2 ? "x-amz-bucket-region: a-b-1\r\n" : "x-amz-bucket-region: c-d-1\r\n",
                            "");
    assert_false(s3_head_object(arena, bucket, "k", 0, NULL, &object, &failure, NULL));
    assert_int_equal(scripted_server_reset(server), 3);
    s3_bucket_close(bucket);
}

/* A silent redirect: the bucket is asked. */
static void test_the_region_is_asked_for(void **state) {
    (void)state;
    struct s3_bucket *bucket = open_bucket();
    struct aws_failure failure;
    struct s3_object object;
    scripted_server_reset(server);
    scripted_server_say(server, 301, "", "");
    scripted_server_say(server, 301, "x-amz-bucket-region: eu-north-1\r\n", "");
    scripted_server_say(server, 200, "ETag: \"x\"\r\n", "");
    assert_true(s3_head_object(arena, bucket, "k", 0, NULL, &object, &failure, NULL));
    assert_int_equal(scripted_server_reset(server), 3);
    assert_string_equal(s3_bucket_region(bucket, arena), "eu-north-1");
    s3_bucket_close(bucket);
}

static void test_errors_within_success(void **state) {
    (void)state;
    struct s3_bucket *bucket = open_bucket();
    struct aws_failure failure;
    struct s3_stored stored;
    struct error err = {0};
    scripted_server_reset(server);
    const struct s3_part part = {.number = 1, .size = 1, .etag = "0cc175b9c0f1b6a831c399e269772661"};
    for (int i = 0; i < 2; i++)
        scripted_server_say(server, 200, "", "<Error><Code>InternalError</Code><Message>again</Message></Error>");
    assert_false(
        s3_complete_upload(arena, bucket, "k", "id", &part, 1, S3_CHECKSUM_NONE, NULL, NULL, &stored, &failure, &err));
    assert_true(err.retryable);
    assert_int_equal(scripted_server_reset(server), 2);
    scripted_server_say(server, 200, "", "<Error><Code>AccessDenied</Code><Message>no</Message></Error>");
    assert_false(s3_copy_object(arena, bucket, "other", "k", NULL, "l", NULL, &stored, &failure, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    scripted_server_say(server, 200, "", "<html>Welcome</html>");
    assert_false(s3_copy_object(arena, bucket, "other", "k", NULL, "l", NULL, &stored, &failure, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    s3_bucket_close(bucket);
}

/* ---- removing many ---- */

static void test_removals(void **state) {
    (void)state;
    struct s3_bucket *bucket = open_bucket();
    struct aws_failure failure;
    struct error err = {0};
    static const char *const keys[] = {"b", "a&<", "b", "c"};
    struct s3_removal removals[4];
    scripted_server_say(
        server, 200, "",
        "<DeleteResult><Deleted><Key>b</Key></Deleted><Deleted><Key>a&amp;&lt;</Key></Deleted><Error><Key>b</Key>"
        "<Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>");
    assert_true(s3_delete_objects(arena, bucket, keys, 4, removals, &failure, &err));
    struct aws_heard got = heard();
    assert_string_equal(got.line, "POST /tide?delete= HTTP/1.1");
    assert_non_null(strstr(got.body, "<Key>a&amp;&lt;</Key>"));
    char hex[HASH_TEXT_SIZE], md5[S3_CHECKSUM_TEXT_SIZE];
    hash_text(HASH_MD5, got.body, strlen(got.body), hex);
    assert_string_equal(aws_heard_header(&got, "content-md5"), s3_base64_of_hex(hex, md5));
    assert_null(removals[1].code);
    assert_true(!removals[0].code != !removals[2].code);
    /* What was not spoken of is not taken for gone. */
    assert_string_equal(removals[3].code, "InternalError");
    scripted_server_say(server, 200, "", "<DeleteResult><Deleted><Key>z</Key></Deleted></DeleteResult>");
    assert_false(s3_delete_objects(arena, bucket, keys, 4, removals, &failure, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    s3_bucket_close(bucket);
}

/* ---- pages ---- */

static bool read_page(const char *text, struct s3_page *page, struct error *err) {
    return s3_page_read(arena, text, strlen(text), page, err);
}

#define ENTRY(key)                                                                                                     \
    "<Contents><Key>" key                                                                                              \
    "</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified><ETag>&quot;e&quot;</ETag><Size>7</Size></Contents>"

static void test_pages(void **state) {
    (void)state;
    struct s3_page page;
    assert_true(
        read_page("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><EncodingType>url</EncodingType>"
                  "<KeyCount>3</KeyCount><IsTruncated>true</IsTruncated>" ENTRY("a+b%2Bc%2f%C3%A9")
                      ENTRY("%00%zz%") "<CommonPrefixes><Prefix>p%20/</Prefix></CommonPrefixes>"
                                       "<NextContinuationToken>t+/=</NextContinuationToken></ListBucketResult>",
                  &page, NULL));
    assert_int_equal(page.count, 2);
    assert_string_equal(page.entries[0].key, "a b+c/\xC3\xA9");
    assert_string_equal(page.entries[1].key, "\x01%zz%");
    assert_string_equal(page.entries[0].etag, "e");
    assert_true(page.entries[0].size == 7 && page.entries[0].modified_ms == INT64_C(1767323045678));
    assert_string_equal(page.prefixes[0], "p /");
    assert_true(page.truncated);
    assert_string_equal(page.token, "t+/=");
    /* Without the word, keys are as they stand. */
    assert_true(read_page("<ListBucketResult><IsTruncated>false</IsTruncated>" ENTRY("a+b%2B") "</ListBucketResult>",
                          &page, NULL));
    assert_string_equal(page.entries[0].key, "a+b%2B");
    assert_null(page.token);
}

static void test_pages_that_lie(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "<html/>",
        "<ListBucketResult/>",
        "<ListBucketResult><IsTruncated>false</IsTruncated>" ENTRY("a"),
        "<ListBucketResult><IsTruncated>maybe</IsTruncated></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken/></ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>2</KeyCount>" ENTRY("a") "</ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>0</KeyCount>" ENTRY("a") "</ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated>" ENTRY("") "</ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>7</Size></Contents></"
        "ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><LastModified>2026-01-02T03:04:05Z</"
        "LastModified>"
        "<Size>-7</Size></Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><CommonPrefixes><Prefix/></CommonPrefixes></"
        "ListBucketResult>",
        "<Error><Code>InternalError</Code></Error>",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct s3_page page;
        struct error err = {0};
        if (read_page(wrong[i], &page, &err))
            fail_msg("row %zu was taken for a listing", i);
        assert_true(err.code == ERROR_INVALID || err.code == ERROR_HTTP);
    }
}

/* ---- uploads ---- */

struct seen {
    char text[256];
    size_t count;
};

static bool see_upload(void *to, const struct s3_upload *upload, struct error *err) {
    struct seen *seen = to;
    (void)err;
    size_t length = strlen(seen->text);
    snprintf(seen->text + length, sizeof(seen->text) - length, "%s %s %lld %s;", upload->key, upload->id,
             (long long)upload->begun_ms, upload->algorithm);
    seen->count++;
    return true;
}

#define UPLOAD(key, id)                                                                                                \
    "<Upload><Key>" key "</Key><UploadId>" id "</UploadId><Initiated>1970-01-01T00:00:01.000Z</Initiated></Upload>"

static void test_uploads(void **state) {
    (void)state;
    struct s3_bucket *bucket = open_bucket();
    struct aws_failure failure;
    struct error err = {0};
    struct seen seen = {.count = 0};
    scripted_server_say(server, 200, "",
                        "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
                        "<NextKeyMarker>k+1</NextKeyMarker><NextUploadIdMarker>one</NextUploadIdMarker>" UPLOAD(
                            "k+1", "one") "</ListMultipartUploadsResult>");
    scripted_server_say(server, 200, "",
                        "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>" UPLOAD(
                            "k+2", "two") "</ListMultipartUploadsResult>");
    assert_true(s3_list_uploads(bucket, "k", see_upload, &seen, &failure, &err));
    assert_string_equal(seen.text, "k 1 one 1000 ;k+2 two 1000 ;");
    struct aws_heard got = heard();
    assert_string_equal(
        got.line,
        "GET /tide?encoding-type=url&key-marker=k%201&max-uploads=1000&prefix=k&upload-id-marker=one&uploads= "
        "HTTP/1.1");
    /* One that comes to the same place again. */
    for (int i = 0; i < 3; i++) {
        scripted_server_say(
            server, 200, "",
            "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"
            "<NextUploadIdMarker>one</NextUploadIdMarker></ListMultipartUploadsResult>");
    }
    assert_false(s3_list_uploads(bucket, "k", see_upload, &seen, &failure, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    scripted_server_reset(server);
    s3_bucket_close(bucket);
}

static void test_parts(void **state) {
    (void)state;
    struct s3_bucket *bucket = open_bucket();
    struct aws_failure failure;
    struct error err = {0};
    struct s3_parts parts;
    scripted_server_say(
        server, 200, "",
        "<ListPartsResult><ChecksumAlgorithm>CRC32C</ChecksumAlgorithm><IsTruncated>true</"
        "IsTruncated><Part><PartNumber>2</PartNumber>"
        "<ETag>\"e2\"</ETag><Size>5</Size><ChecksumCRC32C>AAAAAA==</ChecksumCRC32C></Part></ListPartsResult>");
    scripted_server_say(server, 200, "",
                        "<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>7</PartNumber><ETag>e7</"
                        "ETag><Size>6</Size></Part>"
                        "</ListPartsResult>");
    assert_true(s3_list_parts(arena, bucket, "k", "i/d", S3_CHECKSUM_CRC32C, &parts, &failure, &err));
    assert_int_equal(parts.count, 2);
    assert_true(parts.list[0].number == 2 && parts.list[0].size == 5 && parts.list[1].number == 7);
    assert_string_equal(parts.list[0].etag, "e2");
    assert_string_equal(parts.list[0].checksum, "AAAAAA==");
    assert_null(parts.list[1].checksum);
    assert_string_equal(heard().line, "GET /tide/k?max-parts=1000&part-number-marker=2&uploadId=i%2Fd HTTP/1.1");
    scripted_server_say(
        server, 200, "",
        "<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>7</PartNumber><Size>6</Size></Part>"
        "<Part><PartNumber>6</PartNumber><Size>6</Size></Part></ListPartsResult>");
    assert_false(s3_list_parts(arena, bucket, "k", "id", S3_CHECKSUM_CRC32C, &parts, &failure, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    s3_bucket_close(bucket);
}

static void test_bucket_location(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>", "us-east-1"},
        {"<LocationConstraint>EU</LocationConstraint>", "eu-west-1"},
        {"<LocationConstraint>ap-south-1</LocationConstraint>", "ap-south-1"}};
    struct s3_bucket *bucket = open_bucket();
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct aws_failure failure;
        const char *region = NULL;
        scripted_server_say(server, 200, "", rows[i][0]);
        assert_true(s3_get_bucket_location(arena, bucket, &region, &failure, NULL));
        assert_string_equal(region, rows[i][1]);
    }
    struct aws_failure failure;
    scripted_server_say(server, 200, "", "");
    assert_true(s3_create_bucket(arena, bucket, &failure, NULL));
    assert_string_equal(heard().line, "PUT /tide HTTP/1.1");
    s3_bucket_close(bucket);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_bucket_names),
        cmocka_unit_test(test_presigned),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_put_is_signed_and_summed),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_the_region_is_found),
        cmocka_unit_test(test_the_region_is_asked_for),
        cmocka_unit_test(test_errors_within_success),
        cmocka_unit_test(test_removals),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_pages_that_lie),
        cmocka_unit_test(test_uploads),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_bucket_location),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
