/* What a run asks of the AWS accounts of its sites. The application does not know AWS: whoever starts a run gives it
 * these functions (cli/cloud.c; a test its own). Any thread. */
#ifndef TIDEMILL_PODCAST_CLOUD_H
#define TIDEMILL_PODCAST_CLOUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/error.h"
#include "store/object/object.h"

/* Where a site lives (a row of .site-account-mappings.json; docs/accounts.md). */
struct site_account {
    const char *site_id;
    const char *account_id;        /* "123456789012" */
    const char *bucket;            /* "SITE-browse-dot-show" */
    const char *distribution;      /* CloudFront's id; NULL: none, nothing is invalidated */
    const char *distribution_name; /* its domain name; NULL */
    const char *search_url;        /* NULL */
};

struct podcast_cloud {
    void *to;
    /* The bucket's store, with the role of the site's account. `purpose` goes into the session's name ("pre-sync",
     * "post-sync", "search-refresh", "cf"). Closed with object_store_close. NULL on failure: ERROR_DENIED (the role
     * cannot be taken, another's bucket), ERROR_ABSENT (no such bucket). */
    struct object_store *(*open_bucket)(void *to, const struct site_account *account, const char *purpose,
                                        struct error *err);
    /* Calls a function of that account and waits for its answer (`async`: only until it is accepted). *answer, in the
     * arena, is its payload. A function that fails is an error with its own message. */
    bool (*invoke)(void *to, struct arena *arena, const struct site_account *account, const char *purpose,
                   const char *function, bool async, const char *payload, const char **answer,
                   const struct cancel *cancel, struct error *err);
    /* Drops the copies of these paths ("/index.html", "/assets/" and a star). The same `reference` asks for it once. */
    bool (*invalidate)(void *to, struct arena *arena, const struct site_account *account, const char *reference,
                       const char *const *paths, size_t count, const char **id, const struct cancel *cancel,
                       struct error *err);
};

#endif
