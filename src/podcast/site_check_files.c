#include "podcast/site_check_files.h"

#include <ctype.h>
#include <string.h>

#include "base/env_file.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/spelling.h"
#include "podcast/tfvars.h"

enum { COLOURS_MOST = 3 };

/* A small text file of the site's folder; NULL when it is not there or cannot be read. */
static char *read_part(struct site_checking *checking, const char *name) {
    char *text = NULL;
    size_t length = 0;
    const char *path = file_join(checking->arena, checking->site->folder, name);
    return file_read(checking->arena, path, LIMIT_CONFIG_BYTES, &text, &length, NULL) ? text : NULL;
}

static const char *path_of(struct site_checking *checking, const char *name) {
    return file_join(checking->arena, checking->site->folder, name);
}

static bool is_there(struct site_checking *checking, const char *name) {
    return file_size(path_of(checking, name), NULL, NULL);
}

static void check_assets(struct site_checking *checking) {
    static const char *const assets[] = {
        "apple-touch-icon.png",         "favicon-96x96.png",           "favicon.ico", "favicon.svg", "site.webmanifest",
        "web-app-manifest-192x192.png", "web-app-manifest-512x512.png"};
    if (!is_there(checking, "index.css"))
        site_report(checking, SITE_WARNING, "index-css", path_of(checking, "index.css"), NULL,
                    "is missing; the theme colours of the configuration are used");
    for (size_t i = 0; i < ARRAY_LENGTH(assets); i++) {
        const char *name = arena_format(checking->arena, "assets/%s", assets[i]);
        if (!is_there(checking, name))
            site_report(checking, SITE_WARNING, "asset-missing", path_of(checking, name), NULL, "is missing");
    }
    const char *card = checking->site->metadata.open_graph_image_path;
    const char *path = site_asset_path(checking->arena, checking->site, card);
    if (*card && strcmp(card, "TO_BE_ADDED") != 0 && (!path || !file_size(path, NULL, NULL)))
        site_report(checking, SITE_WARNING, "card-missing", checking->config_file,
                    "/socialAndMetadata/openGraphImagePath", "names %s, which is not there", card);
}

struct colours {
    const char *seen[32];
    size_t count;
};

static void add_colour(struct arena *arena, struct colours *colours, const char *value) {
    char *lower = arena_text(arena, value);
    for (char *at = lower; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    for (size_t i = 0; i < colours->count; i++)
        if (!strcmp(colours->seen[i], lower))
            return;
    if (*lower && colours->count < ARRAY_LENGTH(colours->seen))
        colours->seen[colours->count++] = lower;
}

/* The values of a custom property in a style sheet, wherever it is set. */
static void add_property(struct arena *arena, struct colours *colours, const char *css, const char *property) {
    size_t length = strlen(property);
    for (const char *at = css; at && (at = strstr(at, property)); at += length) {
        const char *value = at + length + strspn(at + length, " \t");
        if (*value != ':' || (at > css && (isalnum((unsigned char)at[-1]) || at[-1] == '-')))
            continue;
        add_colour(arena, colours, text_trim(arena_text_part(arena, value + 1, strcspn(value + 1, ";}"))));
    }
}

static void check_colours(struct site_checking *checking) {
    struct arena *arena = checking->arena;
    struct colours colours = {0};
    const char *index = read_part(checking, "index.css"), *keys = read_part(checking, "key-colors.css");
    add_property(arena, &colours, index, "--primary");
    add_property(arena, &colours, index, "--secondary");
    add_property(arena, &colours, keys, "--browse-dot-show-theme-light");
    add_property(arena, &colours, keys, "--browse-dot-show-theme-dark");
    const char *manifest_name = "assets/site.webmanifest";
    const char *manifest_text = read_part(checking, manifest_name);
    if (manifest_text) {
        struct error err = {0};
        JSON_OWNED json_t *manifest = json_parse(manifest_text, strlen(manifest_text), &err);
        if (!manifest)
            site_report(checking, SITE_WARNING, "webmanifest", path_of(checking, manifest_name), NULL, "%s",
                        err.message);
        add_colour(arena, &colours, json_get_text(manifest, "theme_color", ""));
        add_colour(arena, &colours, json_get_text(manifest, "background_color", ""));
    }
    if (colours.count > COLOURS_MOST)
        site_report(checking, SITE_WARNING, "colours", checking->site->folder, NULL,
                    "index.css, key-colors.css and site.webmanifest use %zu different colours; %d look well",
                    colours.count, COLOURS_MOST);
}

static bool look_at_name(void *to, const char *name, bool is_folder, struct error *err) {
    static const char *const known[] = {"site.config.json", "index.css", "key-colors.css", "spelling-corrections.json",
                                        "README.md",        "assets",    "terraform",      ".env.aws-sso",
                                        ".DS_Store",        ".gitkeep",  ".gitignore",     ".setup-progress.json"};
    struct site_checking *checking = to;
    (void)is_folder;
    (void)err;
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
        if (!strcmp(known[i], name))
            return true;
    site_report(checking, SITE_WARNING, "unexpected-file", path_of(checking, name), NULL, "is no part of a site");
    return true;
}

static void check_variables(struct site_checking *checking) {
    static const char *const recommended[] = {"aws_region", "s3_bucket_name", "custom_domain_name"};
    const char *path = path_of(checking, "terraform/prod.tfvars");
    const char *text = read_part(checking, "terraform/prod.tfvars");
    struct tfvars file;
    struct error err = {0};
    if (!text) {
        site_report(checking, SITE_WARNING, "tfvars-missing", path, NULL, "is missing");
        return;
    }
    if (!tfvars_parse(checking->arena, path, text, strlen(text), &file, &err)) {
        site_report(checking, SITE_WARNING, "tfvars-broken", path, NULL, "%s", err.message);
        return;
    }
    const char *id = tfvars_text(&file, "site_id", NULL);
    if (!id)
        site_report(checking, SITE_WARNING, "tfvars-site-id", path, NULL, "site_id is missing");
    else if (strcmp(id, checking->site->id) != 0)
        site_report(checking, SITE_ERROR, "tfvars-site-id", path, NULL, "site_id is \"%s\", the site is \"%s\"", id,
                    checking->site->id);
    for (size_t i = 0; i < ARRAY_LENGTH(recommended); i++)
        if (!tfvars_find(&file, recommended[i]))
            site_report(checking, SITE_WARNING, "tfvars-recommended", path, NULL, "%s is missing", recommended[i]);
}

static const char *profile_of(struct site_checking *checking, const char *text) {
    struct env_file file;
    return text && env_file_parse(checking->arena, ".env.aws-sso", text, strlen(text), &file, NULL)
               ? env_file_value(&file, "AWS_PROFILE")
               : NULL;
}

/* Only a site that goes to the cloud has these; whoever serves from their own machine needs none. */
static void check_cloud(struct site_checking *checking) {
    if (!file_is_folder(path_of(checking, "terraform")))
        return;
    check_variables(checking);
    if (!is_there(checking, "terraform/backend.tfbackend"))
        site_report(checking, SITE_WARNING, "backend-missing", path_of(checking, "terraform/backend.tfbackend"), NULL,
                    "is missing");
    const char *environment = read_part(checking, ".env.aws-sso");
    const char *profile = profile_of(checking, environment);
    if (!profile || !*profile)
        site_report(checking, SITE_WARNING, "aws-profile", path_of(checking, ".env.aws-sso"), NULL, "%s",
                    environment ? "AWS_PROFILE is missing" : "is missing");
}

static void check_spelling(struct site_checking *checking) {
    const char *text = read_part(checking, "spelling-corrections.json");
    struct error err = {0};
    if (text && !spelling_parse(checking->arena, text, strlen(text), &err))
        site_report(checking, SITE_WARNING, "spelling", path_of(checking, "spelling-corrections.json"), NULL, "%s",
                    err.message);
}

void site_check_files(struct site_checking *checking) {
    struct error err = {0};
    check_assets(checking);
    check_colours(checking);
    check_cloud(checking);
    check_spelling(checking);
    if (!file_list(checking->site->folder, look_at_name, checking, &err))
        site_report(checking, SITE_ERROR, "unreadable", checking->site->folder, NULL, "%s", err.message);
}
