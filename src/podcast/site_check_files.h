/* Inside this room: the part of a site's check that looks at the files of its folder. */
#ifndef TIDEMILL_PODCAST_SITE_CHECK_FILES_H
#define TIDEMILL_PODCAST_SITE_CHECK_FILES_H

#include "base/json.h"
#include "podcast/site_check.h"

struct site_checking {
    struct arena *arena;
    const struct site *site;
    struct site_findings *findings;
    size_t capacity;
    const char *config_file;
    const char *text; /* of it; NULL: not read */
    size_t length;
    const json_t *root;
};

/* Adds a finding. `pointer` names a value of the configuration, and so its line; NULL: of the whole file. */
void site_report(struct site_checking *checking, enum site_severity severity, const char *rule, const char *file,
                 const char *pointer, const char *format, ...) __attribute__((format(printf, 6, 7)));

bool site_is_hex_colour(const char *text);

void site_check_files(struct site_checking *checking);

#endif
