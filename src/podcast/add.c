#include "podcast/add.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/add_internal.h"
#include "podcast/site_check.h"
#include "web/fetch.h"
#include "web/url.h"

void add_warn(struct adding *adding, const char *format, ...) {
    struct add_result *result = adding->result;
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_format_list(adding->arena, format, arguments);
    va_end(arguments);
    result->warnings = arena_grow(adding->arena, result->warnings, result->warning_count, &adding->warning_capacity,
                                  sizeof(*result->warnings));
    result->warnings[result->warning_count++] = text;
}

bool add_write(struct adding *adding, const char *name, const void *data, size_t length, struct error *err) {
    struct add_result *result = adding->result;
    const char *path = file_join(adding->arena, adding->folder, name);
    if (!adding->settings->dry && (!file_make_parents(path, err) || !file_write(path, data, length, 0644, err)))
        return false;
    result->files =
        arena_grow(adding->arena, result->files, result->file_count, &adding->file_capacity, sizeof(*result->files));
    result->files[result->file_count++] = arena_text(adding->arena, name);
    return true;
}

static bool fetch_feed(struct adding *adding, struct error *err) {
    struct feed_fetch_request request = {
        .url = adding->settings->url,
        .one_page = true,
        .cancel = adding->settings->cancel,
    };
    struct feed_fetch_result fetched = {0};
    if (!url_is_web(adding->settings->url)) {
        char shown[512];
        error_set(err, ERROR_USAGE, "\"%s\" is not an http or https address",
                  redact_url(adding->settings->url, shown, sizeof(shown)));
        error_hint(err, "give the whole address, such as https://example.org/feed.xml");
        return false;
    }
    if (!feed_fetch(adding->client, adding->arena, &request, &fetched, err))
        return false;
    if (!fetched.feed) {
        error_set(err, ERROR_INVALID, "the server sent no feed");
        return false;
    }
    adding->feed = fetched.feed;
    adding->url = adding->settings->url;
    size_t audible = 0;
    for (size_t i = 0; i < fetched.feed->item_count; i++)
        audible += fetched.feed->items[i].enclosure_count > 0;
    adding->result->episodes = audible;
    adding->result->title = add_plain(adding->arena, fetched.feed->title ? fetched.feed->title : "", 200);
    if (!*adding->result->title)
        adding->result->title = "Untitled podcast";
    if (fetched.permanent_url) {
        char shown[512];
        adding->url = fetched.permanent_url;
        add_warn(adding, "the feed has moved for good: %s is used",
                 redact_url(fetched.permanent_url, shown, sizeof(shown)));
    }
    if (!audible)
        add_warn(adding, "the feed has no episode with audio yet");
    return true;
}

/* ERROR_EXISTS when a site has the feed, under this address or the one it said itself. */
static bool refuse_known(const struct adding *adding, const struct site_list *list, struct error *err) {
    const char *wanted[] = {adding->settings->url, adding->url, adding->feed->self_url};
    for (size_t i = 0; i < list->count; i++)
        for (size_t j = 0; j < list->sites[i]->podcast_count; j++) {
            const char *normal = url_normal(adding->arena, list->sites[i]->podcasts[j].url);
            for (size_t k = 0; k < ARRAY_LENGTH(wanted); k++) {
                if (!wanted[k] || strcmp(url_normal(adding->arena, wanted[k]), normal) != 0)
                    continue;
                error_set(err, ERROR_EXISTS, "site \"%s\" has this feed already, as podcast \"%s\"", list->sites[i]->id,
                          list->sites[i]->podcasts[j].id);
                return error_hint(err, "`tidemill podcast run --sites %s` fetches it", list->sites[i]->id);
            }
        }
    return true;
}

/* `wanted`, or with "-2", "-3", … behind it, whichever `taken` does not know. */
static const char *free_id(struct adding *adding, const char *wanted, size_t longest,
                           bool (*taken)(const struct adding *adding, const void *among, const char *id),
                           const void *among) {
    if (!taken(adding, among, wanted))
        return wanted;
    for (unsigned n = 2;; n++) {
        char suffix[16];
        snprintf(suffix, sizeof(suffix), "-%u", n);
        size_t keep = strlen(wanted) + strlen(suffix) > longest ? longest - strlen(suffix) : strlen(wanted);
        const char *id = arena_format(adding->arena, "%.*s%s", (int)keep, wanted, suffix);
        if (!taken(adding, among, id))
            return id;
    }
}

static bool site_is_taken(const struct adding *adding, const void *among, const char *id) {
    (void)among;
    return file_is_folder(file_join(adding->arena, adding->workspace->sites_folder, id));
}

static bool podcast_is_taken(const struct adding *adding, const void *among, const char *id) {
    const struct site *site = among;
    return !strcmp(id, adding->result->site_id) || (site && site_podcast_find(site, id));
}

/* The title's id; a title without any Latin letter has none, so the address gives one that stays the same. */
static const char *title_id(struct adding *adding, size_t longest) {
    const char *id = site_id_from_title(adding->arena, adding->result->title, longest);
    if (*id)
        return id;
    return arena_format(adding->arena, "podcast-%08x",
                        (unsigned)(hash_fnv1a(adding->url, strlen(adding->url)) & 0xFFFFFFFFu));
}

static void choose_podcast_id(struct adding *adding, const struct site *site) {
    const char *id = title_id(adding, SITE_PODCAST_ID_LONGEST - sizeof("-podcast"));
    if (!strcmp(id, adding->result->site_id))
        id = arena_format(adding->arena, "%s-podcast", id);
    adding->result->podcast_id = free_id(adding, id, SITE_PODCAST_ID_LONGEST, podcast_is_taken, site);
}

/* ---- one podcast more ---- */

static bool extend_site(struct adding *adding, const struct site *site, struct error *err) {
    struct add_result *result = adding->result;
    result->site_id = site->id;
    result->folder = adding->folder = site->folder;
    choose_podcast_id(adding, site);
    const char *path = file_join(adding->arena, site->folder, "site.config.json");
    JSON_OWNED json_t *config = json_read(path, LIMIT_CONFIG_BYTES, err);
    if (!config)
        return false;
    json_array_append_new(json_object_get(config, "includedPodcasts"), add_podcast_row(adding));
    TEXT_OWNED char *text = json_text(config, 2);
    char *lines = arena_format(adding->arena, "%s\n", text);
    return add_write(adding, "site.config.json", lines, strlen(lines), err);
}

/* ---- a new site ---- */

static bool write_site(struct adding *adding, struct error *err) {
    if (!add_assets(adding, err))
        return false;
    JSON_OWNED json_t *config = add_config(adding);
    TEXT_OWNED char *text = json_text(config, 2);
    char *lines = arena_format(adding->arena, "%s\n", text);
    char *index =
        arena_format(adding->arena, ":root {\n  --primary: %s;\n  --secondary: %s;\n}\n", adding->light, adding->dark);
    char *keys = arena_format(adding->arena,
                              ":root {\n  --browse-dot-show-theme-light: %s;\n  --browse-dot-show-theme-dark: %s;\n}\n",
                              adding->light, adding->dark);
    return add_write(adding, "index.css", index, strlen(index), err) &&
           add_write(adding, "key-colors.css", keys, strlen(keys), err) &&
           add_write(adding, "site.config.json", lines, strlen(lines), err);
}

/* A site that would not load, or that breaks a rule, is never put in place. */
static bool check_made(struct adding *adding, struct error *err) {
    struct site *site = site_load(adding->arena, adding->folder, err);
    if (!site)
        return error_context(err, "the new site");
    struct site_findings findings;
    site_validate(adding->arena, site, &findings);
    for (size_t i = 0; i < findings.count; i++) {
        const struct site_finding *row = &findings.rows[i];
        if (row->severity == SITE_ERROR)
            return error_set(err, ERROR_CONFIG, "the new site: %s %s", row->field ? row->field : row->file,
                             row->message);
        if (strcmp(row->rule, "asset-missing") != 0 && strcmp(row->rule, "id-older-validator") != 0)
            add_warn(adding, "%s %s", row->field ? row->field : row->file, row->message);
    }
    return true;
}

static bool make_site(struct adding *adding, struct error *err) {
    struct add_result *result = adding->result;
    const char *wanted = adding->settings->site_id;
    if (wanted && (!*wanted || strspn(wanted, "abcdefghijklmnopqrstuvwxyz0123456789_-") < strlen(wanted)))
        return error_set(err, ERROR_USAGE, "\"%s\" is no id of a site: lower-case letters, digits, '-' and '_'",
                         wanted);
    result->site_id =
        wanted ? wanted : free_id(adding, title_id(adding, SITE_ID_LONGEST), SITE_ID_LONGEST, site_is_taken, NULL);
    if (site_is_taken(adding, NULL, result->site_id))
        return error_set(err, ERROR_EXISTS, "the folder of site \"%s\" is there, but cannot be read as a site",
                         result->site_id);
    choose_podcast_id(adding, NULL);
    result->made_site = true;
    result->folder = file_join(adding->arena, adding->workspace->sites_folder, result->site_id);
    /* Made aside and put in place by one rename, so that a run never meets half a site. Names with a dot are no sites.
     */
    const char *aside = file_join(adding->arena, adding->workspace->sites_folder,
                                  arena_format(adding->arena, ".new-%s", result->site_id));
    adding->folder = file_join(adding->arena, aside, result->site_id);
    if (adding->settings->dry)
        return write_site(adding, err);
    bool done = file_remove_tree(aside, err) && file_make_folders(adding->folder, err) && write_site(adding, err) &&
                check_made(adding, err) && file_rename(adding->folder, result->folder, err);
    struct error ignored = {0};
    file_remove_tree(aside, &ignored);
    return done;
}

bool podcast_add(struct arena *arena, const struct workspace *workspace, struct http_client *client,
                 const struct add_settings *settings, struct add_result *result, struct error *err) {
    struct add_result made = {0};
    struct adding adding = {
        .arena = arena, .workspace = workspace, .client = client, .settings = settings, .result = &made};
    struct site_list list = {0};
    url_redact_secrets(settings->url);
    if (!workspace_sites(arena, workspace, &list, err) || !fetch_feed(&adding, err) ||
        !refuse_known(&adding, &list, err))
        return false;
    const struct site *site = settings->site_id ? site_find(&list, settings->site_id) : NULL;
    if (!(site ? extend_site(&adding, site, err) : make_site(&adding, err)))
        return false;
    *result = made;
    return true;
}
