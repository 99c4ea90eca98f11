/* flow.read-items and flow.write-results: how distributed Maps meet the object store. Layout of what a ResultWriter
 * leaves: Step Functions developer guide, "ResultWriter (Map)". */
#include "flow/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/failure.h"
#include "store/object/object.h"

static bool tell_failure(json_t **output, const char *name, const char *cause) {
    *output = json_pack("{s:{s:s, s:s}}", "failure", "Error", name, "Cause", cause);
    return true;
}

static struct object_store *open_bucket(struct task_call *call, const json_t *parameters, struct error *err) {
    struct flow_buckets *buckets = call->with;
    const char *bucket = json_get_text(parameters, "Bucket", NULL);
    if (!bucket) {
        error_set(err, ERROR_INVALID, "the field Bucket must be a string");
        return NULL;
    }
    if (!buckets || !buckets->open) {
        error_set(err, ERROR_UNSUPPORTED, "there is no object store here");
        return NULL;
    }
    return buckets->open(buckets->to, bucket, err);
}

/* ---- reading ---- */

struct listing {
    json_t *items;
    size_t most;
};

static bool list_one(void *to, const struct object_facts *facts, struct error *err) {
    struct listing *listing = to;
    (void)err;
    if (json_array_size(listing->items) >= listing->most)
        return true;
    json_array_append_new(listing->items, json_pack("{s:s, s:s, s:I, s:I, s:s}", "Etag", facts->etag, "Key", facts->key,
                                                    "LastModified", (json_int_t)(facts->modified_ms / 1000), "Size",
                                                    (json_int_t)facts->size, "StorageClass", "STANDARD"));
    return true;
}

static json_t *list_items(struct object_store *store, const json_t *parameters, const json_t *input,
                          struct error *err) {
    double most = json_get_real(input, "maxItems", 0);
    struct listing listing = {json_array(), most > 0 ? (size_t)most : LIMIT_FLOW_ITEMS};
    if (object_list(store, json_get_text(parameters, "Prefix", ""), list_one, &listing, err))
        return listing.items;
    json_decref(listing.items);
    return NULL;
}

static json_t *read_object(struct object_store *store, const json_t *parameters, const json_t *input,
                           struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    char *text = NULL;
    size_t length = 0;
    const char *key = json_get_text(parameters, "Key", NULL);
    if (!key) {
        error_set(err, ERROR_INVALID, "the field Key must be a string");
        return NULL;
    }
    if (!object_get_bytes(store, arena, key, LIMIT_FLOW_ITEM_FILE, &text, &length, err))
        return NULL;
    return items_parse(json_get_text(input, "kind", "JSON"), text, length, input, err);
}

static bool read_items(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    struct error why = {0};
    const json_t *parameters = json_object_get(input, "parameters");
    json_t *items = NULL;
    (void)err;
    if (json_get_real(input, "maxItems", 0) < 0)
        return tell_failure(output, FAILURE_ITEM_READER, "field MaxItems must be positive");
    struct object_store *store = open_bucket(call, parameters, &why);
    if (store && strcmp(json_get_text(input, "kind", ""), "LIST") == 0)
        items = list_items(store, parameters, input, &why);
    else if (store)
        items = read_object(store, parameters, input, &why);
    object_store_close(store);
    if (!items)
        return tell_failure(output, FAILURE_ITEM_READER, why.message);
    *output = json_pack("{s:o}", "output", items);
    return true;
}

/* ---- writing ---- */

static bool is_failure(const json_t *result) {
    return json_is_object(result) && json_is_string(json_object_get(result, "Error")) && json_object_size(result) <= 2;
}

/* "RUN_UUID/": what stands behind the last colon of the run's ARN. */
static const char *run_id(const json_t *input) {
    const char *arn = json_get_text(input, "run", "");
    const char *colon = strrchr(arn, ':');
    return colon ? colon + 1 : arn;
}

struct output_files {
    struct object_store *store;
    struct arena *arena;
    const char *prefix; /* "PREFIX/RUN/" */
    json_t *manifest;
};

static bool put_list(struct output_files *files, const char *name, const json_t *list, struct error *err) {
    json_t *entries = json_object_get(json_object_get(files->manifest, "ResultFiles"), name);
    if (!json_array_size(list))
        return true;
    const char *key = arena_format(files->arena, "%s%s_0.json", files->prefix, name);
    TEXT_OWNED char *text = json_text(list, 0);
    json_array_append_new(entries, json_pack("{s:s, s:I}", "Key", key, "Size", (json_int_t)strlen(text)));
    return object_put_bytes(files->store, key, text, strlen(text), NULL, err);
}

/* SUCCEEDED_0.json, FAILED_0.json and manifest.json, which comes last: where it is, all is. */
static bool write_files(struct output_files *files, const json_t *input, const char *bucket, struct error *err) {
    JSON_OWNED json_t *succeeded = json_array();
    JSON_OWNED json_t *failed = json_array();
    const json_t *results = json_object_get(input, "results");
    const json_t *items = json_object_get(input, "items");
    size_t i;
    json_t *result;
    json_array_foreach (results, i, result) {
        bool bad = is_failure(result);
        TEXT_OWNED char *given = json_text(json_array_get(items, i), 0);
        TEXT_OWNED char *made = json_text(result, 0);
        json_t *row = json_pack("{s:s, s:s}", "Input", given, "Status", bad ? "FAILED" : "SUCCEEDED");
        if (bad)
            json_object_update(row, result);
        else
            json_object_set_new(row, "Output", json_string(made));
        json_array_append_new(bad ? failed : succeeded, row);
    }
    files->manifest = json_pack("{s:s, s:s, s:{s:[], s:[], s:[]}}", "DestinationBucket", bucket, "MapRunArn",
                                json_get_text(input, "run", ""), "ResultFiles", "FAILED", "PENDING", "SUCCEEDED");
    bool well = put_list(files, "SUCCEEDED", succeeded, err) && put_list(files, "FAILED", failed, err);
    if (well) {
        TEXT_OWNED char *text = json_text(files->manifest, 0);
        well = object_put_bytes(files->store, arena_format(files->arena, "%smanifest.json", files->prefix), text,
                                strlen(text), NULL, err);
    }
    json_decref(files->manifest);
    return well;
}

static bool write_results(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    struct error why = {0};
    const json_t *parameters = json_object_get(input, "parameters");
    ARENA_OWNED struct arena *arena = arena_open();
    const char *prefix = json_get_text(parameters, "Prefix", "");
    const char *bucket = json_get_text(parameters, "Bucket", "");
    bool slash = prefix[0] && !text_ends(prefix, "/");
    struct output_files files = {.arena = arena,
                                 .prefix = arena_format(arena, "%s%s%s/", prefix, slash ? "/" : "", run_id(input))};
    (void)err;
    files.store = open_bucket(call, parameters, &why);
    bool well = files.store && write_files(&files, input, bucket, &why);
    object_store_close(files.store);
    if (!well)
        return tell_failure(output, FAILURE_RESULT_WRITER, why.message);
    *output =
        json_pack("{s:{s:s, s:{s:s, s:s}}}", "output", "MapRunArn", json_get_text(input, "run", ""),
                  "ResultWriterDetails", "Bucket", bucket, "Key", arena_format(arena, "%smanifest.json", files.prefix));
    return true;
}

struct task *flow_tasks(struct flow_buckets *buckets, size_t *count) {
    struct task *rows = memory_alloc_array(2, sizeof(*rows));
    rows[0] = (struct task){.name = FLOW_READ_TASK, .lane = TASK_IO, .run = read_items, .with = buckets};
    rows[1] = (struct task){.name = FLOW_WRITE_TASK, .lane = TASK_IO, .run = write_results, .with = buckets};
    *count = 2;
    return rows;
}
