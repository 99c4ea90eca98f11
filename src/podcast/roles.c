#include "podcast/roles.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/tfvars.h"

struct checking {
    struct arena *arena;
    struct role_report *report;
    size_t group_capacity, warning_capacity, fault_capacity;
};

static void add_warning(struct checking *checking, const char *text) {
    struct role_report *report = checking->report;
    report->warnings = arena_grow(checking->arena, report->warnings, report->warning_count, &checking->warning_capacity,
                                  sizeof(*report->warnings));
    report->warnings[report->warning_count++] = text;
}

static void add_fault(struct checking *checking, const char *text) {
    struct role_report *report = checking->report;
    report->faults = arena_grow(checking->arena, report->faults, report->fault_count, &checking->fault_capacity,
                                sizeof(*report->faults));
    report->faults[report->fault_count++] = text;
}

/* What a template has where a profile is to be filled in: "your-profile", "YOUR_AWS_PROFILE", "<profile>". */
static bool is_placeholder(const char *profile) {
    static const char *const marks[] = {
        "your-", "your_", "<", "{", "to_be_added", "to-be-added", "placeholder", "changeme", "example-profile"};
    for (size_t i = 0; i < ARRAY_LENGTH(marks); i++)
        if (text_contains_nocase(profile, marks[i]))
            return true;
    return !*profile;
}

/* A group's array of sites is as long as the list of all sites: nobody has so many that it matters. */
static struct role_group *group_of(struct checking *checking, const char *profile, size_t most) {
    struct role_report *report = checking->report;
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->groups[i].profile, profile) == 0)
            return &report->groups[i];
    report->groups =
        arena_grow(checking->arena, report->groups, report->count, &checking->group_capacity, sizeof(*report->groups));
    struct role_group *group = &report->groups[report->count++];
    *group = (struct role_group){.profile = profile,
                                 .placeholder = is_placeholder(profile),
                                 .sites = arena_alloc_array(checking->arena, most, sizeof(*group->sites))};
    return group;
}

static bool read_creates(struct checking *checking, const struct site *site, const struct tfvars *file) {
    const struct tfvars_entry *entry = tfvars_find(file, "create_automation_role");
    bool text = entry && entry->kind == TFVARS_TEXT; /* Terraform takes "true" for true */
    if (!entry)
        add_warning(checking,
                    arena_format(checking->arena, "%s: create_automation_role is not set, so it is false", site->id));
    else if (entry->kind != TFVARS_BOOL && !(text && (!strcmp(entry->value, "true") || !strcmp(entry->value, "false"))))
        add_warning(checking, arena_format(checking->arena, "%s:%d: create_automation_role is neither true nor false",
                                           file->path, entry->line));
    return entry && strcmp(entry->value, "true") == 0;
}

static void check_site(struct checking *checking, const struct site *site, size_t most) {
    struct arena *arena = checking->arena;
    struct error err = {0};
    struct tfvars file = {0};
    const char *path = file_join(arena, site->folder, "terraform/prod.tfvars");
    if (!tfvars_read(arena, path, &file, &err)) {
        if (err.code == ERROR_ABSENT)
            add_warning(checking, arena_format(arena, "%s: has no terraform/prod.tfvars", site->id));
        else
            add_fault(checking, arena_format(arena, "%s: %s", site->id, err.message));
        return;
    }
    const char *profile = tfvars_text(&file, "aws_profile", "");
    bool creates = read_creates(checking, site, &file);
    struct role_group *group = group_of(checking, profile, most);
    if (group->placeholder)
        add_warning(checking, *profile
                                  ? arena_format(arena, "%s: aws_profile \"%s\" is to be filled in", site->id, profile)
                                  : arena_format(arena, "%s: aws_profile is not set", site->id));
    group->sites[group->count++] = (struct role_site){site->id, path, profile, creates};
    group->creators += creates;
    checking->report->site_count++;
}

static const char *names_of(struct arena *arena, const struct role_group *group, bool creators_only) {
    TEXT_SCOPED struct text text;
    text_open(&text, 2048);
    size_t named = 0;
    for (size_t i = 0; i < group->count; i++)
        if (!creators_only || group->sites[i].creates)
            text_append_format(&text, "%s%s", named++ ? ", " : "", group->sites[i].site_id);
    return arena_text(arena, text_value(&text));
}

static void judge(struct checking *checking, struct role_group *group) {
    struct arena *arena = checking->arena;
    if (group->placeholder || group->creators == 1)
        return;
    checking->report->errors++;
    if (group->creators) {
        group->fault =
            arena_format(arena, "%zu sites make the role: %s", group->creators, names_of(arena, group, true));
        group->hint = "leave create_automation_role = true in one of them: the one that has made it already";
    } else {
        group->fault = arena_format(arena, "no site makes the role: %s", names_of(arena, group, false));
        group->hint = "set create_automation_role = true in one of them";
    }
}

/* Profiles are named "browse.show-N_PERMISSIONS-ACCOUNT": the account at the end, "" when there is none. */
static const char *account_of(const char *profile) {
    size_t length = strlen(profile);
    if (length <= 12)
        return "";
    const char *last = profile + length - 12;
    return strspn(last, "0123456789") == 12 && !strchr("0123456789", last[-1]) ? last : "";
}

/* Two profiles may lead into one account, which can have the role only once. */
static void compare_accounts(struct checking *checking) {
    const struct role_report *report = checking->report;
    for (size_t i = 0; i < report->count; i++) {
        const char *account = account_of(report->groups[i].profile);
        for (size_t j = i + 1; *account && j < report->count; j++)
            if (strcmp(account, account_of(report->groups[j].profile)) == 0 && report->groups[i].creators &&
                report->groups[j].creators)
                add_warning(checking,
                            arena_format(checking->arena,
                                         "%s and %s look like one account (%s), and sites of both make the role",
                                         report->groups[i].profile, report->groups[j].profile, account));
    }
}

static int by_profile(const void *a, const void *b) {
    return strcmp(((const struct role_group *)a)->profile, ((const struct role_group *)b)->profile);
}

void roles_check(struct arena *arena, struct site *const *sites, size_t count, struct role_report *report) {
    *report = (struct role_report){0};
    struct checking checking = {.arena = arena, .report = report};
    for (size_t i = 0; i < count; i++)
        check_site(&checking, sites[i], count);
    if (report->count)
        qsort(report->groups, report->count, sizeof(*report->groups), by_profile);
    for (size_t i = 0; i < report->count; i++)
        judge(&checking, &report->groups[i]);
    compare_accounts(&checking);
    report->errors += report->fault_count;
}

static json_t *texts_json(const char *const *texts, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

json_t *roles_json(const struct role_report *report) {
    json_t *profiles = json_array();
    for (size_t i = 0; i < report->count; i++) {
        const struct role_group *group = &report->groups[i];
        json_t *sites = json_array();
        json_t *creators = json_array();
        for (size_t j = 0; j < group->count; j++) {
            json_array_append_new(sites, json_string(group->sites[j].site_id));
            if (group->sites[j].creates)
                json_array_append_new(creators, json_string(group->sites[j].site_id));
        }
        json_array_append_new(profiles, json_pack("{s:s, s:b, s:o, s:o, s:s?, s:s?}", "profile", group->profile,
                                                  "placeholder", (int)group->placeholder, "creators", creators, "sites",
                                                  sites, "error", group->fault, "hint", group->hint));
    }
    return json_pack("{s:o, s:o, s:o, s:b}", "profiles", profiles, "warnings",
                     texts_json(report->warnings, report->warning_count), "errors",
                     texts_json(report->faults, report->fault_count), "ok", (int)(report->errors == 0));
}
