#include "http/catalog.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/catalog_site.h"

/* A view with what it stands on. `shown` is what others see of it. */
struct view {
    struct catalog_view shown;
    struct arena *arena;
    atomic_size_t users; /* the catalog itself is one while the view is the present one */
};

struct catalog {
    const struct workspace_settings *settings;
    pthread_mutex_t lock; /* guards `present` */
    struct view *present;
    uint64_t fingerprint; /* of the configuration that `present` was made of; owner thread */
};

/* ---- has anything changed? ---- */

static void add_stat(struct text *facts, const char *name, const char *path) {
    struct stat found;
    if (stat(path, &found) == 0)
        text_append_format(facts, "%s %lld.%09ld %lld %llu\n", name, (long long)found.st_mtim.tv_sec,
                           found.st_mtim.tv_nsec, (long long)found.st_size, (unsigned long long)found.st_ino);
}

struct config_walk {
    struct text facts;
    struct arena *arena;
    const char *folder;
};

static bool add_config(void *to, const char *name, bool is_folder, struct error *err) {
    struct config_walk *walk = to;
    (void)err;
    if (is_folder)
        add_stat(&walk->facts, name,
                 file_join(walk->arena, file_join(walk->arena, walk->folder, name), "site.config.json"));
    return true;
}

/* A number that differs when the set of sites or one of their configurations does. */
static bool fingerprint_of(struct arena *arena, const struct workspace *workspace, uint64_t *fingerprint,
                           struct error *err) {
    struct config_walk walk = {.arena = arena, .folder = workspace->sites_folder};
    text_open(&walk.facts, 16 * MIB);
    text_append_format(&walk.facts, "%s\n%s\n", workspace->sites_folder, workspace->files_root);
    struct error why = {0};
    bool good = file_list(workspace->sites_folder, add_config, &walk, &why) || why.code == ERROR_ABSENT;
    *fingerprint = hash_fnv1a(text_value(&walk.facts), walk.facts.length);
    text_close(&walk.facts);
    return good || error_copy(err, &why);
}

/* ---- views ---- */

static void view_drop(struct view *view) {
    if (!view || atomic_fetch_sub(&view->users, 1) > 1)
        return;
    for (size_t i = 0; i < view->shown.count; i++)
        catalog_site_give(view->shown.entries[i].live);
    arena_close(view->arena);
    free(view);
}

/* What is open of a site stays open over a change of its configuration, as long as its files stay where they are. */
static struct catalog_site *live_of(const struct view *before, const char *id, const char *files) {
    const struct catalog_entry *entry = before ? catalog_find(&before->shown, id) : NULL;
    if (entry && catalog_site_is_at(entry->live, files))
        return catalog_site_share(entry->live);
    return catalog_site_open(files);
}

/* Said once for each state of the configuration, not for each request. */
static void log_view(const struct workspace *workspace, const struct view *view) {
    for (size_t i = 0; i < view->shown.failure_count; i++)
        log_warn("http", "site %s is not served: %s", view->shown.failures[i].id,
                 view->shown.failures[i].error.message);
    if (view->shown.count == 0)
        log_warn("http", "no sites in %s yet", workspace->root);
}

/* Takes over `arena` on success. */
static struct view *view_make(struct arena *arena, const struct workspace *workspace, const struct view *before,
                              struct error *err) {
    struct site_list list = {0};
    if (!workspace_sites(arena, workspace, &list, err))
        return NULL;
    struct view *view = memory_alloc(sizeof(*view));
    struct catalog_entry *entries = arena_alloc_array(arena, list.count, sizeof(*entries));
    for (size_t i = 0; i < list.count; i++) {
        const char *files = workspace_site_files(arena, workspace, list.sites[i]->id);
        entries[i] = (struct catalog_entry){list.sites[i], live_of(before, list.sites[i]->id, files)};
    }
    view->arena = arena;
    view->shown = (struct catalog_view){entries, list.count, list.failures, list.failure_count};
    atomic_init(&view->users, 1);
    return view;
}

bool catalog_refresh(struct catalog *catalog, struct error *err) {
    struct arena *arena = arena_open();
    struct workspace workspace;
    uint64_t fingerprint;
    if (!workspace_find(arena, catalog->settings, &workspace, err) ||
        !fingerprint_of(arena, &workspace, &fingerprint, err)) {
        arena_close(arena);
        return false;
    }
    if (catalog->present && fingerprint == catalog->fingerprint) {
        arena_close(arena);
        return true;
    }
    struct view *made = view_make(arena, &workspace, catalog->present, err);
    if (!made) {
        arena_close(arena);
        return false;
    }
    log_view(&workspace, made);
    pthread_mutex_lock(&catalog->lock);
    struct view *before = catalog->present;
    catalog->present = made;
    pthread_mutex_unlock(&catalog->lock);
    catalog->fingerprint = fingerprint;
    view_drop(before);
    return true;
}

struct catalog *catalog_open(const struct workspace_settings *settings, struct error *err) {
    struct catalog *catalog = memory_alloc(sizeof(*catalog));
    catalog->settings = settings;
    pthread_mutex_init(&catalog->lock, NULL);
    if (!catalog_refresh(catalog, err)) {
        catalog_close(catalog);
        return NULL;
    }
    return catalog;
}

void catalog_close(struct catalog *catalog) {
    if (!catalog)
        return;
    view_drop(catalog->present);
    pthread_mutex_destroy(&catalog->lock);
    free(catalog);
}

const struct catalog_view *catalog_view_take(struct catalog *catalog) {
    pthread_mutex_lock(&catalog->lock);
    struct view *view = catalog->present;
    atomic_fetch_add(&view->users, 1);
    pthread_mutex_unlock(&catalog->lock);
    return &view->shown;
}

void catalog_view_give(const struct catalog_view *view) {
    view_drop((struct view *)(uintptr_t)view); /* `shown` is its first field */
}

bool catalog_trim(struct catalog *catalog) {
    const struct catalog_view *view = catalog_view_take(catalog);
    bool trimmed = false;
    for (size_t i = 0; i < view->count; i++)
        trimmed |= catalog_site_trim(view->entries[i].live);
    catalog_view_give(view);
    return trimmed;
}

const struct catalog_entry *catalog_find(const struct catalog_view *view, const char *site_id) {
    size_t low = 0, high = view->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(view->entries[middle].site->id, site_id);
        if (order == 0)
            return &view->entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct catalog_entry *catalog_find_domain(const struct catalog_view *view, const char *host) {
    size_t length = host[0] == '[' ? strlen(host) : strcspn(host, ":");
    if (length == 0)
        return NULL;
    for (size_t i = 0; i < view->count; i++) {
        const char *domain = view->entries[i].site->domain;
        if (domain && strlen(domain) == length && strncasecmp(domain, host, length) == 0)
            return &view->entries[i];
    }
    return NULL;
}
