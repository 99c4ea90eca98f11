#include "cli/sync_store.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/object/directory.h"

bool cli_store_is_s3(const char *where) {
    return text_starts(where, "s3:");
}

static bool open_folder(struct command_context *context, const char *where, struct object_store **store,
                        const char **name, struct error *err) {
    char whole[PATH_MAX];
    if (strstr(where, "://") && access(where, F_OK) != 0) {
        error_set(err, ERROR_USAGE, "\"%s\" is no place that sync knows", where);
        return error_hint(err, "a folder, or s3://BUCKET/PREFIX; --endpoint-url names a service other than Amazon S3");
    }
    if (!realpath(where, whole)) {
        int os = errno;
        error_set_os(err, os, "%s", where);
        return os == ENOENT && error_hint(err, "a folder must be there; `mkdir -p` makes an empty one");
    }
    struct object_store *opened = directory_store_open(whole, err);
    if (!opened)
        return false;
    *store = opened;
    *name = arena_text(context->arena, whole);
    return true;
}

/* "s3://bucket/a/b" and "s3://bucket/a/b/" are the same place. A prefix is a whole number of parts: "s3://bucket/a" is
 * what lies below "a/", never "ab". */
static bool split(struct arena *arena, const char *where, const char **bucket, const char **prefix, struct error *err) {
    const char *at = where + strlen("s3:");
    size_t slashes = strspn(at, "/");
    const char *start = at + slashes;
    size_t length = strcspn(start, "/");
    if (slashes != 2 || !length) {
        error_set(err, ERROR_USAGE, "\"%s\" names no bucket", where);
        return error_hint(err, "s3://BUCKET or s3://BUCKET/PREFIX");
    }
    *bucket = arena_text_part(arena, start, length);
    const char *rest = start + length + (start[length] == '/');
    size_t size = strlen(rest);
    while (size && rest[size - 1] == '/')
        size--;
    *prefix = size ? arena_format(arena, "%.*s/", (int)size, rest) : NULL;
    if (!*prefix)
        return true;
    const char *key = arena_text_part(arena, rest, size);
    return object_key_check(key, err) || error_context(err, "%s", where);
}

static bool fill(struct command_context *context, struct cloud *cloud, struct s3_settings *settings,
                 struct error *err) {
    const struct options *options = context->options;
    *settings = cloud_s3(cloud, cloud_base_credentials(cloud));
    if (options_bool(options, "s3.path-style"))
        settings->style = S3_STYLE_PATH;
    settings->storage_class = options_text(options, "s3.storage-class");
    settings->encryption = options_text(options, "s3.sse");
    settings->kms_key = options_text(options, "s3.sse-kms-key-id");
    settings->tags = options_text(options, "s3.tags");
    settings->acl = options_text(options, "s3.acl");
    settings->checksum = options_text(options, "s3.checksum");
    settings->account = options_text(options, "s3.bucket-owner");
    settings->part_bytes = (size_t)options_integer(options, "s3.part-size");
    if (settings->kms_key && !settings->encryption)
        settings->encryption = "aws:kms";
    if (settings->kms_key && strcmp(settings->encryption, "aws:kms") != 0)
        return error_set(err, ERROR_USAGE, "--sse-kms-key-id goes with --sse aws:kms alone");
    return true;
}

static bool refuse_bucket(const char *bucket, const struct error *why, struct error *err) {
    error_copy(err, why);
    if (why->code != ERROR_ABSENT)
        return error_context(err, "s3://%s", bucket);
    error_set(err, ERROR_ABSENT, "s3://%s: there is no such bucket", bucket);
    return error_hint(err, "`aws s3 mb s3://%s` makes it, if the name is right", bucket);
}

static bool open_bucket(struct command_context *context, struct cloud *cloud, const char *where,
                        struct object_store **store, const char **name, struct error *err) {
    const char *bucket = NULL;
    const char *prefix = NULL;
    struct s3_settings settings;
    if (!split(context->arena, where, &bucket, &prefix, err) || !fill(context, cloud, &settings, err))
        return false;
    settings.bucket = bucket;
    settings.prefix = prefix;
    struct object_store *opened = s3_store_open(&settings, err);
    if (!opened)
        return error_context(err, "s3://%s", bucket);
    struct error why = {0};
    if (!s3_store_check(opened, context->arena, NULL, &why)) {
        object_store_close(opened);
        return refuse_bucket(bucket, &why, err);
    }
    *store = opened;
    size_t length = prefix ? strlen(prefix) - 1 : 0;
    *name = arena_format(context->arena, "s3://%s%s%.*s", bucket, length ? "/" : "", (int)length, prefix ? prefix : "");
    return true;
}

bool cli_store_open(struct command_context *context, struct cloud *cloud, const char *where,
                    struct object_store **store, const char **name, struct error *err) {
    if (!cli_store_is_s3(where))
        return open_folder(context, where, store, name, err);
    if (!cloud)
        return error_set(err, ERROR_INTERNAL, "%s: opened without a cloud", where);
    return open_bucket(context, cloud, where, store, name, err);
}
