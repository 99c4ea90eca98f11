#include "run/call_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

bool call_folder_open(const char *scratch, char **folder, struct error *err) {
    *folder = NULL;
    if (!scratch)
        return true;
    if (!file_make_folders(scratch, err))
        return error_context(err, "scratch folder");
    char *path = NULL;
    if (asprintf(&path, "%s/call-XXXXXX", scratch) < 0)
        abort();
    if (!mkdtemp(path)) {
        error_set_os(err, errno, "cannot make a scratch folder in %s", scratch);
        free(path);
        return false;
    }
    *folder = path;
    return true;
}

void call_folder_close(char *folder) {
    struct error err = {0};
    if (folder && !file_remove_tree(folder, &err))
        log_debug("run", "scratch folder left behind: %s", err.message);
    free(folder);
}
