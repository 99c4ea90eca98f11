/* Credentials for whoever runs the program, from wherever they are kept, renewed before they expire.
 *
 * A chain is a source made of providers, each of which looks in one place; the first that has credentials gives them
 * (AWS SDKs and Tools Reference Guide, "Credential provider chain"). What a place holds but cannot be used (a login
 * that has expired, a role that may not be assumed) ends the search with its error: credentials of another account are
 * never taken instead. */
#ifndef TIDEMILL_AWS_CREDENTIALS_CHAIN_H
#define TIDEMILL_AWS_CREDENTIALS_CHAIN_H

#include "aws/credentials.h"
#include "aws/environment.h"
#include "base/clock.h"
#include "base/http_client.h"

struct aws_shared;

/* Where a chain looks, in this order. */
enum aws_credential_place {
    AWS_PLACE_ENVIRONMENT = 1 << 0,
    AWS_PLACE_WEB_IDENTITY = 1 << 1,
    AWS_PLACE_ENV_FILE = 1 << 2,
    AWS_PLACE_PROFILE = 1 << 3,
    AWS_PLACE_CONTAINER = 1 << 4,
    AWS_PLACE_INSTANCE = 1 << 5,
    AWS_PLACE_ALL = (1 << 6) - 1,
};

/* All borrowed for as long as the chain lives, but for the texts, which are copied. */
struct aws_chain_settings {
    const struct aws_environment *environment;
    struct http_client *http;       /* for STS and IAM Identity Center */
    struct http_client *http_local; /* opened with allow_private, for the metadata services of containers and instances,
                                       whose addresses are link-local; NULL: these are not asked */
    const struct clock *clock;      /* NULL: clock_system() */
    struct aws_shared *shared;      /* of aws/client.h, for the calls of STS; NULL: they stand alone */
    const char *profile;            /* asked for by name (--profile): only it is looked at. NULL: AWS_PROFILE, ... */
    const char *env_file;           /* path of a ".env.automation"; NULL: there is none */
    const char *sts_endpoint;       /* NULL: what environment and profile say (aws_endpoint_find) */
    unsigned places;                /* of enum aws_credential_place; 0: all */
    /* Told once of each file with keys that others than its owner may read. By any thread; NULL: nobody is told. */
    void (*warn)(void *to, const char *text);
    void *warn_to;
};

/* Makes a chain; nothing is looked at before the first get. What it gives is kept and renewed (aws_cache_open). Its
 * get fails with ERROR_DENIED when no place has credentials: the message names each with the reason, the hint what to
 * do. NULL and ERROR_CONFIG when places are asked for that need what is not given. */
struct aws_credential_source *aws_chain_open(const struct aws_chain_settings *settings, struct error *err);
void aws_chain_close(struct aws_credential_source *chain); /* NULL is allowed */

/* A role assumed with the credentials of another source (AWS STS API Reference, "AssumeRole"). Texts are copied; the
 * rest is borrowed for as long as the source lives. Roles are chained by making one the source of the next. */
struct aws_assume_role_settings {
    struct http_client *http;
    const struct clock *clock;                  /* NULL: clock_system() */
    struct aws_shared *shared;                  /* of aws/client.h; NULL: its calls stand alone */
    const struct aws_credential_source *source; /* whose credentials sign */
    const char *region;                         /* of STS; NULL: "us-east-1" */
    const char *endpoint;                       /* of STS; NULL: the region's own */
    const char *role_arn;
    const char *session_name; /* 2 to 64 of [A-Za-z0-9_+=,.@-]; NULL: "tidemill-" and the time */
    const char *external_id;  /* NULL: none */
    unsigned duration_s;      /* 900 to 43200; 0: the service's default, an hour */
};

/* Makes the source; STS is asked at the first get and before what it gave expires (aws_cache_open). NULL and
 * ERROR_CONFIG when a setting is not as it must be. */
struct aws_credential_source *aws_assume_role_open(const struct aws_assume_role_settings *settings, struct error *err);
void aws_assume_role_close(struct aws_credential_source *role); /* NULL is allowed */

/* "auto-SUFFIX-SITE-EPOCHMS" (spec/podcast.md section 7.2), in `arena`: characters that a session name may not have
 * become '-', and what is over 64 is taken from the middle of the site's name, never from the time. */
enum { AWS_SESSION_NAME_MOST = 64 };
const char *aws_session_name(struct arena *arena, const char *suffix, const char *site, int64_t now_ms);

/* Keeps what `source` gives (taken over: it is closed with the cache) and renews it: from 15 minutes before the end one
 * thread asks while the others go on with what is there; in the last 5 minutes all wait for that one. A renewal that
 * fails is tried again after a pause; until the end what is there is given. Expired ones are never given, and the
 * source is never asked twice at a time. A key that a service refused as expired (aws_credentials_expired) is not given
 * again; the source is asked for another at once. */
struct aws_credential_source *aws_cache_open(struct aws_credential_source *source);

#endif
