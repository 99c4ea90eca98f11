/* The rules for a site's configuration and folder (docs/sites.md lists them, with what was changed and why). */
#ifndef TIDEMILL_PODCAST_SITE_CHECK_H
#define TIDEMILL_PODCAST_SITE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "podcast/site.h"
#include "podcast/workspace.h"

enum site_severity { SITE_ERROR, SITE_WARNING };

struct site_finding {
    enum site_severity severity;
    const char *rule; /* "id-form", "title-length", … */
    const char *file;
    int line;          /* 0: of the whole file */
    const char *field; /* "appHeader.primaryTitle"; NULL: none */
    const char *message;
};

struct site_findings {
    struct site_finding *rows;
    size_t count;
    size_t errors, warnings;
};

/* All findings about one site, in `arena`. */
void site_validate(struct arena *arena, const struct site *site, struct site_findings *findings);
/* Findings that concern several sites: the same id, domain or feed twice. Broken sites of the list are errors here. */
void site_validate_list(struct arena *arena, const struct site_list *list, struct site_findings *findings);

/* [{"severity","rule","file","line","field","message"}]; a new reference. */
json_t *site_findings_json(const struct site_findings *findings);

#endif
