#include "http/asset.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *name, const void *row) {
    return strcmp(name, ((const struct asset *)row)->name);
}

const struct asset *asset_find(const char *name) {
    return bsearch(name, asset_table, asset_count, sizeof(asset_table[0]), compare);
}
