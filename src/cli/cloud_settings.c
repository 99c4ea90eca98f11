/* What the options, the environment and the files of AWS say about a command's access to AWS. */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "aws/profile.h"
#include "base/env_file.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cloud_parts.h"
#include "cli/workspace.h"

#define REGION_OTHERWISE "us-east-1"

static bool from_environment(const struct options *options, const char *name) {
    return text_starts(options_origin(options, name), "environment");
}

/* An option's value unless it is a default or the environment's: what the environment says is put in its place among
 * the profile's settings by aws/. */
static const char *said(const struct options *options, const char *name) {
    const char *value = options_text(options, name);
    return value && *value && options_is_set(options, name) && !from_environment(options, name) ? value : NULL;
}

/* Keys that tidemill.yaml or a .env file holds stand in for those of the environment, all three together. */
static const char *key_option(const struct cloud *cloud, const char *name) {
    static const char *const keys[][2] = {{"AWS_ACCESS_KEY_ID", "aws.key-id"},
                                          {"AWS_SECRET_ACCESS_KEY", "aws.secret"},
                                          {"AWS_SESSION_TOKEN", "aws.token"}};
    const char *own = cloud->context->environment("AWS_ACCESS_KEY_ID");
    for (size_t i = 0; i < ARRAY_LENGTH(keys) && !(own && *own); i++) {
        if (strcmp(keys[i][0], name) == 0)
            return options_text(cloud->context->options, keys[i][1]);
    }
    return NULL;
}

static const char *environment_value(void *to, const char *name) {
    const struct cloud *cloud = to;
    const char *value = cloud->context->environment ? cloud->context->environment(name) : NULL;
    if (value || !cloud->context->environment)
        return value;
    return key_option(cloud, name);
}

const char *cloud_profile(const struct cloud *cloud) {
    return said(cloud->context->options, "aws.profile");
}

static bool find_env_file(struct cloud *cloud, struct error *err) {
    struct workspace workspace = {0};
    const char *named = options_text(cloud->context->options, "aws.env-automation");
    if (named && *named == '/') {
        cloud->env_file = named;
        return true;
    }
    if (!cli_workspace_find(cloud->context, &workspace, err))
        return false;
    cloud->env_file = file_join(cloud->arena, workspace.root, named && *named ? named : ".env.automation");
    return true;
}

static bool find_region(struct cloud *cloud, struct error *err) {
    const struct options *options = cloud->context->options;
    const char *profile = cloud_profile(cloud);
    cloud->region = said(options, "flow.region");
    if (!cloud->region && !profile && options_is_set(options, "flow.region"))
        cloud->region = options_text(options, "flow.region");
    struct env_file file;
    if (!cloud->region && !profile && env_file_read(cloud->arena, cloud->env_file, &file, NULL))
        cloud->region = env_file_value(&file, "AWS_REGION");
    if (cloud->region && *cloud->region)
        return true;
    if (!aws_region_find(cloud->arena, &cloud->environment, profile, &cloud->region, err))
        return false;
    cloud->region = cloud->region ? cloud->region : REGION_OTHERWISE;
    return true;
}

/* --endpoint-url is for all services; then what is said of one service in a file, then of all; then the environment and
 * the profile in AWS's own order. */
static bool find_endpoints(struct cloud *cloud, struct error *err) {
    static const char *const names[][2] = {
#define X(service, name, option, region) {name, option},
        CLOUD_SERVICES(X)
#undef X
    };
    const struct options *options = cloud->context->options;
    const char *all = said(options, "aws.endpoint-url");
    bool flag = all && text_starts(options_origin(options, "aws.endpoint-url"), "flag");
    for (size_t i = 0; i < CLOUD_SERVICE_COUNT; i++) {
        const char *own = said(options, names[i][1]);
        cloud->endpoints[i] = flag ? all : own ? own : all;
        if (!cloud->endpoints[i] && !aws_endpoint_find(cloud->arena, &cloud->environment, cloud_profile(cloud),
                                                       names[i][0], &cloud->endpoints[i], err))
            return false;
    }
    return true;
}

static bool find_style(struct cloud *cloud, struct error *err) {
    static const enum s3_style styles[] = {
        [AWS_S3_AUTO] = S3_STYLE_AUTO, [AWS_S3_PATH] = S3_STYLE_PATH, [AWS_S3_VIRTUAL] = S3_STYLE_VIRTUAL};
    enum aws_s3_addressing addressing = AWS_S3_AUTO;
    if (!aws_s3_addressing_find(cloud->arena, &cloud->environment, cloud_profile(cloud), &addressing, err))
        return false;
    cloud->style = styles[addressing];
    return true;
}

bool cloud_settings_read(struct cloud *cloud, struct error *err) {
    const char *home = cloud->context->environment ? cloud->context->environment("HOME") : NULL;
    const struct passwd *user = home && *home ? NULL : getpwuid(getuid());
    cloud->environment =
        (struct aws_environment){environment_value, cloud, user ? arena_text(cloud->arena, user->pw_dir) : home};
    cloud->role_name = options_text(cloud->context->options, "aws.role-name");
    return find_env_file(cloud, err) && find_region(cloud, err) && find_endpoints(cloud, err) && find_style(cloud, err);
}
