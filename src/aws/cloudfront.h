/* Amazon CloudFront (CloudFront API Reference, version 2020-05-31): invalidations. A global service: its region is
 * us-east-1. */
#ifndef TIDEMILL_AWS_CLOUDFRONT_H
#define TIDEMILL_AWS_CLOUDFRONT_H

#include "aws/client.h"

enum { CLOUDFRONT_PATHS_MOST = 3000 }; /* of files in progress at a time; wildcards: 15 */

struct cloudfront_invalidation {
    const char *id;
    const char *status; /* "InProgress", "Completed" */
};

/* Asks that copies of `paths` ("/index.html", "/assets/" and a star) be dropped. Paths are escaped as they are in URLs.
 * The same `caller_reference` asks for the same thing once. Failures as aws_client_call. */
bool cloudfront_create_invalidation(struct arena *arena, const struct aws_client *client, const char *distribution,
                                    const char *caller_reference, const char *const *paths, size_t count,
                                    struct cloudfront_invalidation *made, struct aws_failure *failure,
                                    struct error *err);
bool cloudfront_get_invalidation(struct arena *arena, const struct aws_client *client, const char *distribution,
                                 const char *id, struct cloudfront_invalidation *found, struct aws_failure *failure,
                                 struct error *err);
/* Whether the distribution can be seen; its domain name and aliases' first in the arena. */
bool cloudfront_get_distribution(struct arena *arena, const struct aws_client *client, const char *distribution,
                                 const char **domain, struct aws_failure *failure, struct error *err);

#endif
