/* The driver's own threads: parts sent and folders listed side by side. Run under TSan, too. */
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "store/object/s3_parts.h"
#include "support/scripted_server.h"

#define ZEROES_5M "5f363e0e58a95f06cbe9bbc662c5dfb6" /* the MD5 of 5 MiB of zeroes */
#define PAGE(more, token, entries)                                                                                     \
    "<ListBucketResult><IsTruncated>" more "</IsTruncated><NextContinuationToken>" token                               \
    "</NextContinuationToken>" entries "</ListBucketResult>"
#define ENTRY(key)                                                                                                     \
    "<Contents><Key>" key "</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><Size>1</Size></Contents>"
#define FOLDER(name) "<CommonPrefixes><Prefix>" name "</Prefix></CommonPrefixes>"

enum { PARTS = 6 };

static struct scripted_server *server;
static struct http_client *http;
static struct aws_shared *shared;
static struct aws_credential_source source;
static struct object_store *store;

static int start(void **state) {
    (void)state;
    server = scripted_server_open();
    http = http_client_open(&(struct http_client_settings){.allow_private = true, .attempts = 1, .per_host = 4}, NULL);
    shared = aws_shared_open();
    source = aws_credentials_fixed("KEY", "secret", NULL);
    const struct s3_settings settings = {.http = http,
                                         .credentials = &source,
                                         .shared = shared,
                                         .endpoint = scripted_server_url(server),
                                         .bucket = "tide",
                                         .part_bytes = 5 * MIB,
                                         .parallel = 4};
    store = s3_store_open(&settings, NULL);
    return store ? 0 : 1;
}

static int stop(void **state) {
    (void)state;
    object_store_close(store);
    aws_shared_close(shared);
    http_client_close(http);
    scripted_server_close(server);
    return 0;
}

static bool read_zeroes(void *from, uint64_t offset, void *into, size_t size, size_t *got, struct error *err) {
    const uint64_t *all = from;
    (void)err;
    *got = offset >= *all ? 0 : *all - offset < size ? (size_t)(*all - offset) : size;
    memset(into, 0, *got);
    return true;
}

static void test_parts(void **state) {
    (void)state;
    uint64_t size = (size_t)PARTS * 5 * MIB;
    const struct object_source zeroes = {NULL, &size, read_zeroes};
    const struct object_put_options options = {.expected_size = size};
    scripted_server_say(server, 200, "",
                        "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>");
    for (int i = 0; i < PARTS; i++)
        scripted_server_say(server, 200, "ETag: \"" ZEROES_5M "\"\r\n", "");
    scripted_server_say(server, 200, "", "<CompleteMultipartUploadResult/>");
    scripted_server_say(server, 200, "ETag: \"x-6\"\r\n", "");
    assert_true(object_put(store, "k", &zeroes, &options, NULL, NULL));
    assert_int_equal(scripted_server_reset(server), PARTS + 3);
}

static void test_parts_one_of_which_fails(void **state) {
    (void)state;
    uint64_t size = (size_t)PARTS * 5 * MIB;
    const struct object_source zeroes = {NULL, &size, read_zeroes};
    const struct object_put_options options = {.expected_size = size};
    struct error err = {0};
    scripted_server_say(server, 200, "",
                        "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>");
    scripted_server_say(server, 200, "ETag: \"" ZEROES_5M "\"\r\n", "");
    for (int i = 0; i < PARTS; i++)
        scripted_server_say(server, 403, "", "<Error><Code>AccessDenied</Code></Error>");
    assert_false(object_put(store, "k", &zeroes, &options, NULL, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    scripted_server_reset(server);
}

static bool count(void *to, const struct object_facts *facts, struct error *err) {
    size_t *seen = to;
    (void)facts;
    return ++*seen < 3 || error_set(err, ERROR_CANCELLED, "enough");
}

/* Which lane asks when is chance: each gets a page that fits all. */
static void say_folders(void) {
    scripted_server_say(server, 200, "", PAGE("true", "t", ENTRY("0")));
    scripted_server_say(
        server, 200, "",
        PAGE("false", "", ENTRY("0") FOLDER("a/") FOLDER("b/") FOLDER("c/") FOLDER("d/") FOLDER("e/") ENTRY("z")));
}

static void test_folders(void **state) {
    (void)state;
    size_t seen = 0;
    say_folders();
    for (int i = 0; i < 5; i++)
        scripted_server_say(server, 200, "", PAGE("false", "", ""));
    assert_true(object_list(store, "", count, &seen, NULL));
    assert_int_equal(seen, 2);
    assert_int_equal(scripted_server_reset(server), 7);
}

static void test_folders_one_of_which_fails(void **state) {
    (void)state;
    struct error err = {0};
    size_t seen = 0;
    say_folders();
    scripted_server_say(server, 200, "", PAGE("false", "", ""));
    for (int i = 0; i < 4; i++)
        scripted_server_say(server, 403, "", "<Error><Code>AccessDenied</Code></Error>");
    assert_false(object_list(store, "", count, &seen, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    assert_int_equal(seen, 1);
    scripted_server_reset(server);
}

/* The caller has enough while lanes are at work. */
static void test_folders_no_longer_wanted(void **state) {
    (void)state;
    struct error err = {0};
    size_t seen = 1;
    say_folders();
    for (int i = 0; i < 5; i++)
        scripted_server_say(server, 200, "", PAGE("false", "", ""));
    assert_false(object_list(store, "", count, &seen, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
    seen = 2;
    scripted_server_reset(server);
    say_folders();
    assert_false(object_list(store, "", count, &seen, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
    scripted_server_reset(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_parts_one_of_which_fails),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_folders_one_of_which_fails),
        cmocka_unit_test(test_folders_no_longer_wanted),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
