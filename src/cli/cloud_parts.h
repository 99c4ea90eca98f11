/* What the files of cloud.h share. */
#ifndef TIDEMILL_CLI_CLOUD_PARTS_H
#define TIDEMILL_CLI_CLOUD_PARTS_H

#include <pthread.h>

#include "aws/environment.h"
#include "cli/cloud.h"

/* A role that was taken for a site. */
struct cloud_role {
    struct cloud_role *next;
    char *key; /* account, site and purpose */
    char *arn;
    struct aws_credential_source *source;
};

struct cloud {
    struct bandwidth *bandwidth; /* NULL: no ceiling */
    struct command_context *context;
    struct arena *arena; /* of what is found while opening */
    struct aws_environment environment;
    struct http_client *http;  /* storage and small calls */
    struct http_client *slow;  /* functions, which say nothing until they are done */
    struct http_client *local; /* metadata services of this machine */
    struct aws_shared *shared;
    struct aws_credential_source *base;
    const char *region;
    const char *env_file;
    const char *role_name; /* "": no role is taken */
    const char *endpoints[CLOUD_SERVICE_COUNT];
    enum s3_style style;
    pthread_mutex_t lock; /* of `roles` */
    struct cloud_role *roles;
    pthread_mutex_t identity_lock; /* of the rest; held while STS is asked, so that it is asked once */
    bool identity_known;
    struct arena *identity_arena;
    struct sts_identity identity;
};

/* cloud_settings.c: fills the environment, files, region, endpoints and the role's name from the options. */
bool cloud_settings_read(struct cloud *cloud, struct error *err);
/* The profile that was asked for by name; NULL: the environment's, or the default. */
const char *cloud_profile(const struct cloud *cloud);
#endif
