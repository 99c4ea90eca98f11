/* Models: a real published one (the voice detector, 885 kB, from its package) and scripted ones of the true layout. */
#include "support/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/http_client.h"
#include "base/json.h"
#include "base/memory.h"
#include "speech/model.h"
#include "support/feed_server.h"
#include "support/scratch.h"
#include "support/test_clock.h"

#define VAD "silero-v6.2.0"

static char *published; /* bytes of the detector */
static size_t published_size;
static char *scripted; /* bytes of a scripted speech model */
static size_t scripted_size;
static struct scratch *files;

static const char *put(struct scratch *scratch, const char *name, const char *data, size_t length) {
    const char *path = scratch_path(scratch, name);
    assert_true(file_make_parents(path, NULL));
    assert_true(file_write(path, data, length, 0644, NULL));
    return path;
}

static void assert_check_fails(const char *data, size_t length, const char *reason) {
    struct error err = {0};
    enum model_kind kind;
    const char *path = put(files, "damaged.bin", data, length);
    assert_false(model_file_check(path, &kind, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    if (reason && !strstr(err.message, reason))
        fail_msg("\"%s\" does not say \"%s\"", err.message, reason);
}

static void assert_error(const struct error *err, enum error_code code, const char *part) {
    if (err->code != code || (!strstr(err->message, part) && !strstr(err->hint, part)))
        fail_msg("%s: %s; %s", error_name(err->code), err->message, err->hint);
}

static void names(void **state) {
    (void)state;
    size_t count;
    const struct model *rows = model_rows(&count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(model_find(rows[i].name, NULL), &rows[i]);
        assert_int_equal(strlen(rows[i].hash), rows[i].hash_kind == HASH_SHA1 ? 40 : 64);
        assert_non_null(strstr(rows[i].url, rows[i].name));
    }
    assert_string_equal(model_find("ggml-base.en.bin", NULL)->name, "base.en");
    assert_string_equal(model_find("vad", NULL)->name, MODEL_VAD_DEFAULT);
    assert_non_null(model_find(MODEL_DEFAULT, NULL));
    struct error err = {0};
    assert_null(model_find("smal", &err));
    assert_error(&err, ERROR_ABSENT, "did you mean \"small\"?");
    assert_true(model_cpu_check(NULL));
}

static void structure_of_whole_files(void **state) {
    (void)state;
    enum model_kind kind;
    assert_true(model_file_check(put(files, "a.bin", published, published_size), &kind, NULL));
    assert_int_equal(kind, MODEL_ACTIVITY);
    assert_true(model_file_check(put(files, "a.bin", scripted, scripted_size), &kind, NULL));
    assert_int_equal(kind, MODEL_SPEECH);
    struct error err = {0};
    assert_false(model_file_check(scratch_path(files, "none.bin"), &kind, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
}

static void structure_of_cut_files(void **state) {
    (void)state;
    assert_check_fails("", 0, "only 0 bytes");
    assert_check_fails("<!DOCTYPE html><html>", 21, "not a model");
    for (size_t cut = 8; cut < scripted_size; cut += cut / 3 + 1)
        assert_check_fails(scripted, cut, "cut off");
    for (size_t less = 1; less < 3000; less += 97)
        assert_check_fails(published, published_size - less, "cut off");
    char *more = memory_alloc(scripted_size + 20);
    memcpy(more, scripted, scripted_size);
    assert_check_fails(more, scripted_size + 20, "behind the last tensor");
    free(more);
}

/* Offsets follow from the layout: 12 numbers, 2 numbers and 80 x 201 filters, the count of tokens, then lengths. */
static void structure_of_damaged_files(void **state) {
    (void)state;
    static const struct {
        size_t at;
        int32_t value;
        const char *reason;
    } damage[] = {
        {4, 1000000, "hyperparameters"},
        {8, 0, "hyperparameters"},
        {12, 1 << 30, "hyperparameters"},
        {12, -64, "hyperparameters"},
        {16, 0, "hyperparameters"},
        {32, 65, "hyperparameters"},
        {40, 81, "hyperparameters"},
        {48, 1 << 30, "filters"},
        {52, -1, "filters"},
        {64376, 0x7fffffff, "tokens"},
        {64376, -1, "tokens"},
        {64380, 0x7fffffff, "vocabulary"},
        {64380, -5, "vocabulary"},
        {64380 + 5 * 32 + 4, 0x41, "space"},
    };
    char *copy = memory_alloc(scripted_size);
    for (size_t i = 0; i < ARRAY_LENGTH(damage); i++) {
        memcpy(copy, scripted, scripted_size);
        size_t width = strcmp(damage[i].reason, "space") == 0 ? 1 : 4;
        memcpy(copy + damage[i].at, &damage[i].value, width);
        assert_check_fails(copy, scripted_size, damage[i].reason);
    }
    free(copy);
}

static void a_seen_hash_is_remembered(void **state) {
    (void)state;
    struct scratch *scratch = scratch_open();
    struct error err = {0};
    assert_null(model_path(scratch->arena, scratch->path, VAD, &err));
    assert_error(&err, ERROR_ABSENT, "tidemill model get " VAD);
    const char *path = put(scratch, "ggml-" VAD ".bin", published, published_size);
    assert_string_equal(model_path(scratch->arena, scratch->path, VAD, NULL), path);
    assert_string_equal(model_path(scratch->arena, scratch->path, "vad", NULL), path);

    /* Changed without a trace in size, time and inode: the memory is believed, the explicit look is not fooled. */
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    struct timespec times[2] = {info.st_atim, info.st_mtim};
    int file = open(path, O_WRONLY);
    assert_int_equal(pwrite(file, "x", 1, 500000), 1);
    assert_int_equal(futimens(file, times), 0);
    assert_string_equal(model_path(scratch->arena, scratch->path, VAD, NULL), path);
    assert_false(model_verify(scratch->path, VAD, &err));
    assert_error(&err, ERROR_CORRUPT, "not the published file");
    assert_null(model_path(scratch->arena, scratch->path, VAD, NULL));

    /* Mended, with another time. */
    assert_int_equal(pwrite(file, published + 500000, 1, 500000), 1);
    assert_string_equal(model_path(scratch->arena, scratch->path, VAD, NULL), path);
    assert_int_equal(ftruncate(file, 1000), 0);
    close(file);
    error_clear(&err);
    assert_null(model_path(scratch->arena, scratch->path, VAD, &err));
    assert_error(&err, ERROR_CORRUPT, "cut off");
    assert_error(&err, ERROR_CORRUPT, "get");
    scratch_close(scratch);
}

static void a_path_is_checked_by_structure(void **state) {
    (void)state;
    struct error err = {0};
    const char *good = put(files, "own.bin", scripted, scripted_size);
    assert_string_equal(model_path(files->arena, "/nowhere", good, NULL), good);
    assert_null(model_path(files->arena, "/nowhere", put(files, "own.bin", scripted, scripted_size - 1), &err));
    assert_error(&err, ERROR_CORRUPT, "cut off");
    assert_null(model_path(files->arena, "/nowhere", "..", &err));
    assert_int_equal(err.code, ERROR_INVALID);
}

static void installing(void **state) {
    (void)state;
    struct scratch *scratch = scratch_open();
    const char *models = scratch_path(scratch, "models/deep");
    struct model_source source = {.folder = models};
    struct error err = {0};
    const char *path = NULL;
    const char *vad = put(scratch, "downloaded", published, published_size);
    const char *own = put(scratch, "own", scripted, scripted_size);

    source.name = "tiny";
    assert_false(model_install(scratch->arena, &source, vad, &path, &err));
    assert_error(&err, ERROR_INVALID, "is the model " VAD);
    source.name = NULL;
    assert_true(model_install(scratch->arena, &source, vad, &path, NULL));
    assert_string_equal(path, model_file(scratch->arena, models, VAD));
    assert_true(model_verify(models, VAD, NULL));

    source.name = "mine";
    assert_false(model_install(scratch->arena, &source, own, &path, &err));
    assert_error(&err, ERROR_INVALID, "--unverified");
    source.allow_unknown = true;
    source.name = "../mine";
    assert_false(model_install(scratch->arena, &source, own, &path, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    source.name = "mine";
    assert_false(model_install(scratch->arena, &source, put(scratch, "html", "<html></html>", 13), &path, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    assert_true(model_install(scratch->arena, &source, own, &path, NULL));
    assert_string_equal(model_path(scratch->arena, models, "mine", NULL), path);
    assert_true(file_write(path, scripted, scripted_size - 1, 0644, NULL));
    assert_null(model_path(scratch->arena, models, "mine", &err));
    assert_error(&err, ERROR_CORRUPT, "has changed");

    struct cancel cancel = {0};
    cancel_request(&cancel);
    source.cancel = &cancel;
    source.name = "other";
    assert_false(model_install(scratch->arena, &source, own, &path, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
    assert_false(file_size(model_file(scratch->arena, models, "other"), NULL, NULL));
    scratch_close(scratch);
}

static const struct model_entry *entry_of(const struct model_entry *entries, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    return NULL;
}

static void listing_and_removing(void **state) {
    (void)state;
    struct scratch *scratch = scratch_open();
    struct model_entry *entries;
    size_t count, rows;
    bool removed;
    model_rows(&rows);
    assert_true(model_list(scratch->arena, scratch_path(scratch, "missing"), &entries, &count, NULL));
    assert_int_equal(count, rows);
    assert_int_equal(entries[0].state, MODEL_ABSENT);

    put(scratch, "ggml-" VAD ".bin", published, published_size);
    put(scratch, "ggml-tiny.bin", "short", 5);
    struct model_source source = {.folder = scratch->path, .name = "mine", .allow_unknown = true};
    assert_true(model_install(scratch->arena, &source, put(scratch, "own", scripted, scripted_size), NULL, NULL));
    assert_true(model_list(scratch->arena, scratch->path, &entries, &count, NULL));
    assert_int_equal(count, rows + 1);
    assert_int_equal(entry_of(entries, count, VAD)->state, MODEL_PRESENT);
    assert_int_equal(entry_of(entries, count, "tiny")->state, MODEL_DAMAGED);
    assert_int_equal(entry_of(entries, count, "mine")->state, MODEL_UNVERIFIED);
    assert_int_equal(entry_of(entries, count, "mine")->bytes, scripted_size);
    assert_true(model_verify(scratch->path, VAD, NULL));
    assert_true(model_list(scratch->arena, scratch->path, &entries, &count, NULL));
    assert_int_equal(entry_of(entries, count, VAD)->state, MODEL_VERIFIED);

    assert_true(model_remove(scratch->path, "mine", &removed, NULL));
    assert_true(removed);
    assert_true(model_remove(scratch->path, "mine", &removed, NULL));
    assert_false(removed);
    assert_true(model_list(scratch->arena, scratch->path, &entries, &count, NULL));
    assert_int_equal(count, rows);
    scratch_close(scratch);
}

/* ---- fetching ---- */

struct fetching {
    struct scratch *scratch;
    struct test_clock clock;
    struct random random;
    struct http_client *client;
    struct feed_server *server;
    struct model_source source;
    uint64_t last;
};

static void fetched(void *to, uint64_t done, uint64_t total) {
    struct fetching *f = to;
    assert_int_equal(total, published_size);
    f->last = done;
}

static void fetching_open(struct fetching *f) {
    *f = (struct fetching){.scratch = scratch_open()};
    put(f->scratch, "www/m.bin", published, published_size);
    f->server = feed_server_open(scratch_path(f->scratch, "www"));
    test_clock_open(&f->clock, 1700000000000);
    random_seed(&f->random, 7);
    struct http_client_settings settings = {
        .allow_private = true, .clock = &f->clock.clock, .random = &f->random, .stall_ms = 2000};
    f->client = http_client_open(&settings, NULL);
    f->source = (struct model_source){.folder = scratch_path(f->scratch, "models"),
                                      .name = VAD,
                                      .url = feed_server_url(f->server, "/m.bin"),
                                      .progress = fetched,
                                      .to = f};
}

static void fetching_close(struct fetching *f) {
    http_client_close(f->client);
    feed_server_close(f->server);
    scratch_close(f->scratch);
}

static bool fetch(struct fetching *f, struct error *err) {
    return model_fetch(f->scratch->arena, f->client, &f->source, NULL, err);
}

static size_t requests(struct fetching *f) {
    JSON_OWNED json_t *log = feed_server_log(f->server);
    return json_array_size(log);
}

static bool is_there(struct fetching *f) {
    return model_path(f->scratch->arena, f->source.folder, VAD, NULL) != NULL;
}

static bool part_is_there(struct fetching *f) {
    const char *path = model_file(f->scratch->arena, f->source.folder, VAD);
    return file_size(arena_format(f->scratch->arena, "%s.part", path), NULL, NULL);
}

static void fetching_goes_on_after_cuts(void **state) {
    (void)state;
    struct fetching f;
    fetching_open(&f);
    struct error err = {0};
    feed_server_rules(f.server, "{'/m.bin': {'file': 'm.bin', 'cut': 300000, 'cut_times': 2}}");
    if (!fetch(&f, &err))
        fail_msg("%s", err.message);
    assert_int_equal(f.last, published_size);
    assert_true(is_there(&f));
    assert_false(part_is_there(&f));
    assert_int_equal(requests(&f), 3);
    assert_true(fetch(&f, NULL)); /* there already: nothing is asked */
    assert_int_equal(requests(&f), 3);
    fetching_close(&f);
}

static void fetching_goes_on_in_another_run(void **state) {
    (void)state;
    static const char *const rules[] = {"honour", "ignore", "wrong", "lie", "refuse"};
    for (size_t i = 0; i < ARRAY_LENGTH(rules); i++) {
        struct fetching f;
        fetching_open(&f);
        put(f.scratch, "models/ggml-" VAD ".bin.part", published, 400000);
        feed_server_rules(f.server, "{'/m.bin': {'file': 'm.bin', 'ranges': '%s'}}", rules[i]);
        struct error err = {0};
        if (!fetch(&f, &err))
            fail_msg("%s: %s", rules[i], err.message);
        assert_true(is_there(&f));
        assert_false(part_is_there(&f));
        fetching_close(&f);
    }
}

static void fetching_what_is_not_the_model(void **state) {
    (void)state;
    struct fetching f;
    fetching_open(&f);
    struct error err = {0};
    feed_server_rules(f.server, "{'/m.bin': {'size': %zu}}", published_size);
    assert_false(fetch(&f, &err));
    assert_error(&err, ERROR_CORRUPT, "not the published file");
    assert_false(part_is_there(&f));
    error_clear(&err);
    feed_server_rules(f.server, "{'/m.bin': {'size': %zu, 'length': 'chunked'}}", published_size + 1);
    assert_false(fetch(&f, &err));
    assert_true(err.code == ERROR_CORRUPT || err.code == ERROR_LIMIT);
    error_clear(&err);
    feed_server_rules(f.server, "{'/m.bin': {'body': '<html>please sign in</html>'}}");
    assert_false(fetch(&f, &err));
    assert_error(&err, ERROR_CORRUPT, "ends at byte");
    assert_false(part_is_there(&f));
    error_clear(&err);
    feed_server_rules(f.server, "{'/m.bin': {'status': 404, 'body': 'no'}}");
    assert_false(fetch(&f, &err));
    assert_int_equal(err.status, 404);
    assert_false(is_there(&f));
    fetching_close(&f);
}

static char *read_all(const char *path, size_t *length) {
    char *data;
    struct error err = {0};
    if (!file_read(files->arena, path, 64u << 20, &data, length, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    return data;
}

static void run(const char *command) {
    if (system(command) != 0) {
        printf("skipped: \"%s\" failed (it needs Python and the package registries, or a filled cache)\n", command);
        exit(77);
    }
}

int main(void) {
    files = scratch_open();
    const char *source = getenv("SOURCE_DIR"), *cache = getenv("TIDEMILL_CACHE");
    if (!source) {
        printf("skipped: SOURCE_DIR is not set\n");
        return 77;
    }
    struct arena *arena = files->arena;
    run(arena_format(arena, "'%s/tools/models/get-model.sh' " VAD, source));
    const char *model = scratch_path(files, "scripted.bin");
    run(arena_format(arena, "python3 '%s/tests/support/scripted_model.py' --output '%s' --text 'One cue.'", source,
                     model));
    scripted = read_all(model, &scripted_size);
    const char *models = file_join(arena, cache ? cache : file_join(arena, source, ".cache"), "models");
    published = read_all(model_file(arena, models, VAD), &published_size);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(structure_of_whole_files),
        cmocka_unit_test(structure_of_cut_files),
        cmocka_unit_test(structure_of_damaged_files),
        cmocka_unit_test(a_seen_hash_is_remembered),
        cmocka_unit_test(a_path_is_checked_by_structure),
        cmocka_unit_test(installing),
        cmocka_unit_test(listing_and_removing),
        cmocka_unit_test(fetching_goes_on_after_cuts),
        cmocka_unit_test(fetching_goes_on_in_another_run),
        cmocka_unit_test(fetching_what_is_not_the_model),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    scratch_close(files);
    return failed;
}
