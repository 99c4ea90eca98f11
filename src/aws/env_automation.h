/* The keys of unattended runs, ".env.automation" (docs/credentials.md). */
#ifndef TIDEMILL_AWS_ENV_AUTOMATION_H
#define TIDEMILL_AWS_ENV_AUTOMATION_H

#include "base/env_file.h"

/* What a scheduled run's ".env.automation" holds. */
struct env_automation {
    const char *key_id;  /* AWS_ACCESS_KEY_ID */
    const char *secret;  /* AWS_SECRET_ACCESS_KEY; given to redact_add */
    const char *token;   /* AWS_SESSION_TOKEN; NULL: none */
    const char *region;  /* AWS_REGION */
    const char *profile; /* SCHEDULED_RUN_MAIN_AWS_PROFILE */
    bool shared;         /* others than its owner may read the file */
};

/* Reads it. ERROR_CONFIG names every one of the four that is missing or empty, and the file; else as env_file_read. */
bool env_automation_read(struct arena *arena, const char *path, struct env_automation *automation, struct error *err);

#endif
