/* Where the sites and their files are.
 *
 * A workspace is a folder with `sites/` in it. Its sites lie in `sites/my-sites/{id}/` if that folder has at least one
 * with a site.config.json, and only there; else in `sites/origin-sites/{id}/`. The files of a site (audio, transcripts,
 * index) lie in a folder of its id below the files root, which is the first of: what the settings say;
 * `{localFilesPath}/s3/sites` where
 * `.local-files-config.json` of the workspace names it; `aws-local-dev/s3/sites` of the workspace if it has that
 * folder;
 * `{data}/objects/sites`. */
#ifndef TIDEMILL_PODCAST_WORKSPACE_H
#define TIDEMILL_PODCAST_WORKSPACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "podcast/site.h"

struct workspace_settings {
    const char *data;      /* the data directory; required */
    const char *workspace; /* a folder with `sites/`; NULL: found from `here`, else the data directory */
    const char *files;     /* the files root; NULL: by the rule above */
    const char *here;      /* the current folder, absolute; walked up to find a workspace; NULL: not looked for */
};

struct workspace {
    const char *root;         /* the workspace's folder; it may have no sites/ yet */
    const char *sites_folder; /* the folder that has the sites: …/sites/my-sites or …/sites/origin-sites */
    const char *files_root;   /* has one folder a site; it may be absent */
    bool is_mine;             /* the sites are those of my-sites */
    const char *warning;      /* something odd that was passed over, for people; NULL: nothing */
};

/* A site's folder that could not be read as a site. */
struct site_failure {
    const char *id; /* the folder's name */
    const char *folder;
    struct error error;
};

struct site_list {
    struct site **sites; /* in byte order of their ids */
    size_t count;
    struct site_failure *failures;
    size_t failure_count;
};

/* Finds the workspace. All texts are made in `arena`. A workspace without sites is none; ERROR_CONFIG when `workspace`
 * was named and has no `sites/`, ERROR_IO, ERROR_DENIED when a folder cannot be looked into. */
bool workspace_find(struct arena *arena, const struct workspace_settings *settings, struct workspace *workspace,
                    struct error *err);

/* Loads every site of the workspace. One that is broken becomes a row of `failures`, and the others go on. No sites
 * folder gives an empty list. */
bool workspace_sites(struct arena *arena, const struct workspace *workspace, struct site_list *list, struct error *err);

/* The sites that `wanted` names, separated by commas, in the order of the list; NULL or "" is all. Every unknown id is
 * named, each with the near one (ERROR_USAGE); an id whose folder is broken is an error with its reason. */
bool site_select(struct arena *arena, const struct site_list *list, const char *wanted, struct site ***selected,
                 size_t *count, struct error *err);

/* The site of that id, or NULL. */
struct site *site_find(const struct site_list *list, const char *id);

/* The folder of a site's files, below files_root. */
char *workspace_site_files(struct arena *arena, const struct workspace *workspace, const char *site_id);

#endif
