/* tidemill podcast validate roles, access. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cloud.h"
#include "cli/output.h"
#include "cli/workspace.h"
#include "podcast/accounts.h"
#include "podcast/roles.h"

#define PROBE_KEY "automation-tests/test-automation-access.txt"
#define PURPOSE "access-test"

/* ---- roles ---- */

static void print_line(const char *mark, const char *text) {
    printf("  %s ", mark);
    output_safe(text);
    putchar('\n');
}

static void print_names(const char *head, const struct role_group *group, bool creators) {
    size_t named = 0;
    for (size_t i = 0; i < group->count; i++) {
        if (group->sites[i].creates != creators)
            continue;
        printf("%s", named++ ? ", " : head);
        output_safe(group->sites[i].site_id);
    }
    if (named)
        putchar('\n');
}

static void print_group(const struct role_group *group) {
    putchar('\n');
    output_safe(*group->profile ? group->profile : "(no profile)");
    printf(": %zu site%s\n", group->count, group->count == 1 ? "" : "s");
    print_names("     makes the role: ", group, true);
    print_names("     uses it:        ", group, false);
    if (group->placeholder)
        print_line("⚠️ ", "the profile is not filled in, so these sites are in no account");
    else
        print_line(group->fault ? "❌" : "✅", group->fault ? group->fault : "one site makes the role");
    if (group->hint)
        printf("       %s\n", group->hint);
}

static void print_roles(const struct role_report *report) {
    printf("Automation roles: %zu site%s in %zu profile%s\n", report->site_count, report->site_count == 1 ? "" : "s",
           report->count, report->count == 1 ? "" : "s");
    for (size_t i = 0; i < report->count; i++)
        print_group(&report->groups[i]);
    if (report->warning_count || report->fault_count)
        putchar('\n');
    for (size_t i = 0; i < report->warning_count; i++)
        print_line("⚠️ ", report->warnings[i]);
    for (size_t i = 0; i < report->fault_count; i++)
        print_line("❌", report->faults[i]);
    printf("\nErrors: %zu, warnings: %zu\n", report->errors, report->warning_count);
}

/* All sites, whatever --sites says: the rule is about those that share an account. */
static int validate_roles(struct command_context *context, const struct cli_sites *sites, size_t broken) {
    struct role_report report;
    roles_check(context->arena, sites->all.sites, sites->all.count, &report);
    if (output_wants_json(context)) {
        JSON_OWNED json_t *json = roles_json(&report);
        output_json(json);
    } else {
        print_roles(&report);
    }
    return report.errors || broken ? EXIT_SOME_FAILED : EXIT_WELL;
}

/* ---- access ---- */

struct access_check {
    struct command_context *context;
    struct cloud *cloud;
    json_t *reports;
    const char *site_id; /* the site at hand */
    json_t *steps;       /* its own */
    bool site_good;
    size_t failed, checked;
};

/* "hardfork: the role ..." below the line "hardfork". */
static const char *without_site(const char *site_id, const char *message) {
    size_t length = strlen(site_id);
    return text_starts(message, site_id) && text_starts(message + length, ": ") ? message + length + 2 : message;
}

/* A step's line; `why` NULL: it went well. */
static bool say_step(struct access_check *check, const char *step, const char *text, const struct error *why) {
    const char *message = why ? without_site(check->site_id, why->message) : text;
    const char *hint = why && why->hint[0] ? why->hint : NULL;
    check->site_good = check->site_good && !why;
    json_array_append_new(check->steps, json_pack("{s:s, s:b, s:s, s:s?}", "step", step, "ok", (int)!why, "message",
                                                  message, "hint", hint));
    if (output_wants_json(check->context))
        return !why;
    print_line(why ? "❌" : "✅", message);
    if (hint) {
        fputs("       ", stdout);
        output_safe(hint);
        putchar('\n');
    }
    return !why;
}

/* Written, and removed whatever became of the writing: one that failed may have taken effect. */
static bool probe_bucket(struct access_check *check, const struct site_account *account, struct error *err) {
    static const char text[] = "tidemill looks whether this bucket can be written. It may be deleted.\n";
    struct podcast_cloud cloud = cloud_podcast(check->cloud);
    struct object_put_options options = {.content_type = "text/plain"};
    struct object_store *store = cloud.open_bucket(cloud.to, account, PURPOSE, err);
    if (!store)
        return false;
    bool put = object_put_bytes(store, PROBE_KEY, text, sizeof(text) - 1, &options, err);
    if (!put)
        error_context(err, "%s: writing to s3://%s", account->site_id, account->bucket);
    struct error why = {0};
    bool removed = object_remove(store, PROBE_KEY, &why);
    object_store_close(store);
    if (put && !removed) {
        error_copy(err, &why);
        error_context(err, "%s: s3://%s/%s was written and cannot be removed", account->site_id, account->bucket,
                      PROBE_KEY);
    }
    return put && removed;
}

static void check_function(struct access_check *check, const struct site_account *account, const char *kind) {
    struct error err = {0};
    struct arena *arena = check->context->arena;
    const char *name = arena_format(arena, "%s-%s", kind, account->site_id);
    bool good = cloud_function_check(check->cloud, account, PURPOSE, name, check->context->cancel, &err);
    say_step(check, kind, arena_format(arena, "Lambda: %s may be called", name), good ? NULL : &err);
}

static void check_distribution(struct access_check *check, const struct site_account *account) {
    struct error err = {0};
    struct arena *arena = check->context->arena;
    const char *domain = "";
    if (!account->distribution)
        return;
    bool good = cloud_distribution_check(check->cloud, arena, account, PURPOSE, &domain, &err);
    say_step(check, "cloudfront",
             arena_format(arena, "CloudFront: %s%s%s", account->distribution, *domain ? ", " : "", domain),
             good ? NULL : &err);
}

static void check_account(struct access_check *check, const struct site_account *account) {
    struct error err = {0};
    struct arena *arena = check->context->arena;
    bool taken = cloud_site_credentials(check->cloud, account->account_id, account->site_id, PURPOSE, &err) != NULL;
    const char *role = cloud_role_arn(check->cloud, arena, account->account_id);
    if (!say_step(check, "role", arena_format(arena, "role %s", role), taken ? NULL : &err))
        return;
    bool written = probe_bucket(check, account, &err);
    say_step(check, "s3", arena_format(arena, "S3: wrote and removed s3://%s/%s", account->bucket, PROBE_KEY),
             written ? NULL : &err);
    check_function(check, account, "search-api");
    check_function(check, account, "srt-indexing");
    check_distribution(check, account);
}

static void check_site_access(struct access_check *check, const struct site_accounts *accounts, const char *site_id) {
    struct error err = {0};
    const struct site_account *account = accounts_find(accounts, site_id, &err);
    check->site_id = site_id;
    check->steps = json_array();
    check->site_good = true;
    check->checked++;
    if (!output_wants_json(check->context)) {
        putchar('\n');
        output_safe(site_id);
        if (account)
            printf(" (account %s, bucket %s)", account->account_id, account->bucket);
        putchar('\n');
    }
    if (account)
        check_account(check, account);
    else
        say_step(check, "mapping", NULL, &err);
    check->failed += !check->site_good;
    json_array_append_new(check->reports, json_pack("{s:s, s:s?, s:s?, s:b, s:o}", "siteId", site_id, "accountId",
                                                    account ? account->account_id : NULL, "bucketName",
                                                    account ? account->bucket : NULL, "ok", (int)check->site_good,
                                                    "steps", check->steps));
}

/* A site without a row is on this machine alone, unless it was named or is said to be deployed. */
static bool concerns(const struct command_context *context, const struct site_accounts *accounts, const char *site_id) {
    if (options_is_set(context->options, "podcast.sites") || accounts_deployed(accounts, site_id))
        return true;
    for (size_t i = 0; i < accounts->count; i++)
        if (strcmp(accounts->rows[i].account.site_id, site_id) == 0)
            return true;
    return false;
}

static int validate_access(struct command_context *context, const struct cli_sites *sites, size_t broken) {
    struct error err = {0};
    struct site_accounts accounts = {0};
    if (!accounts_load(context->arena, sites->workspace.root, &accounts, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    if (!accounts.there) {
        error_set(&err, ERROR_CONFIG, "%s: is not there, so no site has an account", accounts.path);
        error_hint(&err, "docs/doctor.md shows what it holds");
        return output_fail(&err, EXIT_NOT_STARTED);
    }
    struct access_check check = {.context = context, .cloud = cloud_open(context, &err)};
    if (!check.cloud)
        return output_fail(&err, EXIT_NOT_STARTED);
    check.reports = json_array();
    for (size_t i = 0; i < sites->count && !cancel_requested(context->cancel); i++)
        if (concerns(context, &accounts, sites->selected[i]->id))
            check_site_access(&check, &accounts, sites->selected[i]->id);
    if (output_wants_json(context))
        output_json(check.reports);
    else
        printf("\nSites: %zu, failed: %zu\n", check.checked, check.failed);
    json_decref(check.reports);
    cloud_close(check.cloud);
    if (cancel_requested(context->cancel))
        return EXIT_INTERRUPTED;
    return check.failed || broken ? EXIT_SOME_FAILED : EXIT_WELL;
}

int command_podcast_validate(struct command_context *context) {
    static const struct {
        const char *name;
        int (*run)(struct command_context *context, const struct cli_sites *sites, size_t broken);
    } kinds[] = {{"roles", validate_roles}, {"access", validate_access}};
    struct error err = {0};
    struct cli_sites sites = {0};
    size_t broken = 0;
    const char *names[ARRAY_LENGTH(kinds)];
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        names[i] = kinds[i].name;
        if (strcmp(context->words[0], kinds[i].name) != 0)
            continue;
        if (!cli_sites_load(context, &sites, &broken, &err))
            return output_fail(&err, EXIT_NOT_STARTED);
        return kinds[i].run(context, &sites, broken);
    }
    const char *near = text_nearest(context->words[0], names, ARRAY_LENGTH(names));
    error_set(&err, ERROR_USAGE, "podcast validate knows roles and access, not \"%s\"", context->words[0]);
    if (near)
        error_hint(&err, "did you mean %s?", near);
    return output_fail(&err, EXIT_USAGE);
}
