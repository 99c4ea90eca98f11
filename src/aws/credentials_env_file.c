/* The keys of a scheduled run's ".env.automation" (spec/podcast.md sections 1.5 and 7.2). */
#include "aws/credentials_parts.h"
#include "aws/env_automation.h"

bool aws_provide_env_file(struct aws_chain *chain, struct arena *arena, int64_t now_ms,
                          struct aws_credentials *credentials, struct error *err) {
    const char *path = chain->settings.env_file;
    struct env_automation automation;
    if (!path)
        return error_set(err, ERROR_ABSENT, "no .env.automation is given");
    if (!env_automation_read(arena, path, &automation, err))
        return false;
    if (automation.shared)
        aws_chain_warn(chain, AWS_WARN_ENV_FILE, path);
    struct aws_credentials given = {
        .key_id = automation.key_id, .secret = automation.secret, .token = automation.token};
    return aws_credentials_accept(arena, path, &given, now_ms, credentials, err);
}
