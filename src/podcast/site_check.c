/* The rules of a site's configuration. Which rule of the older validator was kept, changed or left out, and why:
 * docs/sites.md. */
#include "podcast/site_check.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/site_check_files.h"
#include "podcast/text_map.h"
#include "web/url.h"

enum { TITLE_LONGEST = 40, TITLE_PLAIN_LONGEST = 22 };

void site_report(struct site_checking *checking, enum site_severity severity, const char *rule, const char *file,
                 const char *pointer, const char *format, ...) {
    struct site_findings *findings = checking->findings;
    struct arena *arena = checking->arena;
    va_list arguments;
    va_start(arguments, format);
    char *message = arena_format_list(arena, format, arguments);
    va_end(arguments);
    bool of_config = pointer && checking->text;
    char *field = pointer && *pointer ? arena_text(arena, pointer + 1) : NULL;
    for (char *at = field; at && *at; at++)
        if (*at == '/')
            *at = '.';
    findings->rows = arena_grow(arena, findings->rows, findings->count, &checking->capacity, sizeof(*findings->rows));
    findings->rows[findings->count++] = (struct site_finding){
        .severity = severity,
        .rule = rule,
        .file = file,
        .line = of_config ? json_line_of(checking->text, checking->length, pointer) : 0,
        .field = field,
        .message = message,
    };
    findings->errors += severity == SITE_ERROR;
    findings->warnings += severity == SITE_WARNING;
}

#define CONFIG_ERROR(checking, rule, pointer, ...)                                                                     \
    site_report(checking, SITE_ERROR, rule, (checking)->config_file, pointer, __VA_ARGS__)
#define CONFIG_WARNING(checking, rule, pointer, ...)                                                                   \
    site_report(checking, SITE_WARNING, rule, (checking)->config_file, pointer, __VA_ARGS__)

/* ^[a-z0-9][a-z0-9_-]*[a-z0-9]$, or one such character. */
static bool is_id(const char *id) {
    size_t length = strlen(id);
    for (size_t i = 0; i < length; i++) {
        bool plain = (id[i] >= 'a' && id[i] <= 'z') || (id[i] >= '0' && id[i] <= '9');
        bool inside = i > 0 && i + 1 < length && (id[i] == '_' || id[i] == '-');
        if (!plain && !inside)
            return false;
    }
    return length > 0;
}

static void check_id(struct site_checking *checking) {
    const char *id = checking->site->id;
    if (strlen(id) > SITE_ID_LONGEST)
        CONFIG_ERROR(checking, "id-length", "/id", "is %zu characters; at most %d", strlen(id), SITE_ID_LONGEST);
    if (!is_id(id))
        CONFIG_ERROR(checking, "id-form", "/id",
                     "must be lower-case letters, digits, '-' and '_', with a letter or digit at both ends");
    else if (strchr(id, '_'))
        CONFIG_WARNING(checking, "id-terraform", "/id", "has '_', which Terraform's rule for bucket names refuses");
    else if (strpbrk(id, "0123456789"))
        CONFIG_WARNING(checking, "id-older-validator", "/id", "has a digit, which the older validator refuses");
}

static void check_podcasts(struct site_checking *checking) {
    const struct site *site = checking->site;
    size_t active = 0;
    for (size_t i = 0; i < site->podcast_count; i++) {
        const struct site_podcast *podcast = &site->podcasts[i];
        const char *at = arena_format(checking->arena, "/includedPodcasts/%zu/id", i);
        active += podcast->active;
        if (!is_id(podcast->id))
            CONFIG_ERROR(checking, "podcast-id-form", at,
                         "must be lower-case letters, digits, '-' and '_', with a letter or digit at both ends");
        if (!strcmp(podcast->id, site->id))
            CONFIG_ERROR(checking, "podcast-id-site", at, "is the site's own id; \"%s-podcast\" would do", site->id);
        if (!url_is_web(podcast->url))
            CONFIG_ERROR(checking, "podcast-url", arena_format(checking->arena, "/includedPodcasts/%zu/url", i),
                         "is not an http or https address");
    }
    if (!active)
        CONFIG_WARNING(checking, "podcasts-inactive", "/includedPodcasts", "no podcast is active: nothing is fetched");
}

static bool has_field(const struct site_checking *checking, const char *object, const char *key) {
    const json_t *inner = object ? json_object_get(checking->root, object) : checking->root;
    return json_object_get(inner, key) != NULL;
}

static void check_title(struct site_checking *checking) {
    const char *title = checking->site->header.primary_title;
    size_t units = utf8_utf16_length(title, strlen(title));
    const char *at = "/appHeader/primaryTitle";
    bool said = has_field(checking, "appHeader", "includeTitlePrefix") &&
                has_field(checking, "appHeader", "extraHeightForLongTitle");
    if (units > TITLE_LONGEST)
        CONFIG_ERROR(checking, "title-length", at, "is %zu characters; at most %d", units, TITLE_LONGEST);
    else if (units > TITLE_PLAIN_LONGEST && !said)
        CONFIG_ERROR(checking, "title-long", at,
                     "is %zu characters; over %d, includeTitlePrefix and extraHeightForLongTitle must be said", units,
                     TITLE_PLAIN_LONGEST);
    if (!has_field(checking, "appHeader", "includeTitlePrefix"))
        CONFIG_WARNING(checking, "title-prefix", "/appHeader", "includeTitlePrefix is missing; false is taken");
}

/* Texts that the page cannot do without, and whether they still hold the wizard's mark. */
static void check_texts(struct site_checking *checking) {
    const struct site *site = checking->site;
    const struct {
        const char *pointer, *value;
    } texts[] = {
        {"/domain", site->domain},
        {"/appHeader/primaryTitle", site->header.primary_title},
        {"/appHeader/taglinePrimaryPodcastName", site->header.tagline_name},
        {"/appHeader/taglinePrimaryPodcastExternalURL", site->header.tagline_url},
        {"/appHeader/taglineSuffix", site->header.tagline_suffix},
        {"/socialAndMetadata/pageTitle", site->metadata.page_title},
        {"/socialAndMetadata/canonicalUrl", site->metadata.canonical_url},
        {"/socialAndMetadata/openGraphImagePath", site->metadata.open_graph_image_path},
        {"/socialAndMetadata/metaDescription", site->metadata.meta_description},
        {"/socialAndMetadata/metaTitle", site->metadata.meta_title},
        {"/whisperTranscriptionPrompt", site->prompt},
        {"/themeColor", site->theme_color},
        {"/themeColorDark", site->theme_color_dark},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (!*texts[i].value)
            CONFIG_ERROR(checking, "missing-field", texts[i].pointer, "is missing or empty");
        else if (strstr(texts[i].value, "TO_BE_ADDED"))
            CONFIG_WARNING(checking, "to-be-added", texts[i].pointer, "still reads TO_BE_ADDED");
    }
    if (!site->placeholder_count)
        CONFIG_ERROR(checking, "missing-field", "/searchPlaceholderOptions", "must hold at least one text");
}

bool site_is_hex_colour(const char *text) {
    size_t digits = *text == '#' ? strspn(text + 1, "0123456789abcdefABCDEF") : 0;
    return (digits == 3 || digits == 4 || digits == 6 || digits == 8) && !text[digits + 1];
}

static void check_values(struct site_checking *checking) {
    const struct site *site = checking->site;
    const char *script = site->tracking_script;
    if (*site->theme_color && !site_is_hex_colour(site->theme_color))
        CONFIG_ERROR(checking, "colour-form", "/themeColor", "must be a colour as #rrggbb");
    if (*site->theme_color_dark && !site_is_hex_colour(site->theme_color_dark))
        CONFIG_ERROR(checking, "colour-form", "/themeColorDark", "must be a colour as #rrggbb");
    if (script && *script && (!text_contains_nocase(script, "<script") || !text_contains_nocase(script, "</script>")))
        CONFIG_ERROR(checking, "tracking-script", "/trackingScript", "must be a whole <script …></script> element");
    if (strpbrk(site->domain, "/: \t"))
        CONFIG_ERROR(checking, "domain-form", "/domain", "must be a host name, without scheme or path");
    const char *canonical = site->metadata.canonical_url;
    if (*canonical && !url_is_web(canonical) && !strstr(canonical, "TO_BE_ADDED"))
        CONFIG_ERROR(checking, "canonical-url", "/socialAndMetadata/canonicalUrl", "is not an http or https address");
    const char *host = url_is_web(canonical) ? url_host(checking->arena, canonical) : NULL;
    if (host && *site->domain && !text_equal_nocase(host, site->domain))
        CONFIG_WARNING(checking, "canonical-host", "/socialAndMetadata/canonicalUrl", "is not on the domain %s",
                       site->domain);
    if (site->language && (strlen(site->language) < 2 || strlen(site->language) > 3))
        CONFIG_ERROR(checking, "language-form", "/language", "must be a code of ISO 639 such as \"en\"");
}

/* Warnings of the loader read "file:line: field: text". */
static void take_load_warnings(struct site_checking *checking) {
    for (size_t i = 0; i < checking->site->warning_count; i++) {
        const char *warning = checking->site->warnings[i];
        const char *text =
            text_starts(warning, checking->config_file) ? warning + strlen(checking->config_file) : warning;
        int line = *text == ':' ? (int)strtol(text + 1, NULL, 10) : 0;
        const char *rest = strstr(text, ": ");
        site_report(checking, SITE_WARNING, "unknown-field", checking->config_file, NULL, "%s", rest ? rest + 2 : text);
        checking->findings->rows[checking->findings->count - 1].line = line;
    }
}

void site_validate(struct arena *arena, const struct site *site, struct site_findings *findings) {
    *findings = (struct site_findings){0};
    struct site_checking checking = {
        .arena = arena,
        .site = site,
        .findings = findings,
        .config_file = file_join(arena, site->folder, "site.config.json"),
    };
    struct error err = {0};
    char *text = NULL;
    if (!file_read(arena, checking.config_file, LIMIT_CONFIG_BYTES, &text, &checking.length, &err)) {
        site_report(&checking, SITE_ERROR, "unreadable", checking.config_file, NULL, "%s", err.message);
        return;
    }
    checking.text = text;
    JSON_OWNED json_t *root = json_parse(text, checking.length, NULL);
    checking.root = root;
    check_id(&checking);
    check_podcasts(&checking);
    check_texts(&checking);
    check_title(&checking);
    check_values(&checking);
    take_load_warnings(&checking);
    site_check_files(&checking);
}

void site_validate_list(struct arena *arena, const struct site_list *list, struct site_findings *findings) {
    *findings = (struct site_findings){0};
    struct site_checking checking = {.arena = arena, .findings = findings};
    for (size_t i = 0; i < list->failure_count; i++)
        site_report(&checking, SITE_ERROR, "unreadable", file_join(arena, list->failures[i].folder, "site.config.json"),
                    NULL, "%s", list->failures[i].error.message);
    struct text_map domains, feeds;
    text_map_open(&domains, arena);
    text_map_open(&feeds, arena);
    for (size_t i = 0; i < list->count; i++) {
        struct site *site = list->sites[i];
        const char *file = file_join(arena, site->folder, "site.config.json");
        const struct site *other = *site->domain ? text_map_get(&domains, site->domain) : NULL;
        if (other)
            site_report(&checking, SITE_ERROR, "domain-twice", file, "/domain", "site \"%s\" has the domain %s too",
                        other->id, site->domain);
        text_map_add(&domains, site->domain, site);
        for (size_t j = 0; j < site->podcast_count; j++) {
            const char *key = url_normal(arena, site->podcasts[j].url);
            other = text_map_get(&feeds, key);
            if (other)
                site_report(&checking, SITE_WARNING, "feed-twice", file, "/includedPodcasts",
                            "podcast \"%s\": site \"%s\" fetches the same feed", site->podcasts[j].id, other->id);
            text_map_add(&feeds, key, site);
        }
    }
}

json_t *site_findings_json(const struct site_findings *findings) {
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count; i++) {
        const struct site_finding *row = &findings->rows[i];
        json_t *json = json_object();
        json_object_set_new(json, "severity", json_string(row->severity == SITE_ERROR ? "error" : "warning"));
        json_object_set_new(json, "rule", json_string(row->rule));
        json_object_set_new(json, "file", json_string(row->file));
        if (row->line)
            json_object_set_new(json, "line", json_integer(row->line));
        if (row->field)
            json_object_set_new(json, "field", json_string(row->field));
        json_object_set_new(json, "message", json_string(row->message));
        json_array_append_new(list, json);
    }
    return list;
}
