/* Brings the indexes of all sites below a data folder to date, for tests of the server: index_fixture DATA. */
#include <stdio.h>

#include "podcast/index_site.h"
#include "podcast/workspace.h"
#include "store/object/directory.h"

static bool index_one(struct arena *arena, const struct workspace *workspace, const struct site *site,
                      struct error *err) {
    struct object_store *files = directory_store_open(workspace_site_files(arena, workspace, site->id), err);
    struct manifest *manifest = files ? manifest_load(files, err) : NULL;
    struct index_site_settings settings = {0};
    struct index_site_report report;
    bool good = manifest && index_site(arena, site, manifest, files, &settings, &report, err);
    if (good)
        printf("%s: %llu passages\n", site->id, (unsigned long long)report.passages);
    manifest_close(manifest);
    object_store_close(files);
    return good;
}

int main(int argc, char **argv) {
    struct error err = {0};
    struct workspace workspace;
    struct site_list list;
    if (argc != 2)
        return 2;
    struct arena *arena = arena_open();
    struct workspace_settings settings = {.data = argv[1]};
    bool good = workspace_find(arena, &settings, &workspace, &err) && workspace_sites(arena, &workspace, &list, &err);
    for (size_t i = 0; good && i < list.count; i++)
        good = index_one(arena, &workspace, list.sites[i], &err);
    if (!good)
        fprintf(stderr, "index: %s\n", err.message);
    arena_close(arena);
    return good ? 0 : 1;
}
