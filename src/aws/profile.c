#include "aws/profile.h"

#include <string.h>
#include <sys/stat.h>

#include "aws/profile_parts.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

const char *aws_environment_value(const struct aws_environment *environment, const char *name) {
    const char *value = environment->value ? environment->value(environment->to, name) : NULL;
    return value && *value ? value : NULL;
}

/* "~/x" below the home folder; NULL when that is not known. */
static const char *expand_home(struct arena *arena, const struct aws_environment *environment, const char *path) {
    if (!text_starts(path, "~/"))
        return path;
    return environment->home ? file_join(arena, environment->home, path + 2) : NULL;
}

static bool read_file(struct aws_config *config, const struct aws_environment *environment, enum aws_config_file file,
                      struct error *err) {
    static const struct {
        const char *variable, *usual;
    } places[AWS_FILE_COUNT] = {
        [AWS_FILE_CONFIG] = {"AWS_CONFIG_FILE", "~/.aws/config"},
        [AWS_FILE_CREDENTIALS] = {"AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"},
    };
    const char *named = aws_environment_value(environment, places[file].variable);
    const char *path = expand_home(config->arena, environment, named ? named : places[file].usual);
    char *text;
    size_t length;
    struct error why = {0};
    struct stat facts;
    config->files[file].path = path;
    if (!path)
        return true;
    if (!file_read(config->arena, path, LIMIT_CONFIG_BYTES, &text, &length, &why))
        return why.code == ERROR_ABSENT ? true : error_copy(err, &why);
    config->files[file].there = true;
    config->files[file].readable = stat(path, &facts) == 0 && (facts.st_mode & (S_IRGRP | S_IROTH));
    return aws_config_parse(config, file, path, text, length, err);
}

struct aws_config *aws_config_read(struct arena *arena, const struct aws_environment *environment, struct error *err) {
    struct aws_config *config = aws_config_new(arena);
    if (!read_file(config, environment, AWS_FILE_CONFIG, err) ||
        !read_file(config, environment, AWS_FILE_CREDENTIALS, err))
        return NULL;
    return config;
}

const char *aws_config_path(const struct aws_config *config, enum aws_config_file file) {
    return config->files[file].path;
}

bool aws_config_there(const struct aws_config *config, enum aws_config_file file) {
    return config->files[file].there;
}

bool aws_config_shared(const struct aws_config *config, enum aws_config_file file) {
    return config->files[file].has_secret && config->files[file].readable;
}

const char *aws_profile_name(const struct aws_environment *environment, const char *profile) {
    if (profile && *profile)
        return profile;
    profile = aws_environment_value(environment, "AWS_PROFILE");
    if (!profile)
        profile = aws_environment_value(environment, "AWS_DEFAULT_PROFILE");
    return profile ? profile : "default";
}

/* The section of the profile in use; *section is NULL when the files do not have it. */
static bool find_profile(struct arena *arena, const struct aws_environment *environment, const char *profile,
                         struct aws_config **config, const struct aws_section **section, struct error *err) {
    *config = aws_config_read(arena, environment, err);
    if (!*config)
        return false;
    *section = aws_config_section(*config, AWS_SECTION_PROFILE, aws_profile_name(environment, profile));
    return true;
}

static const char *value_of(const struct aws_section *section, const char *name) {
    return section ? aws_section_value(section, name) : NULL;
}

bool aws_region_find(struct arena *arena, const struct aws_environment *environment, const char *profile,
                     const char **region, struct error *err) {
    struct aws_config *config;
    const struct aws_section *section;
    if (!find_profile(arena, environment, profile, &config, &section, err))
        return false;
    const char *said = aws_environment_value(environment, "AWS_REGION");
    if (!said)
        said = aws_environment_value(environment, "AWS_DEFAULT_REGION");
    *region = arena_text(arena, said ? said : value_of(section, "region"));
    return true;
}

bool aws_endpoint_find(struct arena *arena, const struct aws_environment *environment, const char *profile,
                       const char *service, const char **endpoint, struct error *err) {
    struct aws_config *config;
    const struct aws_section *section;
    if (!find_profile(arena, environment, profile, &config, &section, err))
        return false;
    const char *ignore = aws_environment_value(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    if (!ignore)
        ignore = value_of(section, "ignore_configured_endpoint_urls");
    *endpoint = NULL;
    if (text_equal_nocase(ignore, "true"))
        return true;
    char *variable = arena_format(arena, "AWS_ENDPOINT_URL_%s", service);
    for (char *c = variable; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    const char *said = aws_environment_value(environment, variable);
    if (!said)
        said = aws_environment_value(environment, "AWS_ENDPOINT_URL");
    const char *services = value_of(section, "services");
    if (!said && services) {
        const struct aws_section *list = aws_config_section(config, AWS_SECTION_SERVICES, services);
        if (!list)
            return error_set(err, ERROR_CONFIG, "profile %s: there is no [services %s]",
                             aws_profile_name(environment, profile), services);
        said = aws_section_nested(list, service, "endpoint_url");
    }
    if (!said)
        said = value_of(section, "endpoint_url");
    *endpoint = arena_text(arena, said);
    return true;
}

bool aws_s3_addressing_find(struct arena *arena, const struct aws_environment *environment, const char *profile,
                            enum aws_s3_addressing *addressing, struct error *err) {
    struct aws_config *config;
    const struct aws_section *section;
    if (!find_profile(arena, environment, profile, &config, &section, err))
        return false;
    const char *style = section ? aws_section_nested(section, "s3", "addressing_style") : NULL;
    if (!style || text_equal_nocase(style, "auto"))
        *addressing = AWS_S3_AUTO;
    else if (text_equal_nocase(style, "path"))
        *addressing = AWS_S3_PATH;
    else if (text_equal_nocase(style, "virtual"))
        *addressing = AWS_S3_VIRTUAL;
    else
        return error_set(err, ERROR_CONFIG, "profile %s: s3 addressing_style is none of auto, path, virtual",
                         aws_section_name(section));
    return true;
}
