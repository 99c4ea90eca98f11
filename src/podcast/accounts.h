/* Which AWS account a site lives in: `.site-account-mappings.json` and `.deployed-sites.json` in the workspace's root,
 * as the older scripts write them (docs/accounts.md; spec/podcast.md section 1.6).
 *
 *   { "hardfork": {"accountId": "123456789012", "bucketName": "hardfork-browse-dot-show",
 *                  "cloudfrontId": "E2…", "cloudfrontDomain": "d….cloudfront.net", "searchApiUrl": "https://…"} }
 *
 * A row that is wrong is the failure of its own site; the others are read. Everything lives in the caller's arena. */
#ifndef TIDEMILL_PODCAST_ACCOUNTS_H
#define TIDEMILL_PODCAST_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "podcast/cloud.h"

#define ACCOUNTS_FILE ".site-account-mappings.json"
#define ACCOUNTS_DEPLOYED_FILE ".deployed-sites.json"

struct accounts_row {
    struct site_account account; /* site_id is set in any case */
    struct error error;          /* ERROR_NONE: the row is good */
};

struct site_accounts {
    const char *path; /* of the mapping */
    bool there;       /* false: there is no mapping at all, as with those who have no cloud */
    struct accounts_row *rows;
    size_t count;
    const char **deployed; /* the ids in .deployed-sites.json, as they stand there */
    size_t deployed_count;
    const char **warnings; /* where both files disagree */
    size_t warning_count;
};

/* Reads both files; an absent one is no failure. ERROR_INVALID: one is not JSON, or not an object (a list). */
bool accounts_load(struct arena *arena, const char *root, struct site_accounts *accounts, struct error *err);

/* The account of a site. NULL with ERROR_CONFIG when the mapping does not name it, or with what is wrong with its row;
 * the hint says what to write. */
const struct site_account *accounts_find(const struct site_accounts *accounts, const char *site_id, struct error *err);

/* Whether `.deployed-sites.json` says that the site has a cloud copy. */
bool accounts_deployed(const struct site_accounts *accounts, const char *site_id);

/* Puts a site's row into the mapping (fields that are NULL are left as they are, and so are those that this program
 * does not know) and its id into the list of deployed sites; writes both files whole, sorted by id. */
bool accounts_set(const char *root, const struct site_account *account, struct error *err);

/* 12 digits. */
bool account_id_check(const char *id, struct error *err);
/* A bucket's name (Amazon S3 user guide, "Bucket naming rules"): 3 to 63 of a-z 0-9 . - */
bool account_bucket_check(const char *name, struct error *err);

#endif
