/* The s3 driver by hand, for tests: s3_fixture [NAME=VALUE...] COMMAND ARGUMENTS. Answers in JSON; exit 1 with the
 * error in JSON when the store failed. Credentials come from the environment, as the AWS CLI's do. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/object/s3.h"

struct fixture {
    struct s3_settings settings;
    struct object_put_options put;
    struct object_store *store;
    uint64_t from, length;
    bool stream; /* the source cannot be read twice */
    bool quiet;  /* of a listing only the number is told */
    int64_t before_ms, seconds;
    json_t *answer;
};

static bool flag(const char *value) {
    return strcmp(value, "1") == 0;
}

static void set_option(struct fixture *fixture, const char *name, const char *value) {
    const struct {
        const char *name, **text;
    } texts[] = {
        {"endpoint", &fixture->settings.endpoint},   {"bucket", &fixture->settings.bucket},
        {"prefix", &fixture->settings.prefix},       {"region", &fixture->settings.region},
        {"class", &fixture->settings.storage_class}, {"encryption", &fixture->settings.encryption},
        {"tags", &fixture->settings.tags},           {"acl", &fixture->settings.acl},
        {"checksum", &fixture->settings.checksum},   {"account", &fixture->settings.account},
        {"type", &fixture->put.content_type},        {"cache", &fixture->put.cache_control},
        {"if_match", &fixture->put.if_match},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (strcmp(name, texts[i].name) == 0)
            *texts[i].text = value;
    }
    uint64_t number = strtoull(value, NULL, 10);
    if (strcmp(name, "part") == 0)
        fixture->settings.part_bytes = number;
    else if (strcmp(name, "parallel") == 0)
        fixture->settings.parallel = (unsigned)number;
    else if (strcmp(name, "attempts") == 0)
        fixture->settings.attempts = (unsigned)number;
    else if (strcmp(name, "style") == 0)
        fixture->settings.style = strcmp(value, "virtual") == 0 ? S3_STYLE_VIRTUAL : S3_STYLE_PATH;
    else if (strcmp(name, "if_absent") == 0)
        fixture->put.if_absent = flag(value);
    else if (strcmp(name, "resume") == 0)
        fixture->put.resume = flag(value);
    else if (strcmp(name, "mtime") == 0)
        fixture->put.modified_ms = (int64_t)number;
    else if (strcmp(name, "from") == 0)
        fixture->from = number;
    else if (strcmp(name, "length") == 0)
        fixture->length = number;
    else if (strcmp(name, "stream") == 0)
        fixture->stream = flag(value);
    else if (strcmp(name, "quiet") == 0)
        fixture->quiet = flag(value);
    else if (strcmp(name, "before") == 0)
        fixture->before_ms = (int64_t)number;
    else if (strcmp(name, "seconds") == 0)
        fixture->seconds = (int64_t)number;
}

static json_t *facts_json(const struct object_facts *facts) {
    return json_pack("{s:s?,s:I,s:I,s:s}", "key", facts->key, "size", (json_int_t)facts->size, "modified_ms",
                     (json_int_t)facts->modified_ms, "etag", facts->etag);
}

/* ---- files ---- */

static bool read_next(void *from, void *into, size_t size, size_t *got, struct error *err) {
    ssize_t length = read(*(int *)from, into, size);
    if (length < 0)
        return error_set_os(err, errno, "reading");
    *got = (size_t)length;
    return true;
}

static bool read_at(void *from, uint64_t offset, void *into, size_t size, size_t *got, struct error *err) {
    ssize_t length = pread(*(int *)from, into, size, (off_t)offset);
    if (length < 0)
        return error_set_os(err, errno, "reading");
    *got = (size_t)length;
    return true;
}

static bool write_next(void *to, const void *data, size_t length, struct error *err) {
    return fwrite(data, 1, length, to) == length || error_set_os(err, errno, "writing");
}

/* ---- commands ---- */

static bool list_visit(void *to, const struct object_facts *facts, struct error *err) {
    struct fixture *fixture = to;
    (void)err;
    if (fixture->quiet)
        return json_integer_set(fixture->answer, json_integer_value(fixture->answer) + 1) == 0;
    return json_array_append_new(fixture->answer, facts_json(facts)) == 0;
}

static bool run_list(struct fixture *fixture, char **words, struct error *err) {
    fixture->answer = fixture->quiet ? json_integer(0) : json_array();
    return object_list_all(fixture->store, words[0] ? words[0] : "", list_visit, fixture, err);
}

static bool run_put(struct fixture *fixture, char **words, struct error *err) {
    struct object_facts facts;
    int fd = open(words[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_os(err, errno, "%s", words[1]);
    struct object_source source = {read_next, &fd, fixture->stream ? NULL : read_at};
    bool good = object_put(fixture->store, words[0], &source, &fixture->put, &facts, err);
    close(fd);
    fixture->answer = good ? facts_json(&facts) : NULL;
    return good;
}

static bool run_get(struct fixture *fixture, char **words, struct error *err) {
    struct object_facts facts;
    FILE *file = fopen(words[1], "w");
    if (!file)
        return error_set_os(err, errno, "%s", words[1]);
    struct object_sink sink = {write_next, file};
    bool good = object_get(fixture->store, words[0], fixture->from, fixture->length ? fixture->length : UINT64_MAX,
                           &sink, &facts, err);
    fclose(file);
    fixture->answer = good ? facts_json(&facts) : NULL;
    return good;
}

static bool run_head(struct fixture *fixture, char **words, struct error *err) {
    struct object_facts facts;
    if (!object_head(fixture->store, words[0], &facts, err))
        return false;
    fixture->answer = facts_json(&facts);
    return true;
}

static bool remove_told(void *to, const char *key, const struct error *why, struct error *err) {
    struct fixture *fixture = to;
    (void)err;
    json_object_set_new(fixture->answer, key, why ? json_string(why->message) : json_null());
    return true;
}

static bool run_remove(struct fixture *fixture, char **words, struct error *err) {
    size_t count = 0;
    while (words[count])
        count++;
    fixture->answer = json_object();
    if (count == 1)
        return object_remove(fixture->store, words[0], err);
    return object_remove_many(fixture->store, (const char *const *)words, count, remove_told, fixture, err);
}

static bool run_match(struct fixture *fixture, char **words, struct error *err) {
    static const char *const names[] = {"unknown", "same", "different"};
    struct object_facts facts;
    enum object_match match;
    int fd = open(words[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_os(err, errno, "%s", words[1]);
    struct object_source source = {read_next, &fd, read_at};
    bool good = object_head(fixture->store, words[0], &facts, err) &&
                object_match(fixture->store, &facts, &source, &match, err);
    close(fd);
    fixture->answer = good ? json_string(names[match]) : NULL;
    return good;
}

static bool run_copy(struct fixture *fixture, char **words, struct error *err) {
    fixture->answer = json_null();
    return object_copy(fixture->store, words[0], words[1], err);
}

/* transfer KEY BUCKET KEY: from another bucket of the same endpoint. */
static bool run_transfer(struct fixture *fixture, char **words, struct error *err) {
    struct s3_settings settings = fixture->settings;
    struct object_facts wanted, facts;
    settings.bucket = words[1];
    struct object_store *from = s3_store_open(&settings, err);
    bool good = from && object_head(from, words[0], &wanted, err) &&
                object_transfer(from, &wanted, fixture->store, words[2], &fixture->put, &facts, err);
    object_store_close(from);
    fixture->answer = good ? facts_json(&facts) : NULL;
    return good;
}

static bool run_url(struct fixture *fixture, char **words, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    const char *url = object_url(fixture->store, arena, words[0], fixture->seconds ? fixture->seconds : 60, err);
    fixture->answer = json_string(url ? url : "");
    return url != NULL;
}

static bool run_tidy(struct fixture *fixture, char **words, struct error *err) {
    size_t removed = 0;
    bool good = object_tidy(fixture->store, words[0] ? words[0] : "", fixture->before_ms, &removed, err);
    fixture->answer = json_integer((json_int_t)removed);
    return good;
}

static bool run_check(struct fixture *fixture, char **words, struct error *err) {
    (void)words;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *region = "";
    bool good = s3_store_check(fixture->store, arena, &region, err);
    fixture->answer = json_string(region);
    return good;
}

static const struct {
    const char *name;
    int words;
    bool (*run)(struct fixture *fixture, char **words, struct error *err);
} commands[] = {
    {"list", 0, run_list},     {"put", 2, run_put},     {"get", 2, run_get},     {"head", 1, run_head},
    {"remove", 1, run_remove}, {"match", 2, run_match}, {"copy", 2, run_copy},   {"transfer", 3, run_transfer},
    {"url", 1, run_url},       {"tidy", 0, run_tidy},   {"check", 0, run_check},
};

static bool run(struct fixture *fixture, int count, char **words, struct error *err) {
    for (size_t i = 0; count && i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(words[0], commands[i].name) == 0 && count > commands[i].words)
            return commands[i].run(fixture, words + 1, err);
    }
    return error_set(err, ERROR_USAGE, "no such command, or too few words");
}

int main(int argc, char **argv) {
    struct fixture fixture = {.settings = {.bucket = "tide"}};
    struct error err = {0};
    int at = 1;
    for (char *mark; at < argc && (mark = strchr(argv[at], '=')) != NULL; at++) {
        *mark = 0;
        set_option(&fixture, argv[at], mark + 1);
    }
    struct aws_credential_source source = aws_credentials_fixed(
        getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"));
    const struct http_client_settings reach = {.allow_private = true, .attempts = 1, .per_host = 16};
    struct http_client *http = http_client_open(&reach, &err);
    struct aws_shared *shared = aws_shared_open();
    fixture.settings.http = http;
    fixture.settings.credentials = &source;
    fixture.settings.shared = shared;
    fixture.store = http ? s3_store_open(&fixture.settings, &err) : NULL;
    bool good = fixture.store && run(&fixture, argc - at, argv + at, &err);
    json_t *answer = good ? fixture.answer
                          : json_pack("{s:s,s:s,s:s,s:b}", "error", error_name(err.code), "message", err.message,
                                      "hint", err.hint, "retryable", err.retryable);
    char *text = json_dumps(answer, JSON_COMPACT | JSON_ENCODE_ANY);
    puts(text ? text : "null");
    free(text);
    json_decref(answer);
    if (!good)
        json_decref(fixture.answer);
    object_store_close(fixture.store);
    aws_shared_close(shared);
    http_client_close(http);
    return good ? 0 : 1;
}
