/* The report in its two forms. The names are those that users' scripts read. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/check.h"

static const char *severity_name(enum check_severity severity) {
    return severity == CHECK_ERROR ? "error" : severity == CHECK_WARNING ? "warning" : "info";
}

static void set_text(json_t *json, const char *key, const char *text) {
    if (!text)
        return;
    TEXT_OWNED char *valid = utf8_repair(text, strlen(text));
    json_object_set_new(json, key, json_string(valid));
}

static void set_count(json_t *json, const char *key, size_t count) {
    json_object_set_new(json, key, json_integer((json_int_t)count));
}

static json_t *issue_json(const struct check_issue *row) {
    json_t *json = json_object();
    set_text(json, "type", row->type);
    set_text(json, "severity", severity_name(row->severity));
    set_text(json, "description", row->description);
    set_text(json, "podcastId", row->podcast_id);
    set_text(json, "episodeTitle", row->episode_title);
    set_text(json, "filePath", row->file_path);
    set_text(json, "downloadedAt", row->downloaded_at);
    if (row->version_count) {
        json_t *versions = json_array();
        for (size_t i = 0; i < row->version_count; i++)
            json_array_append_new(versions, json_string(row->versions[i]));
        json_object_set_new(json, "versions", versions);
    }
    set_text(json, "details", row->details);
    return json;
}

json_t *check_json(const struct check_report *report) {
    const struct check_summary *summary = &report->summary;
    json_t *counts = json_object();
    set_count(counts, "audioFiles", summary->audio_files);
    set_count(counts, "transcriptFiles", summary->transcript_files);
    set_count(counts, "searchEntryFiles", summary->entry_files);
    set_count(counts, "manifestEntries", summary->manifest_entries);
    set_count(counts, "totalEpisodes", summary->total_episodes);
    set_count(counts, "totalIssues", summary->issues);
    set_count(counts, "errors", summary->errors);
    set_count(counts, "warnings", summary->warnings);
    set_count(counts, "info", summary->info);
    set_count(counts, "audioProbed", summary->audio_probed);
    set_count(counts, "audioDecoded", summary->audio_decoded);
    json_t *issues = json_array();
    for (size_t i = 0; i < report->count; i++)
        json_array_append_new(issues, issue_json(&report->rows[i]));
    char iso[CLOCK_ISO_SIZE];
    json_t *json = json_object();
    json_object_set_new(json, "summary", counts);
    json_object_set_new(json, "issues", issues);
    set_text(json, "siteId", report->site_id);
    set_text(json, "timestamp", clock_iso(report->time_ms, iso));
    return json;
}

/* "missing-file" as "MISSING FILE". */
static void append_heading(struct text *out, const char *type) {
    for (; *type; type++)
        text_append_char(out, *type == '-' ? ' ' : (char)toupper((unsigned char)*type));
}

/* Text from outside on a terminal: control characters as '?'. */
static void append_safe(struct text *out, const char *text) {
    TEXT_OWNED char *valid = utf8_repair(text, strlen(text));
    for (char *at = valid; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            *at = '?';
    text_append(out, valid);
}

static void append_issue(struct text *out, const struct check_issue *row, bool verbose) {
    const char *mark = row->severity == CHECK_ERROR ? "❌" : row->severity == CHECK_WARNING ? "⚠️ " : "ℹ️ ";
    text_append_format(out, "  %s ", mark);
    append_safe(out, row->description);
    text_append_char(out, '\n');
    const struct {
        const char *name, *value;
    } lines[] = {{"Episode", row->episode_title},
                 {"File", row->file_path},
                 {"Details", row->details},
                 {"Downloaded", verbose ? row->downloaded_at : NULL}};
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        if (!lines[i].value)
            continue;
        text_append_format(out, "     %s: ", lines[i].name);
        append_safe(out, lines[i].value);
        text_append_char(out, '\n');
    }
    for (size_t i = 0; verbose && i < row->version_count; i++) {
        text_append(out, "     Version: ");
        append_safe(out, row->versions[i]);
        text_append_char(out, '\n');
    }
}

/* What to do, for each type that has something. */
static void append_recommendations(struct text *out, const struct check_report *report) {
    static const struct {
        const char *type, *advice;
    } advice[] = {
        {"missing-file", "`tidemill podcast run` fetches, transcribes and indexes what is missing"},
        {"empty-file", "remove the empty files; the next run makes them again"},
        {"truncated-audio", "remove the audio and its transcript; the next run fetches it again"},
        {"unreadable-audio", "remove the audio; the next run fetches it again"},
        {"beyond-the-end", "the transcript was made from another download: remove it, and the next run makes it again"},
        {"version-mismatch", "remove the older transcript; the next run transcribes the audio that is there"},
        {"loop", "remove the transcript and run again with a larger model"},
        {"stale-entries", "`tidemill podcast run --skip-rss-retrieval --skip-audio-processing` writes them anew"},
        {"index-mismatch", "`tidemill podcast run --force-local-indexing` makes the index anew"},
        {"index-damaged", "`tidemill podcast run --force-local-indexing` makes the index anew"},
        {"manifest-mismatch",
         "files without a row are of episodes that were removed, or of another manifest: nothing serves them"},
        {"duplicate-versions", "only the version that the manifest names is served; the others can go"},
    };
    bool headed = false;
    for (size_t i = 0; i < ARRAY_LENGTH(advice); i++) {
        bool found = false;
        for (size_t j = 0; j < report->count && !found; j++)
            found = !strcmp(report->rows[j].type, advice[i].type);
        if (!found)
            continue;
        if (!headed)
            text_append(out, "\n💡 RECOMMENDATIONS:\n");
        headed = true;
        text_append_format(out, "  - %s: %s\n", advice[i].type, advice[i].advice);
    }
}

char *check_text(const struct check_report *report, bool verbose) {
    const struct check_summary *summary = &report->summary;
    struct text out;
    text_open(&out, SIZE_MAX / 2);
    text_append_format(&out, "📊 FILE CONSISTENCY REPORT: %s\n\n📈 SUMMARY:\n", report->site_id);
    text_append_format(&out, "  Audio files: %zu\n  Transcript files: %zu\n  Search entry files: %zu\n",
                       summary->audio_files, summary->transcript_files, summary->entry_files);
    text_append_format(&out, "  Manifest entries: %zu\n  Episodes: %zu\n", summary->manifest_entries,
                       summary->total_episodes);
    if (report->deep)
        text_append_format(&out, "  Audio decoded from end to end: %zu\n", summary->audio_decoded);
    else
        text_append_format(&out,
                           "  Audio read, not decoded: %zu (not looked for: damaged packets, text in silence, "
                           "holes; --deep does)\n",
                           summary->audio_probed);
    text_append_format(&out, "  Issues: %zu (%zu errors, %zu warnings, %zu info)\n", summary->issues, summary->errors,
                       summary->warnings, summary->info);
    if (!summary->issues) {
        text_append(&out, "\n🎉 No issues found! All files are consistent.\n");
        return text_take(&out);
    }
    text_append(&out, "\n🔍 DETAILED ISSUES:\n");
    for (size_t i = 0; i < report->count; i++) {
        if (i == 0 || strcmp(report->rows[i].type, report->rows[i - 1].type) != 0) {
            text_append_char(&out, '\n');
            append_heading(&out, report->rows[i].type);
            text_append(&out, ":\n");
        }
        append_issue(&out, &report->rows[i], verbose);
    }
    if (summary->issues > report->count)
        text_append_format(&out, "\n  … and %zu more\n", summary->issues - report->count);
    append_recommendations(&out, report);
    return text_take(&out);
}

int check_exit_status(const struct check_report *const *reports, size_t count) {
    size_t errors = 0, warnings = 0;
    for (size_t i = 0; i < count; i++) {
        errors += reports[i]->summary.errors;
        warnings += reports[i]->summary.warnings;
    }
    return errors ? 1 : warnings ? 2 : 0;
}
