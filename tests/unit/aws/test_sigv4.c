#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

enum { HEADERS_MOST = 32 };

/* ---- requests as the suite writes them ---- */

struct read_request {
    struct sigv4_request request;
    struct http_header headers[HEADERS_MOST];
    char hash[HASH_TEXT_SIZE];
};

/* Reads "METHOD target HTTP/1.1\nName:value\n...\n\nbody". A line that starts with a blank goes on with the one before.
 */
static void read_request(struct arena *arena, const char *text, struct read_request *to) {
    memset(to, 0, sizeof(*to));
    char *copy = arena_text(arena, text);
    char *head = strsep(&copy, "\n");
    char *version = strstr(head, " HTTP/1.1");
    assert_non_null(version);
    *version = 0;
    to->request.method = strsep(&head, " ");
    to->request.path = strsep(&head, "?");
    to->request.query = head;
    to->request.headers = to->headers;
    while (copy && *copy && *copy != '\n') {
        char *line = strsep(&copy, "\n");
        size_t *count = &to->request.header_count;
        if (line[0] == ' ') {
            to->headers[*count - 1].value = arena_format(arena, "%s\n%s", to->headers[*count - 1].value, line);
            continue;
        }
        assert_true(*count < HEADERS_MOST);
        to->headers[*count].name = strsep(&line, ":");
        to->headers[(*count)++].value = line;
    }
    const char *body = copy && *copy == '\n' ? copy + 1 : "";
    to->request.payload_hash = hash_text(HASH_SHA256, body, strlen(body), to->hash);
}

static struct sigv4_context context_of(const json_t *row, struct aws_credentials *credentials) {
    const json_t *from = json_object_get(row, "context"), *keys = json_object_get(from, "credentials");
    int64_t time_ms = 0;
    assert_true(clock_parse_iso(json_get_text(from, "timestamp", ""), &time_ms));
    *credentials = (struct aws_credentials){.key_id = json_get_text(keys, "access_key_id", NULL),
                                            .secret = json_get_text(keys, "secret_access_key", NULL),
                                            .token = json_get_text(keys, "token", NULL)};
    return (struct sigv4_context){
        .credentials = credentials,
        .region = json_get_text(from, "region", NULL),
        .service = json_get_text(from, "service", NULL),
        .time_ms = time_ms,
        .raw_path = !json_get_bool(from, "normalize", true),
        .omit_token = json_get_bool(from, "omit_session_token", false),
        .content_hash = json_get_bool(from, "sign_body", false),
    };
}

/* A verified request does not stay so when anything of it is changed. */
static void check_changes(struct arena *arena, const struct sigv4_context *context, const struct sigv4_request *request,
                          const struct sigv4_claim *claim) {
    struct sigv4_request changed = *request;
    changed.method = "PUT";
    assert_false(sigv4_verify(arena, context, &changed, claim, NULL));
    changed = *request;
    changed.path = arena_format(arena, "%sx", changed.path);
    assert_false(sigv4_verify(arena, context, &changed, claim, NULL));
    changed = *request;
    changed.query = arena_format(arena, "a=b%s%s", changed.query ? "&" : "", changed.query ? changed.query : "");
    assert_false(sigv4_verify(arena, context, &changed, claim, NULL));
    changed = *request;
    changed.payload_hash = SIGV4_UNSIGNED;
    assert_false(sigv4_verify(arena, context, &changed, claim, NULL));
    changed = *request;
    changed.header_count = 0; /* no Host: a signed header is missing */
    assert_false(sigv4_verify(arena, context, &changed, claim, NULL));
    struct sigv4_context with_other = *context;
    struct aws_credentials other = *context->credentials;
    other.secret = "another";
    with_other.credentials = &other;
    assert_false(sigv4_verify(arena, &with_other, request, claim, NULL));
}

/* The suite's own signed request, read by the verifier. */
static void check_verifier(struct arena *arena, const json_t *row, const struct sigv4_context *context,
                           const char *signed_request, const char *signature) {
    struct read_request got;
    struct sigv4_claim claim;
    const char *why = NULL;
    read_request(arena, signed_request, &got);
    assert_int_equal(sigv4_claim_read(arena, &got.request, &claim, &why), SIGV4_READ);
    assert_string_equal(claim.key_id, context->credentials->key_id);
    assert_string_equal(claim.region, context->region);
    assert_string_equal(claim.service, context->service);
    assert_string_equal(claim.signature, signature);
    assert_true(claim.time_ms == context->time_ms);
    assert_int_equal(claim.expires_s, claim.in_query ? 3600 : 0);
    if (context->credentials->token)
        assert_string_equal(claim.token, context->credentials->token);
    if (!sigv4_verify(arena, context, &got.request, &claim, NULL))
        fail_msg("%s is not verified", json_get_text(row, "id", ""));
    check_changes(arena, context, &got.request, &claim);
    assert_true(sigv4_claim_covers(&claim, "host"));
    assert_false(sigv4_claim_covers(&claim, "hos"));
    assert_false(sigv4_claim_covers(&claim, "host;"));
}

static void check_row(struct arena *arena, const json_t *row) {
    struct error err = {0};
    struct aws_credentials credentials;
    struct sigv4_key key = {0};
    struct sigv4_signed made;
    struct read_request plain, wanted;
    struct sigv4_context context = context_of(row, &credentials);
    context.key = &key;
    read_request(arena, json_get_text(row, "request", ""), &plain);
    for (int turn = 0; turn < 2; turn++) { /* the second time with the key of the first */
        assert_true(sigv4_sign_headers(arena, &context, &plain.request, &made, &err));
        assert_string_equal(made.canonical_request, json_get_text(row, "header-canonical-request", ""));
        assert_string_equal(made.string_to_sign, json_get_text(row, "header-string-to-sign", ""));
        assert_string_equal(made.signature, json_get_text(row, "header-signature", ""));
        assert_string_equal(key.scope, "20150830/us-east-1/service");
    }
    const char *authorization = strstr(json_get_text(row, "header-signed-request", ""), "Authorization:") + 14;
    assert_int_equal(strlen(made.authorization), strcspn(authorization, "\n"));
    assert_memory_equal(made.authorization, authorization, strlen(made.authorization));
    context.key = NULL;
    assert_true(sigv4_sign_query(arena, &context, &plain.request, 3600, &made, &err));
    assert_string_equal(made.canonical_request, json_get_text(row, "query-canonical-request", ""));
    assert_string_equal(made.string_to_sign, json_get_text(row, "query-string-to-sign", ""));
    assert_string_equal(made.signature, json_get_text(row, "query-signature", ""));
    read_request(arena, json_get_text(row, "query-signed-request", ""), &wanted);
    assert_string_equal(made.query, wanted.request.query);
    check_verifier(arena, row, &context, json_get_text(row, "header-signed-request", ""),
                   json_get_text(row, "header-signature", ""));
    check_verifier(arena, row, &context, json_get_text(row, "query-signed-request", ""),
                   json_get_text(row, "query-signature", ""));
}

static void every_recorded_case_is_signed_and_verified(void **state) {
    (void)state;
    char path[4096], *line = NULL;
    size_t size = 0, rows = 0;
    ssize_t length;
    const char *shared = getenv("SHARED_DIR");
    snprintf(path, sizeof(path), "%s/conformance/sigv4.jsonl", shared ? shared : "");
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("skipped: the signing suite is not at %s\n", path);
        skip();
    }
    while ((length = getline(&line, &size, file)) > 0) {
        struct error err = {0};
        JSON_OWNED json_t *row = json_parse(line, (size_t)length, &err);
        if (!row)
            fail_msg("%s", err.message);
        struct arena *arena ARENA_OWNED = arena_open();
        check_row(arena, row);
        rows++;
    }
    free(line);
    fclose(file);
    assert_int_equal(rows, 38);
}

/* ---- claims that are none ---- */

static void what_is_broken_is_said_in_the_services_words(void **state) {
    (void)state;
    static const struct {
        const char *authorization, *date, *query, *why;
    } rows[] = {
        {"AWS4-HMAC-SHA256 Credential=k/1/2/3/aws4_request, SignedHeaders=host", "20150830T123600Z", NULL,
         "Authorization header requires 'Signature' parameter. "},
        {"AWS4-HMAC-SHA256", NULL, NULL,
         "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
         "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a "
         "'X-Amz-Date' or a 'Date' header. "},
        {"AWS4-HMAC-SHA256 Credential=k, SignedHeaders=host, Signature=00", "20150830T123600Z", NULL,
         "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'k'"},
        {"AWS4-HMAC-SHA256 Credential=k/1/2/3/4, SignedHeaders=host, Signature=00", "20150830T123600Z", NULL,
         "Credential should be scoped with a valid terminator: 'aws4_request', not '4'."},
        {"AWS4-HMAC-SHA256 Credential=k/1/2/3/aws4_request,SignedHeaders=host,Signature=00", "2015-08-30", NULL,
         "Date must be in ISO-8601 'basic format'. Got '2015-08-30'. See http://en.wikipedia.org/wiki/ISO_8601"},
        {"Basic eDp5", "20150830T123600Z", NULL, "Unsupported AWS 'algorithm': only AWS4-HMAC-SHA256 is taken."},
        {"AWS4-HMAC-SHA25", "20150830T123600Z", NULL, "Unsupported AWS 'algorithm': only AWS4-HMAC-SHA256 is taken."},
        {NULL, NULL, "X-Amz-Algorithm=AWS4", "Unsupported AWS 'algorithm': only AWS4-HMAC-SHA256 is taken."},
        {NULL, NULL, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k&X-Amz-Signature=0&X-Amz-Date=1",
         "AWS query-string parameters must include 'X-Amz-SignedHeaders'. "},
        {NULL, NULL,
         "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k&X-Amz-Signature=0&X-Amz-Date=1&X-Amz-SignedHeaders=host&"
         "X-Amz-Expires=604801",
         "X-Amz-Expires must be a number between 1 and 604800 seconds."},
    };
    struct arena *arena ARENA_OWNED = arena_open();
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct sigv4_claim claim = {0};
        const char *why = NULL;
        struct http_header headers[] = {{"authorization", rows[i].authorization}, {"X-AMZ-DATE", rows[i].date}};
        struct sigv4_request request = {.method = "POST",
                                        .path = "/",
                                        .query = rows[i].query,
                                        .headers = headers,
                                        .header_count = 2,
                                        .payload_hash = SIGV4_EMPTY_HASH};
        assert_int_equal(sigv4_claim_read(arena, &request, &claim, &why), SIGV4_BROKEN);
        assert_string_equal(why, rows[i].why);
        assert_null(claim.signature);
    }
    struct sigv4_claim claim;
    const char *why = NULL;
    struct sigv4_request bare = {.method = "GET", .path = "/", .payload_hash = SIGV4_EMPTY_HASH};
    assert_int_equal(sigv4_claim_read(arena, &bare, &claim, &why), SIGV4_NONE);
}

/* S3 takes the path as it is: escaped once, dots and slashes kept. Others escape it again. */
static void a_path_is_escaped_once_or_twice(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_credentials credentials = {.key_id = "k", .secret = "s"};
    struct http_header host = {"Host", "h"};
    struct sigv4_request request = {.method = "GET",
                                    .path = "/a%20b/../c%2fd//e f",
                                    .headers = &host,
                                    .header_count = 1,
                                    .payload_hash = SIGV4_UNSIGNED};
    struct sigv4_context context = {.credentials = &credentials, .region = "r", .service = "s3", .time_ms = 0};
    struct sigv4_signed made;
    assert_true(sigv4_sign_headers(arena, &context, &request, &made, &err));
    assert_true(text_starts(made.canonical_request, "GET\n/c%252fd/e%20f\n\nhost:h\nx-amz-date:19700101T000000Z\n"));
    context.raw_path = context.encode_once = true;
    assert_true(sigv4_sign_headers(arena, &context, &request, &made, &err));
    assert_true(text_starts(made.canonical_request, "GET\n/a%20b/../c%2Fd//e%20f\n\nhost:h\n"));
    assert_true(text_ends(made.canonical_request, "\nUNSIGNED-PAYLOAD"));
}

static void a_request_too_large_is_refused(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_credentials credentials = {.key_id = "k", .secret = "s"};
    char *query = arena_alloc(arena, 4001);
    memset(query, '&', 4000);
    struct sigv4_request request = {.method = "GET", .path = "/", .query = query, .payload_hash = SIGV4_EMPTY_HASH};
    struct sigv4_context context = {.credentials = &credentials, .region = "r", .service = "s"};
    struct sigv4_signed made = {.date = "untouched"};
    assert_false(sigv4_sign_headers(arena, &context, &request, &made, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_string_equal(made.date, "untouched");
}

static void credentials_are_there_or_not(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_credentials got = {0};
    struct aws_credential_source none = aws_credentials_fixed("AKIA", "", NULL);
    assert_false(aws_credentials_get(&none, arena, 0, &got, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    assert_null(got.key_id);
    struct aws_credential_source some = aws_credentials_fixed("AKIA", "secret", "");
    assert_true(aws_credentials_get(&some, arena, 0, &got, &err));
    assert_string_equal(got.secret, "secret");
    assert_null(got.token);
    some.fixed.expires_ms = 1000;
    assert_true(aws_credentials_get(&some, arena, 999, &got, &err));
    assert_false(aws_credentials_get(&some, arena, 1000, &got, &err));
    assert_int_equal(err.code, ERROR_DENIED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_case_is_signed_and_verified),
        cmocka_unit_test(what_is_broken_is_said_in_the_services_words),
        cmocka_unit_test(a_path_is_escaped_once_or_twice),
        cmocka_unit_test(a_request_too_large_is_refused),
        cmocka_unit_test(credentials_are_there_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
