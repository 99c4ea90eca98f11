/* The shared config and credentials files ("~/.aws/config", "~/.aws/credentials") of the AWS SDKs and the AWS CLI (AWS
 * SDKs and Tools Reference Guide, "Shared config and credentials files" and "Service-specific endpoints").
 *
 * Both files together are one configuration: a profile that is in both has the properties of both, and where they
 * differ those of the credentials file count. AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name other files. */
#ifndef TIDEMILL_AWS_PROFILE_H
#define TIDEMILL_AWS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/environment.h"
#include "base/arena.h"
#include "base/error.h"

struct aws_config;  /* both files */
struct aws_section; /* one profile, sso-session or services section */

enum aws_section_kind { AWS_SECTION_PROFILE, AWS_SECTION_SSO_SESSION, AWS_SECTION_SERVICES };
enum aws_config_file { AWS_FILE_CONFIG, AWS_FILE_CREDENTIALS, AWS_FILE_COUNT };

/* An empty configuration in `arena`, to be filled by aws_config_parse. */
struct aws_config *aws_config_new(struct arena *arena);

/* Adds what text[0..length) says as the file `file` says it; the config file is added first. `path` is for messages:
 * ERROR_CONFIG (path, line, what is wrong; never the line's text), ERROR_LIMIT (more than LIMIT_AWS_SECTIONS sections
 * or LIMIT_AWS_PROPERTIES in one of them). Names of properties are kept in lower case; values as they are, lines of a
 * longer value joined by '\n'. */
bool aws_config_parse(struct aws_config *config, enum aws_config_file file, const char *path, const char *text,
                      size_t length, struct error *err);

/* Reads both files where the environment says they are; one that is not there is empty. NULL with the errors above,
 * ERROR_LIMIT (larger than LIMIT_CONFIG_BYTES), ERROR_DENIED, ERROR_IO. */
struct aws_config *aws_config_read(struct arena *arena, const struct aws_environment *environment, struct error *err);

/* The path that a file was read from; NULL when no home folder is known. */
const char *aws_config_path(const struct aws_config *config, enum aws_config_file file);
bool aws_config_there(const struct aws_config *config, enum aws_config_file file);
/* True if the file holds a secret key and others than its owner may read it. */
bool aws_config_shared(const struct aws_config *config, enum aws_config_file file);

/* The section of that name (exact case); NULL if there is none. */
const struct aws_section *aws_config_section(const struct aws_config *config, enum aws_section_kind kind,
                                             const char *name);
/* The names of all sections of a kind, in the order of the files. */
const char *const *aws_config_names(const struct aws_config *config, struct arena *arena, enum aws_section_kind kind,
                                    size_t *count);

const char *aws_section_name(const struct aws_section *section);
/* A property (`name` in lower case); NULL if there is none, or it is empty. */
const char *aws_section_value(const struct aws_section *section, const char *name);
/* A property within a property: "addressing_style" of "s3". */
const char *aws_section_nested(const struct aws_section *section, const char *outer, const char *name);

/* ---- what the environment and the files say together ---- */

/* The profile in use: `profile` if it is given, else AWS_PROFILE, AWS_DEFAULT_PROFILE, "default". Never NULL. */
const char *aws_profile_name(const struct aws_environment *environment, const char *profile);

/* In the functions below `profile` NULL stands for the profile in use; one that is not in the files has no settings.
 * They fail as aws_config_read does. What is not said anywhere is NULL. */

/* AWS_REGION, AWS_DEFAULT_REGION, the profile's `region`, in this order (of a profile that is given by name too, as
 * with the SDKs and the AWS CLI). */
bool aws_region_find(struct arena *arena, const struct aws_environment *environment, const char *profile,
                     const char **region, struct error *err);

/* Where a service is reached, in this order: AWS_ENDPOINT_URL_SERVICE, AWS_ENDPOINT_URL, the service's `endpoint_url`
 * in the services section that the profile names, the profile's `endpoint_url`. None when
 * AWS_IGNORE_CONFIGURED_ENDPOINT_URLS or the profile's ignore_configured_endpoint_urls is "true". `service` is the
 * service's id with '_' for spaces, in lower case: "s3", "sts", "lambda", "cloudfront", "sso_oidc". */
bool aws_endpoint_find(struct arena *arena, const struct aws_environment *environment, const char *profile,
                       const char *service, const char **endpoint, struct error *err);

/* What a profile says about S3 ("S3 configuration" of the AWS CLI's manual). Transfer settings (max_concurrent_requests
 * and the like) are the CLI's own and not read. */
enum aws_s3_addressing { AWS_S3_AUTO, AWS_S3_PATH, AWS_S3_VIRTUAL };
bool aws_s3_addressing_find(struct arena *arena, const struct aws_environment *environment, const char *profile,
                            enum aws_s3_addressing *addressing, struct error *err);

#endif
