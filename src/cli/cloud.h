/* All of AWS that a command needs, opened once: HTTP clients, the credentials of whoever runs the program, the roles of
 * the sites' accounts, where each service is reached. What is said is taken in this order: flags, tidemill.yaml and
 * .env files, the environment, `.env.automation`, the profile (docs/doctor.md has the list).
 *
 * Opening asks nobody anything. Functions may be called by any thread. */
#ifndef TIDEMILL_CLI_CLOUD_H
#define TIDEMILL_CLI_CLOUD_H

#include "aws/client.h"
#include "aws/sts.h"
#include "cli/command.h"
#include "podcast/cloud.h"
#include "store/object/s3.h"

/* Service; its part of AWS's host names and of signatures; the option with its endpoint; the region that it always has
 * (NULL: the program's). */
#define CLOUD_SERVICES(X)                                                                                              \
    X(CLOUD_STS, "sts", "aws.endpoint-sts", NULL)                                                                      \
    X(CLOUD_S3, "s3", "aws.endpoint-s3", NULL)                                                                         \
    X(CLOUD_LAMBDA, "lambda", "flow.lambda-endpoint", NULL)                                                            \
    X(CLOUD_CLOUDFRONT, "cloudfront", "aws.endpoint-cloudfront", "us-east-1")                                          \
    X(CLOUD_SNS, "sns", "aws.endpoint-sns", NULL)

enum cloud_service {
#define X(service, name, option, region) service,
    CLOUD_SERVICES(X)
#undef X
        CLOUD_SERVICE_COUNT
};

struct cloud;

/* `context` is borrowed until it is closed; the command must take the options in AWS_OPTIONS (commands.c).
 * ERROR_CONFIG: a file of settings that cannot be read. */
struct cloud *cloud_open(struct command_context *context, struct error *err);
void cloud_close(struct cloud *cloud); /* NULL is allowed; sources and stores made with it end before */

/* The credentials of whoever runs the program, wherever they are kept (aws/credentials_chain.h). */
const struct aws_credential_source *cloud_base_credentials(const struct cloud *cloud);
/* "us-east-1" where nothing says another. */
const char *cloud_region(const struct cloud *cloud);
/* The `.env.automation` that is used, whether it is there or not; never NULL. */
const char *cloud_env_file(const struct cloud *cloud);
/* Where a service is reached when it is not AWS's own place; NULL: it is. */
const char *cloud_endpoint(const struct cloud *cloud, enum cloud_service service);

/* Whose the base credentials are (GetCallerIdentity), asked once. Texts live as long as the cloud. ERROR_DENIED: there
 * are none, or STS does not take them. */
bool cloud_identity(struct cloud *cloud, struct sts_identity *identity, struct error *err);

/* How a service is called with some credentials; `region` NULL: the program's. The struct borrows from the cloud and
 * from its arguments. */
struct aws_client cloud_client(const struct cloud *cloud, enum cloud_service service,
                               const struct aws_credential_source *credentials, const char *region);

/* What an s3 driver needs to reach buckets with some credentials; the caller adds the bucket and the rest. */
struct s3_settings cloud_s3(const struct cloud *cloud, const struct aws_credential_source *credentials);

/* "arn:aws:iam::ACCOUNT:role/NAME" of the option aws.role-name, in `arena`. */
const char *cloud_role_arn(const struct cloud *cloud, struct arena *arena, const char *account_id);

/* Credentials in the account of a site: its automation role, assumed with a session "auto-PURPOSE-SITE-TIME"
 * (spec/podcast.md section 7.2). Asked for at once, so that a role that cannot be had is known here; then kept, one
 * for each site and purpose, and renewed before they end. The base credentials themselves when they are that role's
 * already, or when the role's name is empty and they are of that account. The source belongs to the cloud. NULL on
 * failure: ERROR_DENIED (the message names the role and who may not take it), ERROR_CONFIG (no account number), and
 * those of http_perform. */
const struct aws_credential_source *cloud_site_credentials(struct cloud *cloud, const char *account_id,
                                                           const char *site_id, const char *purpose, struct error *err);

/* The functions that a podcast run asks its accounts with; `to` is the cloud. */
struct podcast_cloud cloud_podcast(struct cloud *cloud);

/* The region of a site's functions: what its search URL names, else the program's. In `arena` or the cloud's. */
const char *cloud_site_region(const struct cloud *cloud, struct arena *arena, const struct site_account *account);

/* Whether the function could be called (Lambda's DryRun). ERROR_ABSENT, ERROR_DENIED with words for people. */
bool cloud_function_check(struct cloud *cloud, const struct site_account *account, const char *purpose,
                          const char *function, const struct cancel *cancel, struct error *err);
/* How far the clock of STS is ahead of ours (negative: behind), from the Date of any answer of its. */
bool cloud_clock_skew(const struct cloud *cloud, struct arena *arena, int64_t *skew_ms, const struct cancel *cancel,
                      struct error *err);

/* Whether the site's distribution is there: *domain in `arena`, "" where the role may make invalidations but not look
 * at distributions, as the one of today's Terraform. */
bool cloud_distribution_check(struct cloud *cloud, struct arena *arena, const struct site_account *account,
                              const char *purpose, const char **domain, struct error *err);

#endif
