#include "podcast/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

bool account_id_check(const char *id, struct error *err) {
    if (strlen(id) == 12 && strspn(id, "0123456789") == 12)
        return true;
    error_set(err, ERROR_INVALID, "\"%.40s\" is no account number: they have 12 digits", id);
    return error_hint(err, "`aws sts get-caller-identity` prints it");
}

bool account_bucket_check(const char *name, struct error *err) {
    size_t length = strlen(name);
    if (length >= 3 && length <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length &&
        name[0] != '-' && name[0] != '.')
        return true;
    return error_set(err, ERROR_INVALID, "\"%.80s\" is no name of a bucket: 3 to 63 of a-z, 0-9, '.' and '-'", name);
}

/* ---- reading ---- */

/* What is wrong is named by its JSON pointer (RFC 6901). */
static bool wrong(struct error *err, const char *site_id, const char *field, const char *what) {
    return error_set(err, ERROR_INVALID, "/%s%s%s: %s", site_id, field ? "/" : "", field ? field : "", what);
}

static const char *kind_of(const json_t *value) {
    static const char *const kinds[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",   [JSON_STRING] = "a text",   [JSON_INTEGER] = "a number",
        [JSON_REAL] = "a number",    [JSON_TRUE] = "a boolean", [JSON_FALSE] = "a boolean", [JSON_NULL] = "null"};
    return kinds[json_typeof(value)];
}

/* A field that is a text, or absent (then, and when it is null or "", *text is NULL). */
static bool read_text(struct arena *arena, const char *site_id, const json_t *row, const char *field, const char **text,
                      struct error *err) {
    const json_t *value = json_object_get(row, field);
    *text = NULL;
    if (!value || json_is_null(value))
        return true;
    if (!json_is_string(value)) {
        wrong(err, site_id, field, arena_format(arena, "is %s; it must be a text", kind_of(value)));
        return error_hint(err, "put it in quotes");
    }
    if (*json_string_value(value))
        *text = arena_text(arena, json_string_value(value));
    return true;
}

static bool read_row(struct arena *arena, const json_t *row, struct site_account *account, struct error *err) {
    const char *id = account->site_id;
    if (!json_is_object(row))
        return wrong(err, id, NULL, arena_format(arena, "is %s; it must be an object", kind_of(row)));
    if (!read_text(arena, id, row, "accountId", &account->account_id, err) ||
        !read_text(arena, id, row, "bucketName", &account->bucket, err) ||
        !read_text(arena, id, row, "cloudfrontId", &account->distribution, err) ||
        !read_text(arena, id, row, "cloudfrontDomain", &account->distribution_name, err) ||
        !read_text(arena, id, row, "searchApiUrl", &account->search_url, err))
        return false;
    if (!account->account_id)
        return wrong(err, id, "accountId", "is missing");
    if (!account_id_check(account->account_id, err))
        return error_context(err, "/%s/accountId", id);
    if (!account->bucket)
        account->bucket = arena_format(arena, "%s-browse-dot-show", id);
    return account_bucket_check(account->bucket, err) || error_context(err, "/%s/bucketName", id);
}

/* *value NULL when the file is not there. */
static bool read_file(struct arena *arena, const char *path, json_t **value, struct error *err) {
    struct error fault = {0};
    char *text = NULL;
    size_t length = 0;
    *value = NULL;
    if (!file_read(arena, path, LIMIT_CONFIG_BYTES, &text, &length, &fault))
        return fault.code == ERROR_ABSENT || error_copy(err, &fault);
    *value = json_parse(text, length, err);
    return *value || error_context(err, "%s", path);
}

static bool read_mapping(struct arena *arena, struct site_accounts *accounts, struct error *err) {
    JSON_OWNED json_t *root = NULL;
    if (!read_file(arena, accounts->path, &root, err))
        return false;
    if (!root)
        return true;
    if (!json_is_object(root)) {
        error_set(err, ERROR_INVALID, "%s: is %s; it must be an object with a row for each site", accounts->path,
                  kind_of(root));
        return error_hint(err, "docs/accounts.md shows one");
    }
    accounts->there = true;
    accounts->rows = arena_alloc_array(arena, json_object_size(root) + 1, sizeof(*accounts->rows));
    const char *id;
    const json_t *row;
    json_object_foreach ((json_t *)(uintptr_t)root, id, row) {
        struct accounts_row *read = &accounts->rows[accounts->count++];
        read->account.site_id = arena_text(arena, id);
        if (!read_row(arena, row, &read->account, &read->error))
            error_context(&read->error, "%s", accounts->path);
    }
    return true;
}

static bool read_deployed(struct arena *arena, const char *root, struct site_accounts *accounts, struct error *err) {
    const char *path = file_join(arena, root, ACCOUNTS_DEPLOYED_FILE);
    JSON_OWNED json_t *list = NULL;
    if (!read_file(arena, path, &list, err))
        return false;
    if (list && !json_is_array(list))
        return error_set(err, ERROR_INVALID, "%s: is %s; it must be a list of ids", path, kind_of(list));
    accounts->deployed = arena_alloc_array(arena, json_array_size(list) + 1, sizeof(*accounts->deployed));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *id = json_array_get(list, i);
        if (!json_is_string(id))
            return error_set(err, ERROR_INVALID, "%s: /%zu: is %s; it must be a text", path, i, kind_of(id));
        accounts->deployed[accounts->deployed_count++] = arena_text(arena, json_string_value(id));
    }
    return true;
}

static const struct accounts_row *find_row(const struct site_accounts *accounts, const char *site_id) {
    for (size_t i = 0; i < accounts->count; i++) {
        if (strcmp(accounts->rows[i].account.site_id, site_id) == 0)
            return &accounts->rows[i];
    }
    return NULL;
}

bool accounts_deployed(const struct site_accounts *accounts, const char *site_id) {
    for (size_t i = 0; i < accounts->deployed_count; i++) {
        if (strcmp(accounts->deployed[i], site_id) == 0)
            return true;
    }
    return false;
}

static void compare_files(struct arena *arena, struct site_accounts *accounts) {
    accounts->warnings =
        arena_alloc_array(arena, accounts->count + accounts->deployed_count + 1, sizeof(*accounts->warnings));
    for (size_t i = 0; i < accounts->deployed_count; i++) {
        if (!find_row(accounts, accounts->deployed[i]))
            accounts->warnings[accounts->warning_count++] =
                arena_format(arena, "%s names the site %s, and %s has no row for it", ACCOUNTS_DEPLOYED_FILE,
                             accounts->deployed[i], ACCOUNTS_FILE);
    }
    for (size_t i = 0; accounts->deployed_count && i < accounts->count; i++) {
        if (!accounts_deployed(accounts, accounts->rows[i].account.site_id))
            accounts->warnings[accounts->warning_count++] =
                arena_format(arena, "%s has a row for the site %s, which %s does not name", ACCOUNTS_FILE,
                             accounts->rows[i].account.site_id, ACCOUNTS_DEPLOYED_FILE);
    }
}

bool accounts_load(struct arena *arena, const char *root, struct site_accounts *accounts, struct error *err) {
    struct site_accounts read = {.path = file_join(arena, root, ACCOUNTS_FILE)};
    if (!read_mapping(arena, &read, err) || !read_deployed(arena, root, &read, err))
        return false;
    if (read.there)
        compare_files(arena, &read);
    *accounts = read;
    return true;
}

const struct site_account *accounts_find(const struct site_accounts *accounts, const char *site_id, struct error *err) {
    const struct accounts_row *row = find_row(accounts, site_id);
    if (row && row->error.code == ERROR_NONE)
        return &row->account;
    if (row) {
        error_copy(err, &row->error);
        return NULL;
    }
    error_set(err, ERROR_CONFIG, "%s has no row for the site %s", accounts->path, site_id);
    error_hint(err,
               "write \"%s\": {\"accountId\": \"12 digits\", \"bucketName\": \"%s-browse-dot-show\"} into it, or "
               "`tidemill podcast account set %s --account-id ID`",
               site_id, site_id, site_id);
    return NULL;
}

/* ---- writing ---- */

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void set_text(json_t *row, const char *field, const char *text) {
    if (text)
        json_object_set_new(row, field, json_string(text));
}

static json_t *row_json(const json_t *before, const struct site_account *account) {
    json_t *row = json_is_object(before) ? json_copy((json_t *)(uintptr_t)before) : json_object();
    set_text(row, "accountId", account->account_id);
    set_text(row, "bucketName", account->bucket);
    set_text(row, "cloudfrontId", account->distribution);
    set_text(row, "cloudfrontDomain", account->distribution_name);
    set_text(row, "searchApiUrl", account->search_url);
    return row;
}

/* The keys of `rows` and `id`, sorted, each once. */
static const char **sorted_ids(struct arena *arena, const json_t *rows, const char *id, size_t *count) {
    const char **ids = arena_alloc_array(arena, json_object_size(rows) + 1, sizeof(*ids));
    const char *key;
    const json_t *row;
    *count = 0;
    json_object_foreach ((json_t *)(uintptr_t)rows, key, row)
        ids[(*count)++] = key;
    if (!json_object_get(rows, id))
        ids[(*count)++] = id;
    qsort(ids, *count, sizeof(*ids), by_text);
    return ids;
}

bool accounts_set(const char *root, const struct site_account *account, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    const char *path = file_join(arena, root, ACCOUNTS_FILE);
    JSON_OWNED json_t *before = NULL;
    if (!read_file(arena, path, &before, err))
        return false;
    if (before && !json_is_object(before))
        return error_set(err, ERROR_INVALID, "%s: is %s; it must be an object", path, kind_of(before));
    size_t count = 0;
    const char **ids = sorted_ids(arena, before, account->site_id, &count);
    JSON_OWNED json_t *rows = json_object();
    JSON_OWNED json_t *deployed = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *old = json_object_get(before, ids[i]);
        json_object_set_new(rows, ids[i],
                            strcmp(ids[i], account->site_id) == 0 ? row_json(old, account) : json_incref(old));
        json_array_append_new(deployed, json_string(ids[i]));
    }
    return json_write(path, rows, 2, err) &&
           json_write(file_join(arena, root, ACCOUNTS_DEPLOYED_FILE), deployed, 2, err);
}
