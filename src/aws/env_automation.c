#include "aws/env_automation.h"

#include "base/log.h"
#include "base/memory.h"

bool env_automation_read(struct arena *arena, const char *path, struct env_automation *automation, struct error *err) {
    struct env_file file = {0};
    struct env_automation made = {0};
    const struct {
        const char *name;
        const char **value;
    } wanted[] = {{"AWS_ACCESS_KEY_ID", &made.key_id},
                  {"AWS_SECRET_ACCESS_KEY", &made.secret},
                  {"AWS_REGION", &made.region},
                  {"SCHEDULED_RUN_MAIN_AWS_PROFILE", &made.profile}};
    if (!env_file_read(arena, path, &file, err))
        return false;
    const char *missing = "";
    for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++) {
        const char *value = env_file_value(&file, wanted[i].name);
        if (value && *value)
            *wanted[i].value = value;
        else
            missing = arena_format(arena, "%s%s%s", missing, *missing ? ", " : "", wanted[i].name);
    }
    if (*missing) {
        error_set(err, ERROR_CONFIG, "%s lacks %s", path, missing);
        if (file.odd_line)
            error_hint(err, "line %u of it is no NAME=value", file.odd_line);
        return error_hint(err, "add a line NAME=value for each");
    }
    const char *token = env_file_value(&file, "AWS_SESSION_TOKEN");
    made.token = token && *token ? token : NULL;
    made.shared = file.shared;
    redact_add(made.secret);
    redact_add(made.token);
    *automation = made;
    return true;
}
