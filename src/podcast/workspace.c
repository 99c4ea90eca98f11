#include "podcast/workspace.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"

static bool has_sites(struct arena *arena, const char *folder) {
    return file_is_folder(file_join(arena, folder, "sites/my-sites")) ||
           file_is_folder(file_join(arena, folder, "sites/origin-sites"));
}

/* The nearest folder at or above `here` that has sites; NULL if none has. */
static const char *walk_up(struct arena *arena, const char *here) {
    if (!here || *here != '/')
        return NULL;
    char *folder = arena_text(arena, here);
    for (;;) {
        if (has_sites(arena, folder))
            return folder;
        char *slash = strrchr(folder, '/');
        if (!slash || !folder[1])
            return NULL;
        slash[slash == folder] = 0; /* "/a" leads to "/" */
    }
}

struct ids {
    struct arena *arena;
    const char *folder;
    const char **names;
    size_t count, capacity;
};

static bool collect_id(void *to, const char *name, bool is_folder, struct error *err) {
    struct ids *ids = to;
    (void)is_folder; /* a link to a folder counts too */
    const char *folder = file_join(ids->arena, ids->folder, name);
    if (*name == '.' || !file_is_folder(folder))
        return true;
    struct error absent = {0};
    if (!file_size(file_join(ids->arena, folder, "site.config.json"), NULL, &absent))
        return absent.code == ERROR_ABSENT ? true : error_copy(err, &absent);
    if (ids->count >= LIMIT_SITES)
        return error_set(err, ERROR_LIMIT, "%s has more than %d sites", ids->folder, LIMIT_SITES);
    ids->names = arena_grow(ids->arena, ids->names, ids->count, &ids->capacity, sizeof(*ids->names));
    ids->names[ids->count++] = arena_text(ids->arena, name);
    return true;
}

/* The names of the folders in `folder` that have a configuration; a folder that is not there has none. */
static bool list_ids(struct arena *arena, const char *folder, struct ids *ids, struct error *err) {
    *ids = (struct ids){.arena = arena, .folder = folder};
    return !file_is_folder(folder) || file_list(folder, collect_id, ids, err);
}

static bool choose_sites_folder(struct arena *arena, struct workspace *workspace, struct error *err) {
    const char *mine = file_join(arena, workspace->root, "sites/my-sites");
    const char *origin = file_join(arena, workspace->root, "sites/origin-sites");
    struct ids ids = {0};
    if (!list_ids(arena, mine, &ids, err))
        return false;
    workspace->is_mine = ids.count > 0 || !file_is_folder(origin);
    workspace->sites_folder = workspace->is_mine ? mine : origin;
    return true;
}

/* localFilesPath of .local-files-config.json; NULL without that file, or where it is of no use (then with a warning).
 */
static const char *configured_files(struct arena *arena, struct workspace *workspace) {
    const char *file = file_join(arena, workspace->root, ".local-files-config.json");
    struct error err = {0};
    JSON_OWNED json_t *config = json_read(file, LIMIT_CONFIG_BYTES, &err);
    if (!config) {
        if (err.code != ERROR_ABSENT)
            workspace->warning = arena_format(arena, "%s; the default files root is used", err.message);
        return NULL;
    }
    const char *path = json_get_text(config, "localFilesPath", NULL);
    if (!path || !*path) {
        workspace->warning = arena_format(arena, "%s: localFilesPath is missing; the default files root is used", file);
        return NULL;
    }
    const char *whole = *path == '/' ? path : file_join(arena, workspace->root, path);
    if (!file_is_folder(whole)) {
        workspace->warning = arena_format(
            arena, "%s: localFilesPath \"%s\" is not a folder; the default files root is used", file, path);
        return NULL;
    }
    return file_join(arena, whole, "s3/sites");
}

static void choose_files_root(struct arena *arena, const struct workspace_settings *settings,
                              struct workspace *workspace) {
    const char *configured = settings->files ? settings->files : configured_files(arena, workspace);
    const char *local = file_join(arena, workspace->root, "aws-local-dev");
    if (configured)
        workspace->files_root = arena_text(arena, configured);
    else if (file_is_folder(local))
        workspace->files_root = file_join(arena, local, "s3/sites");
    else
        workspace->files_root = file_join(arena, settings->data, "objects/sites");
}

bool workspace_find(struct arena *arena, const struct workspace_settings *settings, struct workspace *workspace,
                    struct error *err) {
    struct workspace found = {0};
    if (settings->workspace) {
        if (!file_is_folder(file_join(arena, settings->workspace, "sites")))
            return error_set(err, ERROR_CONFIG, "workspace %s: there is no folder sites/ in it", settings->workspace);
        found.root = arena_text(arena, settings->workspace);
    } else {
        found.root = walk_up(arena, settings->here);
        if (!found.root)
            found.root = arena_text(arena, settings->data);
    }
    if (!choose_sites_folder(arena, &found, err))
        return error_context(err, "workspace %s", found.root);
    choose_files_root(arena, settings, &found);
    *workspace = found;
    return true;
}

bool workspace_sites(struct arena *arena, const struct workspace *workspace, struct site_list *list,
                     struct error *err) {
    struct ids ids = {0};
    if (!list_ids(arena, workspace->sites_folder, &ids, err))
        return error_context(err, "sites in %s", workspace->sites_folder);
    struct site_list made = {
        .sites = arena_alloc_array(arena, ids.count + 1, sizeof(struct site *)),
        .failures = arena_alloc_array(arena, ids.count + 1, sizeof(*made.failures)),
    };
    for (size_t i = 0; i < ids.count; i++) {
        const char *folder = file_join(arena, workspace->sites_folder, ids.names[i]);
        struct site_failure *failure = &made.failures[made.failure_count];
        failure->error = (struct error){0};
        struct site *site = site_load(arena, folder, &failure->error);
        if (site) {
            made.sites[made.count++] = site;
            continue;
        }
        failure->id = ids.names[i];
        failure->folder = folder;
        made.failure_count++;
    }
    *list = made;
    return true;
}

struct site *site_find(const struct site_list *list, const char *id) {
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->sites[i]->id, id))
            return list->sites[i];
    return NULL;
}

char *workspace_site_files(struct arena *arena, const struct workspace *workspace, const char *site_id) {
    return file_join(arena, workspace->files_root, site_id);
}

/* What is wrong with a wanted id, put behind the earlier complaints. */
static void complain(struct text *complaints, const struct site_list *list, const char *id, struct arena *arena) {
    if (complaints->length)
        text_append(complaints, "; ");
    for (size_t i = 0; i < list->failure_count; i++) {
        if (!strcmp(list->failures[i].id, id)) {
            text_append_format(complaints, "site \"%s\" is broken: %s", id, list->failures[i].error.message);
            return;
        }
    }
    const char **names = arena_alloc_array(arena, list->count + 1, sizeof(*names));
    for (size_t i = 0; i < list->count; i++)
        names[i] = list->sites[i]->id;
    const char *near = text_nearest(id, names, list->count);
    text_append_format(complaints, "there is no site \"%s\"", id);
    if (near)
        text_append_format(complaints, " (did you mean \"%s\"?)", near);
}

bool site_select(struct arena *arena, const struct site_list *list, const char *wanted, struct site ***selected,
                 size_t *count, struct error *err) {
    bool all = !wanted || !*wanted;
    bool *taken = arena_alloc_array(arena, list->count + 1, sizeof(*taken));
    TEXT_SCOPED struct text complaints;
    text_open(&complaints, sizeof(err->message));
    size_t named = 0;
    for (const char *at = all ? "" : wanted; *at;) {
        size_t length = strcspn(at, ",");
        const char *id = text_trim(arena_text_part(arena, at, length));
        at += length + (at[length] == ',');
        if (!*id)
            continue;
        named++;
        size_t i = 0;
        while (i < list->count && strcmp(list->sites[i]->id, id) != 0)
            i++;
        if (i < list->count)
            taken[i] = true;
        else
            complain(&complaints, list, id, arena);
    }
    if (complaints.length || complaints.overflow)
        return error_set(err, ERROR_USAGE, "%s", text_value(&complaints));
    if (!all && !named)
        return error_set(err, ERROR_USAGE, "\"%s\" names no site", wanted);
    struct site **sites = arena_alloc_array(arena, list->count + 1, sizeof(struct site *));
    size_t chosen = 0;
    for (size_t i = 0; i < list->count; i++)
        if (all || taken[i])
            sites[chosen++] = list->sites[i];
    *selected = sites;
    *count = chosen;
    return true;
}
