/* Who makes the automation role of each account: of the sites that share one, exactly one has
 * `create_automation_role = true` in its terraform/prod.tfvars; the others find it there (spec/podcast.md sections 8.4
 * and 9.1). Sites share an account when they have the same aws_profile. */
#ifndef TIDEMILL_PODCAST_ROLES_H
#define TIDEMILL_PODCAST_ROLES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "podcast/site.h"

struct role_site {
    const char *site_id;
    const char *file;
    const char *profile; /* "" when none is said */
    bool creates;
};

struct role_group {
    const char *profile;
    bool placeholder; /* nobody filled the profile in yet: such sites are in no account, and the rule is not for them */
    struct role_site *sites;
    size_t count;
    size_t creators;
    const char *fault; /* NULL: exactly one makes the role, or placeholder */
    const char *hint;  /* what to do about it */
};

struct role_report {
    struct role_group *groups; /* in byte order of their profiles */
    size_t count;
    size_t site_count; /* that have a tfvars file */
    const char **warnings;
    size_t warning_count;
    const char **faults; /* files that cannot be read */
    size_t fault_count;
    size_t errors; /* faults and groups with one */
};

/* Reads every site's file; nothing is an error of the call. All in `arena`. */
void roles_check(struct arena *arena, struct site *const *sites, size_t count, struct role_report *report);

/* {"profiles": [{"profile", "placeholder", "creators": [ids], "sites": [ids], "error", "hint"}], "warnings": [...],
 * "errors": [...], "ok": true}; a new reference. */
json_t *roles_json(const struct role_report *report);

#endif
