/* Amazon CloudFront (CloudFront API Reference, version 2020-05-31): invalidations. A global service: its region is
 * us-east-1. */
#ifndef TIDEMILL_AWS_CLOUDFRONT_H
#define TIDEMILL_AWS_CLOUDFRONT_H

#include "aws/client.h"

/* CloudFront Developer Guide, "Quotas on invalidations": in progress at a time, of one distribution. */
enum { CLOUDFRONT_PATHS_MOST = 3000, CLOUDFRONT_WILDCARDS_MOST = 15, CLOUDFRONT_PATH_BYTES = 4000 };

struct cloudfront_invalidation {
    const char *id;
    const char *status; /* "InProgress", "Completed" */
};

/* Asks that copies of 1 to CLOUDFRONT_PATHS_MOST `paths` be dropped: keys with a slash in front ("/index.html"), or
 * beginnings of them that end in a star, of which there may be CLOUDFRONT_WILDCARDS_MOST. They are given plain and
 * escaped here ("Specify the files to invalidate": what RFC 1738 section 2.2 calls unsafe, and no more). The same
 * `caller_reference` with the same paths asks for the same thing once. Failures as aws_client_call; ERROR_INVALID and
 * ERROR_LIMIT (failure->status 0) for paths that cannot be. */
bool cloudfront_create_invalidation(struct arena *arena, const struct aws_client *client, const char *distribution,
                                    const char *caller_reference, const char *const *paths, size_t count,
                                    struct cloudfront_invalidation *made, struct aws_failure *failure,
                                    struct error *err);
bool cloudfront_get_invalidation(struct arena *arena, const struct aws_client *client, const char *distribution,
                                 const char *id, struct cloudfront_invalidation *found, struct aws_failure *failure,
                                 struct error *err);
/* Whether the distribution can be seen; *domain is its first alias, or else its own name ("d1.cloudfront.net"), in the
 * arena. */
bool cloudfront_get_distribution(struct arena *arena, const struct aws_client *client, const char *distribution,
                                 const char **domain, struct aws_failure *failure, struct error *err);

#endif
