#include "podcast/site.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "web/url.h"

/* What the readers of fields share: where the text is, for lines, and the first error. */
struct reading {
    struct arena *arena;
    const char *file;
    const char *text;
    size_t length;
    struct site *site;
    size_t warning_capacity;
    struct error *err;
    bool failed;
};

/* "appHeader.primaryTitle" from "/appHeader/primaryTitle"; an index reads "includedPodcasts[0].url". */
static char *field_name(struct arena *arena, const char *pointer) {
    char *name = arena_alloc(arena, strlen(pointer) * 2 + 1);
    size_t length = 0;
    while (*pointer == '/') {
        size_t size = strcspn(++pointer, "/");
        bool index = size && strspn(pointer, "0123456789") >= size;
        if (index)
            name[length++] = '[';
        else if (length)
            name[length++] = '.';
        memcpy(name + length, pointer, size);
        length += size;
        if (index)
            name[length++] = ']';
        pointer += size;
    }
    return name;
}

static void fail(struct reading *reading, const char *pointer, const char *why) {
    if (reading->failed)
        return;
    reading->failed = true;
    error_set(reading->err, ERROR_CONFIG, "%s:%d: %s: %s", reading->file,
              json_line_of(reading->text, reading->length, pointer), field_name(reading->arena, pointer), why);
}

static void warn(struct reading *reading, const char *pointer, const char *what) {
    struct site *site = reading->site;
    site->warnings = arena_grow(reading->arena, site->warnings, site->warning_count, &reading->warning_capacity,
                                sizeof(*site->warnings));
    site->warnings[site->warning_count++] =
        arena_format(reading->arena, "%s:%d: %s: %s", reading->file,
                     json_line_of(reading->text, reading->length, pointer), field_name(reading->arena, pointer), what);
}

static const char *type_name(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        return "null";
    }
    return "unknown";
}

static void wrong_type(struct reading *reading, const char *pointer, const json_t *value, const char *wanted) {
    fail(reading, pointer, arena_format(reading->arena, "is %s, must be %s", type_name(value), wanted));
}

/* The text at `key` of `object`; `otherwise` when it is absent or null. */
static const char *read_text(struct reading *reading, const json_t *object, const char *at, const char *key,
                             const char *otherwise) {
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value))
        return otherwise;
    const char *pointer = arena_format(reading->arena, "%s/%s", at, key);
    if (!json_is_string(value)) {
        wrong_type(reading, pointer, value, "text");
        return otherwise;
    }
    if (strlen(json_string_value(value)) != json_string_length(value)) {
        fail(reading, pointer, "holds a zero character");
        return otherwise;
    }
    return arena_text(reading->arena, json_string_value(value));
}

static bool read_bool(struct reading *reading, const json_t *object, const char *at, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value))
        return false;
    if (!json_is_boolean(value))
        wrong_type(reading, arena_format(reading->arena, "%s/%s", at, key), value, "true or false");
    return json_is_true(value);
}

static json_t *read_object(struct reading *reading, const json_t *object, const char *key) {
    json_t *value = json_object_get(object, key);
    if (value && !json_is_object(value) && !json_is_null(value))
        wrong_type(reading, arena_format(reading->arena, "/%s", key), value, "an object");
    return json_is_object(value) ? value : NULL;
}

static void warn_unknown(struct reading *reading, json_t *object, const char *at, const char *const *known,
                         size_t count) {
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)object, key, value) {
        bool found = false;
        for (size_t i = 0; i < count && !found; i++)
            found = !strcmp(known[i], key);
        if (found)
            continue;
        const char *near = text_nearest(key, known, count);
        const char *what = near ? arena_format(reading->arena, "is not known; did you mean %s?", near) : "is not known";
        warn(reading, arena_format(reading->arena, "%s/%s", at, key), what);
    }
}
#define WARN_UNKNOWN(reading, object, at, known)                                                                       \
    warn_unknown(reading, object, at, known, sizeof(known) / sizeof((known)[0]))

/* An id becomes a part of paths and keys, whatever else is thought of it. */
static bool safe_part(const char *part) {
    if (!*part || *part == '.')
        return false;
    for (; *part; part++)
        if (!isalnum((unsigned char)*part) && !strchr("._-", *part))
            return false;
    return true;
}

static void read_header(struct reading *reading, const json_t *root) {
    static const char *const known[] = {
        "primaryTitle",  "includeTitlePrefix",      "taglinePrimaryPodcastName", "taglinePrimaryPodcastExternalURL",
        "taglineSuffix", "extraHeightForLongTitle", "includeAIUseDisclosure"};
    json_t *header = read_object(reading, root, "appHeader");
    struct site_header *to = &reading->site->header;
    const char *at = "/appHeader";
    to->primary_title = read_text(reading, header, at, "primaryTitle", "");
    to->include_title_prefix = read_bool(reading, header, at, "includeTitlePrefix");
    to->tagline_name = read_text(reading, header, at, "taglinePrimaryPodcastName", "");
    to->tagline_url = read_text(reading, header, at, "taglinePrimaryPodcastExternalURL", "");
    to->tagline_suffix = read_text(reading, header, at, "taglineSuffix", "");
    to->extra_height_for_long_title = read_bool(reading, header, at, "extraHeightForLongTitle");
    to->include_ai_use_disclosure = read_bool(reading, header, at, "includeAIUseDisclosure");
    WARN_UNKNOWN(reading, header, at, known);
}

static void read_metadata(struct reading *reading, const json_t *root) {
    static const char *const known[] = {"pageTitle", "canonicalUrl", "openGraphImagePath", "metaDescription",
                                        "metaTitle"};
    json_t *metadata = read_object(reading, root, "socialAndMetadata");
    struct site_metadata *to = &reading->site->metadata;
    const char *at = "/socialAndMetadata";
    to->page_title = read_text(reading, metadata, at, "pageTitle", "");
    to->canonical_url = read_text(reading, metadata, at, "canonicalUrl", "");
    to->open_graph_image_path = read_text(reading, metadata, at, "openGraphImagePath", "");
    to->meta_description = read_text(reading, metadata, at, "metaDescription", "");
    to->meta_title = read_text(reading, metadata, at, "metaTitle", "");
    WARN_UNKNOWN(reading, metadata, at, known);
}

static void read_podcast(struct reading *reading, json_t *row, size_t index, struct site_podcast *to) {
    static const char *const known[] = {"id", "rssFeedFile", "title", "status", "url"};
    char *at = arena_format(reading->arena, "/includedPodcasts/%zu", index);
    if (!json_is_object(row)) {
        wrong_type(reading, at, row, "an object");
        return;
    }
    to->id = read_text(reading, row, at, "id", "");
    to->url = read_text(reading, row, at, "url", "");
    to->rss_file = read_text(reading, row, at, "rssFeedFile", arena_format(reading->arena, "%s.xml", to->id));
    to->title = read_text(reading, row, at, "title", to->id);
    const char *status = read_text(reading, row, at, "status", "active");
    to->active = !strcmp(status, "active");
    if (!safe_part(to->id) || strlen(to->id) > SITE_PODCAST_ID_LONGEST)
        fail(reading, arena_format(reading->arena, "%s/id", at),
             *to->id ? "must be 1 to 64 letters, digits, '-' or '_'" : "is missing");
    if (!safe_part(to->rss_file) || strlen(to->rss_file) > 200)
        fail(reading, arena_format(reading->arena, "%s/rssFeedFile", at), "must be a plain file name");
    if (!*to->url)
        fail(reading, arena_format(reading->arena, "%s/url", at), "is missing");
    if (!to->active && strcmp(status, "inactive") != 0)
        fail(reading, arena_format(reading->arena, "%s/status", at), "must be \"active\" or \"inactive\"");
    WARN_UNKNOWN(reading, row, at, known);
}

static void read_podcasts(struct reading *reading, const json_t *root) {
    struct site *site = reading->site;
    const json_t *list = json_object_get(root, "includedPodcasts");
    if (!json_is_array(list) || json_array_size(list) == 0) {
        if (list && !json_is_array(list))
            wrong_type(reading, "/includedPodcasts", list, "a list");
        else
            fail(reading, "/includedPodcasts", "must name at least one podcast");
        return;
    }
    size_t count = json_array_size(list);
    if (count > LIMIT_SITE_PODCASTS) {
        fail(reading, "/includedPodcasts", arena_format(reading->arena, "has more than %d rows", LIMIT_SITE_PODCASTS));
        return;
    }
    site->podcasts = arena_alloc_array(reading->arena, count, sizeof(*site->podcasts));
    for (size_t i = 0; i < count && !reading->failed; i++) {
        read_podcast(reading, json_array_get(list, i), i, &site->podcasts[i]);
        for (size_t j = 0; j < i && !reading->failed; j++) {
            bool same_id = !strcmp(site->podcasts[i].id, site->podcasts[j].id);
            if (same_id || !strcmp(site->podcasts[i].rss_file, site->podcasts[j].rss_file))
                fail(reading,
                     arena_format(reading->arena, "/includedPodcasts/%zu/%s", i, same_id ? "id" : "rssFeedFile"),
                     arena_format(reading->arena, "is the same as that of row %zu", j));
        }
        site->podcast_count = i + 1;
    }
}

static void read_placeholders(struct reading *reading, const json_t *root) {
    struct site *site = reading->site;
    const json_t *list = json_object_get(root, "searchPlaceholderOptions");
    if (!list || json_is_null(list))
        return;
    if (!json_is_array(list)) {
        wrong_type(reading, "/searchPlaceholderOptions", list, "a list of texts");
        return;
    }
    size_t count = json_array_size(list);
    site->placeholders = arena_alloc_array(reading->arena, count ? count : 1, sizeof(*site->placeholders));
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        if (json_is_string(value))
            site->placeholders[site->placeholder_count++] = arena_text(reading->arena, json_string_value(value));
        else
            wrong_type(reading, arena_format(reading->arena, "/searchPlaceholderOptions/%zu", i), value, "text");
    }
}

static const char *last_part(struct arena *arena, const char *folder) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        length--;
    size_t start = length;
    while (start && folder[start - 1] != '/')
        start--;
    return arena_text_part(arena, folder + start, length - start);
}

static void read_root(struct reading *reading, json_t *root) {
    static const char *const known[] = {"id",
                                        "domain",
                                        "appHeader",
                                        "socialAndMetadata",
                                        "includedPodcasts",
                                        "whisperTranscriptionPrompt",
                                        "themeColor",
                                        "themeColorDark",
                                        "searchPlaceholderOptions",
                                        "trackingScript",
                                        "language"};
    struct site *site = reading->site;
    site->id = read_text(reading, root, "", "id", "");
    site->domain = read_text(reading, root, "", "domain", "");
    site->prompt = read_text(reading, root, "", "whisperTranscriptionPrompt", "");
    site->theme_color = read_text(reading, root, "", "themeColor", "");
    site->theme_color_dark = read_text(reading, root, "", "themeColorDark", "");
    site->tracking_script = read_text(reading, root, "", "trackingScript", NULL);
    site->language = read_text(reading, root, "", "language", NULL);
    if (!*site->id)
        fail(reading, "/id", "is missing");
    else if (!safe_part(site->id))
        fail(reading, "/id", "must be letters, digits, '-' or '_'");
    else if (strcmp(site->id, last_part(reading->arena, site->folder)) != 0)
        fail(reading, "/id",
             arena_format(reading->arena, "is \"%s\", must equal the folder's name \"%s\"", site->id,
                          last_part(reading->arena, site->folder)));
    read_header(reading, root);
    read_metadata(reading, root);
    read_podcasts(reading, root);
    read_placeholders(reading, root);
    WARN_UNKNOWN(reading, root, "", known);
}

struct site *site_parse(struct arena *arena, const char *folder, const char *file, const char *text, size_t length,
                        struct error *err) {
    if (length >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) { /* a byte order mark, as some editors put there */
        text += 3;
        length -= 3;
    }
    JSON_OWNED json_t *root = json_parse(text, length, err);
    if (!root) {
        if (err)
            err->code = err->code == ERROR_LIMIT ? ERROR_LIMIT : ERROR_CONFIG;
        error_context(err, "%s", file);
        return NULL;
    }
    if (!json_is_object(root)) {
        error_set(err, ERROR_CONFIG, "%s:1: is %s, must be an object", file, type_name(root));
        return NULL;
    }
    struct site *site = arena_alloc(arena, sizeof(*site));
    site->folder = arena_text(arena, folder);
    struct reading reading = {.arena = arena, .file = file, .text = text, .length = length, .site = site, .err = err};
    read_root(&reading, root);
    return reading.failed ? NULL : site;
}

struct site *site_load(struct arena *arena, const char *folder, struct error *err) {
    const char *file = file_join(arena, folder, "site.config.json");
    char *text = NULL;
    size_t length = 0;
    if (!file_read(arena, file, LIMIT_CONFIG_BYTES, &text, &length, err))
        return NULL;
    struct site *site = site_parse(arena, folder, file, text, length, err);
    for (size_t i = 0; site && i < site->podcast_count; i++)
        url_redact_secrets(site->podcasts[i].url);
    return site;
}

const struct site_podcast *site_podcast_find(const struct site *site, const char *podcast_id) {
    for (size_t i = 0; i < site->podcast_count; i++)
        if (!strcmp(site->podcasts[i].id, podcast_id))
            return &site->podcasts[i];
    return NULL;
}

char *site_asset_path(struct arena *arena, const struct site *site, const char *relative) {
    while (text_starts(relative, "./"))
        relative += 2;
    if (!*relative || *relative == '/' || strchr(relative, '\\'))
        return NULL;
    for (const char *part = relative; *part;) {
        size_t length = strcspn(part, "/");
        if (length == 0 || *part == '.')
            return NULL; /* no "..", and no hidden file: the folder may hold .env files */
        part += length + (part[length] == '/');
    }
    return file_join(arena, site->folder, relative);
}
