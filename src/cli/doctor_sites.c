/* What `tidemill doctor` looks at in the workspace: sites, mapping, keys, who starts the nightly run. */
#include <string.h>

#include "aws/env_automation.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/doctor.h"
#include "cli/podcast_automate.h"
#include "podcast/roles.h"
#include "podcast/site_check.h"

enum { HOUR_MS = 3600 * 1000 };

void doctor_workspace(struct doctor *doctor) {
    const struct workspace *found = &doctor->workspace;
    if (!doctor->workspace_found) {
        doctor_say_error(doctor, DOCTOR_MISSING, NULL, "--workspace DIR names the folder that holds sites/",
                         &doctor->workspace_error);
        return;
    }
    if (found->warning)
        doctor_say(doctor, DOCTOR_WARNING, NULL, NULL, "%s", found->warning);
    doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%s; the sites' files are in %s", found->root, found->files_root);
}

void doctor_sites(struct doctor *doctor) {
    const struct site_list *list = &doctor->list;
    if (!doctor->sites_loaded) {
        if (doctor->workspace_found)
            doctor_say_error(doctor, DOCTOR_MISSING, NULL, NULL, &doctor->sites_error);
        else
            doctor_say(doctor, DOCTOR_NOT_ASKED, NULL, NULL, "not looked for, as there is no workspace");
        return;
    }
    for (size_t i = 0; i < list->failure_count; i++)
        doctor_say_error(doctor, DOCTOR_MISSING, list->failures[i].id, "correct the file", &list->failures[i].error);
    if (list->count)
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%zu in %s", list->count, doctor->workspace.sites_folder);
    else if (!list->failure_count)
        doctor_say(doctor, DOCTOR_MISSING, NULL, "tidemill podcast add FEED_URL", "there are none yet");
}

void doctor_site_config(struct doctor *doctor, struct doctor_site *it) {
    struct site_findings findings = {0};
    const struct site_finding *first = NULL;
    site_validate(doctor->context->arena, it->site, &findings);
    for (size_t i = 0; i < findings.count && !first; i++)
        if (findings.rows[i].severity == SITE_ERROR)
            first = &findings.rows[i];
    const char *mend = arena_format(doctor->context->arena, "tidemill podcast check --sites %s", it->site->id);
    if (first)
        doctor_say(doctor, DOCTOR_MISSING, it->site->id, mend, "%zu errors, %zu warnings; the first: %s%s%s",
                   findings.errors, findings.warnings, first->field ? first->field : "", first->field ? " " : "",
                   first->message);
    else if (findings.warnings)
        doctor_say(doctor, DOCTOR_OK, it->site->id, NULL, "no errors; %zu warnings, which `podcast check` lists",
                   findings.warnings);
    else
        doctor_say(doctor, DOCTOR_OK, it->site->id, NULL, "no errors");
}

void doctor_mapping(struct doctor *doctor, struct doctor_site *it) {
    struct error err = {0};
    const char *id = it->site->id;
    if (!doctor->accounts_loaded) {
        doctor_say_error(doctor, DOCTOR_MISSING, id, NULL, &doctor->accounts_error);
        return;
    }
    if (!doctor->accounts.there) {
        doctor_say(doctor, DOCTOR_NOT_NEEDED, id, NULL, "no %s: the site is on this machine alone", ACCOUNTS_FILE);
        return;
    }
    const struct site_account *account = accounts_find(&doctor->accounts, id, &err);
    if (account) {
        doctor_say(doctor, DOCTOR_OK, id, NULL, "account %s, bucket %s%s%s", account->account_id, account->bucket,
                   account->distribution ? ", distribution " : "", account->distribution ? account->distribution : "");
        return;
    }
    for (size_t i = 0; i < doctor->accounts.count; i++) {
        if (strcmp(doctor->accounts.rows[i].account.site_id, id) == 0) {
            doctor_say_error(doctor, DOCTOR_MISSING, id, NULL, &err);
            return;
        }
    }
    bool deployed = accounts_deployed(&doctor->accounts, id);
    const char *mend =
        arena_format(doctor->context->arena, "tidemill podcast account set %s --account-id ID --distribution ID", id);
    doctor_say(doctor, deployed ? DOCTOR_MISSING : DOCTOR_NOT_NEEDED, id, deployed ? mend : NULL, "has no row in %s%s",
               ACCOUNTS_FILE, deployed ? ", but is in " ACCOUNTS_DEPLOYED_FILE : ": it is on this machine alone");
}

void doctor_deployed(struct doctor *doctor) {
    const struct site_accounts *accounts = &doctor->accounts;
    if (!accounts->warning_count)
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%zu in %s", accounts->deployed_count, ACCOUNTS_DEPLOYED_FILE);
    for (size_t i = 0; i < accounts->warning_count; i++)
        doctor_say(doctor, DOCTOR_WARNING, NULL, NULL, "%s", accounts->warnings[i]);
}

void doctor_env_automation(struct doctor *doctor) {
    struct arena *arena = doctor->context->arena;
    struct env_automation automation = {0};
    struct error err = {0};
    if (!doctor->cloud) {
        doctor_say_error(doctor, DOCTOR_MISSING, NULL, NULL, &doctor->cloud_error);
        return;
    }
    const char *path = cloud_env_file(doctor->cloud);
    if (!env_automation_read(arena, path, &automation, &err)) {
        if (err.code == ERROR_ABSENT)
            doctor_say(
                doctor, DOCTOR_WARNING, NULL,
                "write it with the output env_automation_template of terraform/automation; or use --profile NAME",
                "%s is not there", path);
        else
            doctor_say_error(doctor, DOCTOR_MISSING, NULL, NULL, &err);
        return;
    }
    if (automation.shared)
        doctor_say(doctor, DOCTOR_WARNING, NULL, arena_format(arena, "chmod 600 '%s'", path),
                   "%s can be read by others than its owner", path);
    else
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%s: key %.4s..., region %s", path, automation.key_id,
                   automation.region);
}

void doctor_roles(struct doctor *doctor) {
    struct role_report report;
    roles_check(doctor->context->arena, doctor->list.sites, doctor->list.count, &report);
    for (size_t i = 0; i < report.fault_count; i++)
        doctor_say(doctor, DOCTOR_WARNING, NULL, "correct the file", "%s", report.faults[i]);
    for (size_t i = 0; i < report.count; i++)
        if (report.groups[i].fault)
            doctor_say(doctor, DOCTOR_WARNING, NULL, "tidemill podcast validate roles", "profile %s: %s",
                       report.groups[i].profile, report.groups[i].fault);
    if (!report.errors)
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%zu sites in %zu profiles", report.site_count, report.count);
}

/* ---- the nightly run ---- */

static const char *days_ago(struct doctor *doctor, int64_t ms) {
    int64_t hours = (clock_wall_ms(doctor->context->clock) - ms) / HOUR_MS;
    return arena_format(doctor->context->arena, "%lld h ago", (long long)hours);
}

static void say_record(struct doctor *doctor, const struct automate_record *record) {
    if (record->warning)
        doctor_say(doctor, DOCTOR_WARNING, NULL, NULL, "%s", record->warning);
    if (!record->enabled)
        doctor_say(doctor, DOCTOR_WARNING, NULL, "tidemill podcast automate enable", "it is switched off");
    else if (record->failures)
        doctor_say(doctor, DOCTOR_WARNING, NULL, "tidemill podcast automate status",
                   "%lld in a row were not all well%s%s", (long long)record->failures, record->line ? ": " : "",
                   record->line ? record->line : "");
    else if (record->success_ms)
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "the last one was all well, %s",
                   days_ago(doctor, record->success_ms));
}

void doctor_schedule(struct doctor *doctor) {
    struct automate_cli cli = {0};
    struct automate_record record = {0};
    struct error err = {0};
    if (!doctor->workspace_found || !automate_cli_places(&cli, doctor->context, &err)) {
        doctor_say(doctor, DOCTOR_NOT_ASKED, NULL, NULL, "not asked, as there is no workspace");
        return;
    }
    JSON_OWNED json_t *installed = automate_installed(&cli);
    size_t index;
    const json_t *one;
    json_array_foreach (installed, index, one) {
        const char *fault = json_get_text(one, "error", NULL);
        doctor_say(doctor, fault ? DOCTOR_WARNING : DOCTOR_OK, NULL, NULL, "%s: %s", json_get_text(one, "with", ""),
                   fault ? fault : json_get_text(one, "where", ""));
    }
    if (!json_array_size(installed))
        doctor_say(doctor, DOCTOR_WARNING, NULL, "tidemill podcast automate install",
                   "nothing was found that starts it");
    else if (automate_record_read(doctor->context->arena, cli.folder, &record, &err))
        say_record(doctor, &record);
    else
        doctor_say_error(doctor, DOCTOR_WARNING, NULL, NULL, &err);
}
