/* systemd and launchd: files with a name of their own. */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/podcast_automate_places.h"
#include "podcast/automate_log.h"

#define UNIT_TIMER UNIT_SYSTEMD_NAME ".timer"
enum { WORDS_MOST = 8 };

void steps_add(struct steps *steps, const struct step *step) {
    if (steps->count < STEPS_MOST)
        steps->list[steps->count++] = *step;
}

void steps_run(struct automate_cli *cli, struct steps *steps, bool may_fail, const char *const *words) {
    const char **copy = arena_alloc_array(cli->context->arena, WORDS_MOST + 1, sizeof(*copy));
    for (size_t i = 0; i < WORDS_MOST && words[i]; i++)
        copy[i] = words[i];
    steps_add(steps, &(struct step){.kind = STEP_RUN, .words = copy, .may_fail = may_fail});
}

static const char *environment(struct automate_cli *cli, const char *name) {
    const char *value = cli->context->environment ? cli->context->environment(name) : NULL;
    return value && *value == '/' ? value : NULL;
}

const char *place_home(struct automate_cli *cli) {
    const char *home = environment(cli, "HOME");
    const struct passwd *user = home ? NULL : getpwuid(getuid());
    return home ? home : user ? arena_text(cli->context->arena, user->pw_dir) : "/";
}

bool place_read(struct automate_cli *cli, const char *path, const char **text, struct error *err) {
    struct error failure = {0};
    char *data = NULL;
    size_t length = 0;
    *text = NULL;
    if (!file_read(cli->context->arena, path, LIMIT_CONFIG_BYTES, &data, &length, &failure))
        return failure.code == ERROR_ABSENT || error_copy(err, &failure);
    if (!strstr(data, UNIT_MARK)) {
        error_set(err, ERROR_EXISTS, "%s was not written by this program", path);
        return error_hint(err, "move it away, or take another kind with --with");
    }
    *text = data;
    return true;
}

/* Adds the writing of a file that differs; *changed tells. */
static bool add_write(struct automate_cli *cli, struct steps *steps, const char *path, const char *text, bool *changed,
                      struct error *err) {
    const char *old = NULL;
    if (!place_read(cli, path, &old, err))
        return false;
    if (old && strcmp(old, text) == 0)
        return true;
    *changed = true;
    steps_add(steps, &(struct step){.kind = STEP_WRITE, .path = path, .text = text});
    return true;
}

/* ---- systemd: units of the user's manager; root writes the system's ---- */

static bool is_root(void) {
    return geteuid() == 0;
}

static bool systemd_there(struct automate_cli *cli) {
    if (is_root())
        return file_is_folder("/run/systemd/system");
    const char *run = environment(cli, "XDG_RUNTIME_DIR");
    if (!run)
        run = arena_format(cli->context->arena, "/run/user/%u", (unsigned)getuid());
    return file_is_folder(file_join(cli->context->arena, run, "systemd"));
}

static const char *systemd_folder(struct automate_cli *cli) {
    struct arena *arena = cli->context->arena;
    if (is_root())
        return "/etc/systemd/system";
    const char *config = environment(cli, "XDG_CONFIG_HOME");
    return file_join(arena, config ? config : file_join(arena, place_home(cli), ".config"), "systemd/user");
}

static const char *systemd_path(struct automate_cli *cli, const char *kind) {
    return arena_format(cli->context->arena, "%s/" UNIT_SYSTEMD_NAME ".%s", systemd_folder(cli), kind);
}

/* "systemctl [--user] VERB [FLAG] [UNIT]". */
static void systemctl(struct automate_cli *cli, struct steps *steps, bool may_fail, const char *verb, const char *flag,
                      const char *unit) {
    const char *words[WORDS_MOST] = {"systemctl"};
    size_t count = 1;
    if (!is_root())
        words[count++] = "--user";
    words[count++] = verb;
    if (flag)
        words[count++] = flag;
    if (unit)
        words[count++] = unit;
    steps_run(cli, steps, may_fail, words);
}

/* Whose data it is runs it, also when root installs. */
static const char *owner_of(struct automate_cli *cli) {
    struct stat facts;
    if (!is_root())
        return NULL;
    const struct passwd *user = getpwuid(stat(cli->data, &facts) == 0 ? facts.st_uid : getuid());
    return user ? arena_text(cli->context->arena, user->pw_name) : "root";
}

static bool systemd_install(struct automate_cli *cli, const struct unit_settings *unit, struct steps *steps,
                            struct error *err) {
    struct arena *arena = cli->context->arena;
    struct unit_settings settings = *unit;
    settings.user = owner_of(cli);
    bool changed = false;
    if (!add_write(cli, steps, systemd_path(cli, "service"), unit_systemd_service(arena, &settings), &changed, err) ||
        !add_write(cli, steps, systemd_path(cli, "timer"), unit_systemd_timer(arena, &settings), &changed, err))
        return false;
    struct stat facts;
    const char *wanted = arena_format(arena, "%s/timers.target.wants/" UNIT_SYSTEMD_NAME ".timer", systemd_folder(cli));
    if (changed)
        systemctl(cli, steps, false, "daemon-reload", NULL, NULL);
    if (changed || lstat(wanted, &facts) != 0) {
        systemctl(cli, steps, false, "enable", NULL, UNIT_TIMER);
        systemctl(cli, steps, false, "restart", NULL, UNIT_TIMER); /* also takes a new time up */
    }
    return true;
}

static bool systemd_find(struct automate_cli *cli, const char **where, const char **text, struct error *err) {
    *where = systemd_path(cli, "timer");
    const char *service = NULL;
    const char *timer = NULL;
    if (!place_read(cli, systemd_path(cli, "service"), &service, err) || !place_read(cli, *where, &timer, err))
        return false;
    *text = service && timer ? arena_format(cli->context->arena, "%s\n%s", service, timer) : service ? service : timer;
    return true;
}

static bool systemd_remove(struct automate_cli *cli, struct steps *steps, struct error *err) {
    static const char *const kinds[] = {"timer", "service"};
    bool any = false;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        const char *path = systemd_path(cli, kinds[i]);
        const char *text = NULL;
        struct error failure = {0};
        if (!place_read(cli, path, &text, &failure) && failure.code != ERROR_EXISTS)
            return error_copy(err, &failure);
        if (text && !any)
            systemctl(cli, steps, true, "disable", "--now", UNIT_TIMER);
        if (text)
            steps_add(steps, &(struct step){.kind = STEP_REMOVE, .path = path});
        any |= text != NULL;
    }
    if (any)
        systemctl(cli, steps, true, "daemon-reload", NULL, NULL);
    return true;
}

const struct place place_systemd = {"systemd", systemd_there, systemd_find, systemd_install, systemd_remove};

/* ---- launchd: an agent of the user ---- */

static bool launchd_there(struct automate_cli *cli) {
    (void)cli;
    return access("/bin/launchctl", X_OK) == 0;
}

static const char *launchd_path(struct automate_cli *cli) {
    return file_join(cli->context->arena, place_home(cli), "Library/LaunchAgents/" UNIT_LAUNCHD_LABEL ".plist");
}

static void launchctl(struct automate_cli *cli, struct steps *steps, bool may_fail, const char *verb,
                      const char *path) {
    const char *domain = arena_format(cli->context->arena, "gui/%u", (unsigned)getuid());
    const char *service = arena_format(cli->context->arena, "%s/" UNIT_LAUNCHD_LABEL, domain);
    const char *words[] = {"launchctl", verb, path ? domain : service, path, NULL};
    steps_run(cli, steps, may_fail, words);
}

static bool launchd_install(struct automate_cli *cli, const struct unit_settings *unit, struct steps *steps,
                            struct error *err) {
    struct unit_settings settings = *unit;
    settings.error_log = file_join(cli->context->arena, cli->folder, AUTOMATE_ERROR_LOG_NAME);
    const char *path = launchd_path(cli);
    const char *old = NULL;
    bool changed = false;
    if (!place_read(cli, path, &old, err) ||
        !add_write(cli, steps, path, unit_launchd(cli->context->arena, &settings), &changed, err))
        return false;
    if (changed && old)
        launchctl(cli, steps, true, "bootout", NULL);
    if (changed)
        launchctl(cli, steps, false, "bootstrap", path);
    return true;
}

static bool launchd_find(struct automate_cli *cli, const char **where, const char **text, struct error *err) {
    *where = launchd_path(cli);
    return place_read(cli, *where, text, err);
}

static bool launchd_remove(struct automate_cli *cli, struct steps *steps, struct error *err) {
    const char *where = NULL;
    const char *text = NULL;
    struct error failure = {0};
    if (!launchd_find(cli, &where, &text, &failure) && failure.code != ERROR_EXISTS)
        return error_copy(err, &failure);
    if (!text)
        return true;
    launchctl(cli, steps, true, "bootout", NULL);
    steps_add(steps, &(struct step){.kind = STEP_REMOVE, .path = where});
    return true;
}

const struct place place_launchd = {"launchd", launchd_there, launchd_find, launchd_install, launchd_remove};
