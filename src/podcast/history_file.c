#include "podcast/history_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#define TITLE "# Ingestion Pipeline Run History"
#define ABOUT "The newest run stands first. `tidemill podcast history` shows the same runs."
#define CUT "*Older runs were left out of this file.*"

enum { ENTRY_CEILING = 256 * 1024, ERRORS_SHOWN = 20, ERROR_BYTES = 500, DAY_MS = 86400000 };

/* ---- an entry ---- */

/* "11/26/2026, 3:12:45 AM", as a JavaScript of the locale en-US shows a moment. */
static void put_moment(struct text *out, int64_t wall_ms, int64_t offset_ms) {
    int64_t local = wall_ms + offset_ms;
    int64_t days = local / DAY_MS - (local % DAY_MS < 0);
    int64_t second = (local - days * DAY_MS) / 1000;
    int64_t year = 0;
    int month = 0;
    int day = 0;
    clock_civil(days, &year, &month, &day);
    int hour = (int)(second / 3600);
    text_append_format(out, "%d/%d/%lld, %d:%02d:%02d %s", month, day, (long long)year, hour % 12 ? hour % 12 : 12,
                       (int)(second / 60 % 60), (int)(second % 60), hour < 12 ? "AM" : "PM");
}

/* One line of it: what is no printable character becomes a space, so that no title or error begins a line. */
static void put_line_part(struct text *out, const char *text, size_t most) {
    size_t length = strlen(text);
    size_t cut = length > most ? utf8_cut(text, most) : length;
    for (size_t i = 0; i < cut; i++)
        text_append_char(out, (unsigned char)text[i] < 0x20 || text[i] == 0x7F ? ' ' : text[i]);
    if (cut < length)
        text_append(out, "...");
}

static int64_t sum_of(const json_t *sites, const char *key) {
    int64_t sum = 0;
    size_t index;
    const json_t *site;
    json_array_foreach (sites, index, site)
        sum += json_get_int(site, key, 0);
    return sum;
}

static size_t errors_of(const json_t *record, const json_t *sites) {
    size_t count = json_array_size(json_object_get(record, "errors"));
    size_t index;
    const json_t *site;
    json_array_foreach (sites, index, site)
        count += json_array_size(json_object_get(site, "errors"));
    return count;
}

static void put_errors(struct text *out, const char *head, const json_t *errors) {
    size_t count = json_array_size(errors);
    if (!count)
        return;
    text_append(out, head);
    for (size_t i = 0; i < count && i < ERRORS_SHOWN; i++) {
        text_append(out, i ? ", " : "");
        const char *text = json_string_value(json_array_get(errors, i));
        put_line_part(out, text ? text : "", ERROR_BYTES);
    }
    if (count > ERRORS_SHOWN)
        text_append_format(out, ", and %zu more", count - ERRORS_SHOWN);
    text_append(out, "  \n");
}

static void put_site(struct text *out, const json_t *site) {
    static const struct {
        const char *key, *label;
    } counts[] = {{"newAudioFilesDownloaded", "📥 Audio Files"},
                  {"newEpisodesTranscribed", "🎤 Transcribed"},
                  {"s3SyncTotalFilesUploaded", "📤 Files Uploaded"}};
    const json_t *errors = json_object_get(site, "errors");
    text_append_format(out, "**%s ", json_array_size(errors) ? "❌" : "✅");
    put_line_part(out, json_get_text(site, "siteTitle", ""), ERROR_BYTES);
    text_append(out, "** (`");
    put_line_part(out, json_get_text(site, "siteId", ""), ERROR_BYTES);
    text_append(out, "`)  \n");
    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        int64_t count = json_get_int(site, counts[i].key, 0);
        if (count > 0)
            text_append_format(out, "  %s: %lld  \n", counts[i].label, (long long)count);
    }
    put_errors(out, "  ⚠️ Errors: ", errors);
    text_append_char(out, '\n');
}

/* "postConsistencyCheckSuccess" is "Post Consistency Check". */
static void put_label(struct text *out, const char *key) {
    size_t length = strlen(key) - strlen("Success");
    for (size_t i = 0; i < length; i++) {
        bool capital = key[i] >= 'A' && key[i] <= 'Z';
        if (capital && i)
            text_append_char(out, ' ');
        text_append_char(out, !i && key[i] >= 'a' && key[i] <= 'z' ? (char)(key[i] - 'a' + 'A') : key[i]);
    }
}

/* How many of the sites in which the phase took place did it well; nothing where there were none. */
static void put_rate(struct text *out, const json_t *sites, const char *key, const char *label) {
    size_t good = 0;
    size_t all = 0;
    size_t index;
    const json_t *site;
    json_array_foreach (sites, index, site) {
        const json_t *value = json_object_get(site, key);
        good += json_is_true(value);
        all += json_is_boolean(value);
    }
    if (!all)
        return;
    text_append(out, "**");
    if (label)
        text_append(out, label);
    else
        put_label(out, key);
    text_append_format(out, ":** %zu/%zu (%.1f%%)  \n", good, all, (double)good * 100 / (double)all);
}

static const struct {
    const char *key, *label;
} rates[] = {{"s3PreSyncSuccess", "S3 Pre-Sync"},
             {"rssRetrievalSuccess", "RSS Retrieval"},
             {"audioProcessingSuccess", "Audio Processing"},
             {"spellingCorrectionsReapplicationSuccess", "Spelling Corrections"},
             {"localIndexingSuccess", "Local Indexing"},
             {"s3SyncSuccess", "S3 Upload"},
             {"searchApiRefreshSuccess", "Search-API Refresh"},
             {"cloudfrontInvalidationSuccess", "CloudFront Invalidation"}};

static bool has_label(const char *key) {
    for (size_t i = 0; i < ARRAY_LENGTH(rates); i++) {
        if (strcmp(rates[i].key, key) == 0)
            return true;
    }
    return false;
}

static void put_rates(struct text *out, const json_t *sites) {
    text_append(out, "### Success Rates\n\n");
    for (size_t i = 0; i < ARRAY_LENGTH(rates); i++)
        put_rate(out, sites, rates[i].key, rates[i].label);
    const char *key;
    json_t *value;
    json_object_foreach (json_array_get(sites, 0), key, value) {
        if (text_ends(key, "Success") && !has_label(key))
            put_rate(out, sites, key, NULL);
    }
}

char *history_entry(const json_t *record, int64_t offset_ms) {
    const json_t *sites = json_object_get(record, "sites");
    const json_t *whole = json_object_get(record, "errors");
    size_t errors = errors_of(record, sites);
    bool interrupted = json_get_bool(record, "interrupted", false);
    int64_t ended = 0;
    clock_parse_iso(json_get_text(record, "endedAt", ""), &ended);
    struct text out;
    text_open(&out, ENTRY_CEILING);
    text_append(&out, "## ");
    put_moment(&out, ended, offset_ms);
    text_append_format(&out, " - %s\n\n", errors || interrupted ? "❌ ERRORS" : "✅ SUCCESS");
    text_append_format(&out, "**Duration:** %.1fs  \n", (double)json_get_int(record, "durationMs", 0) / 1000);
    text_append_format(&out, "**Sites Processed:** %zu  \n", json_array_size(sites));
    text_append_format(&out, "**Total Files Uploaded:** %lld  \n",
                       (long long)sum_of(sites, "s3SyncTotalFilesUploaded"));
    text_append_format(&out, "**Audio Files Downloaded:** %lld  \n",
                       (long long)sum_of(sites, "newAudioFilesDownloaded"));
    text_append_format(&out, "**Episodes Transcribed:** %lld  \n", (long long)sum_of(sites, "newEpisodesTranscribed"));
    if (errors)
        text_append_format(&out, "**Error Count:** %zu  \n", errors);
    if (interrupted)
        text_append(&out, "**Interrupted:** the next run goes on where this one was  \n");
    put_errors(&out, "**Errors:** ", whole);
    text_append_char(&out, '\n');
    if (json_array_size(sites))
        text_append(&out, "### Site Results\n\n");
    size_t index;
    const json_t *site;
    json_array_foreach (sites, index, site) {
        if (out.length < ENTRY_CEILING / 2)
            put_site(&out, site);
    }
    put_rates(&out, sites);
    text_append(&out, "\n---\n");
    redact_text(out.data);
    return text_take(&out);
}

/* ---- the file ---- */

struct line {
    const char *start;
    size_t length; /* without the line end and blanks before it */
};

/* The next line of [*at, end); false at the end. */
static bool next_line(const char **at, const char *end, struct line *line) {
    if (*at >= end)
        return false;
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    if (!stop)
        stop = end;
    line->start = *at;
    line->length = (size_t)(stop - *at);
    while (line->length && strchr(" \t\r", line->start[line->length - 1]))
        line->length--;
    *at = stop < end ? stop + 1 : end;
    return true;
}

static bool line_is(const struct line *line, const char *text) {
    return line->length == strlen(text) && memcmp(line->start, text, line->length) == 0;
}

static bool begins_entry(const struct line *line) {
    return line->length > 3 && memcmp(line->start, "## ", 3) == 0;
}

struct file {
    struct text header; /* what stood between title and first entry, each line once */
    struct text out;
    size_t entries;
    bool cut;
};

/* True if `line` is one of the header's. */
static bool in_header(const struct file *file, const struct line *line) {
    const char *at = text_value(&file->header);
    const char *end = at + file->header.length;
    struct line known;
    while (next_line(&at, end, &known)) {
        if (known.length == line->length && memcmp(known.start, line->start, line->length) == 0)
            return true;
    }
    return false;
}

static void read_header(struct file *file, const char *at, const char *end) {
    struct line line;
    while (next_line(&at, end, &line)) {
        if (begins_entry(&line))
            return;
        if (line.length && !line_is(&line, TITLE) && !line_is(&line, CUT) && !in_header(file, &line)) {
            text_append_part(&file->header, line.start, line.length);
            text_append_char(&file->header, '\n');
        }
    }
}

/* Where the entry after the one at `at` begins (or `end`), and behind the last rule of this one in *rule. */
static const char *entry_end(const char *at, const char *end, const char **rule) {
    struct line line;
    *rule = NULL;
    for (bool first = true; next_line(&at, end, &line); first = false) {
        if (!first && begins_entry(&line))
            return line.start;
        if (line_is(&line, "---"))
            *rule = at;
    }
    return end;
}

/* Appends what stands behind an entry's rule: a person's notes stay, headers that piled up go. */
static void put_notes(struct file *file, const char *at, const char *end) {
    struct line line;
    bool any = false;
    while (next_line(&at, end, &line)) {
        if (line_is(&line, CUT))
            file->cut = true;
        else if (line.length && !line_is(&line, TITLE) && !in_header(file, &line)) {
            text_append_part(&file->out, line.start, line.length);
            text_append_char(&file->out, '\n');
            any = true;
        }
    }
    if (any)
        text_append_char(&file->out, '\n');
}

static void put_entry(struct file *file, const char *start, const char *end, const char *rule) {
    const char *body = rule ? rule : end;
    size_t length = (size_t)(body - start);
    if (file->entries >= LIMIT_HISTORY_ENTRIES || file->out.length + length > LIMIT_HISTORY_BYTES) {
        file->cut = true;
        return;
    }
    while (length && strchr("\n\r", start[length - 1]))
        length--;
    text_append_part(&file->out, start, length);
    text_append(&file->out, "\n\n");
    if (rule)
        put_notes(file, rule, end);
    file->entries++;
}

/* Takes the line that says that the file was cut off its end. */
static size_t without_cut(const char *old, size_t length, bool *cut) {
    size_t end = length;
    while (end && strchr(" \t\r\n", old[end - 1]))
        end--;
    size_t size = strlen(CUT);
    *cut = end > size && memcmp(old + end - size, CUT, size) == 0 && old[end - size - 1] == '\n';
    return *cut ? end - size : length;
}

char *history_merge(const char *old, size_t length, const char *entry) {
    struct file file = {.entries = 0};
    if (old)
        length = without_cut(old, length, &file.cut);
    text_open(&file.header, LIMIT_HISTORY_READ_BYTES);
    text_open(&file.out, (size_t)2 * LIMIT_HISTORY_READ_BYTES);
    const char *end = old ? old + length : NULL;
    if (old)
        read_header(&file, old, end);
    text_append(&file.out, TITLE "\n\n");
    text_append(&file.out, file.header.length ? text_value(&file.header) : ABOUT "\n");
    text_append_char(&file.out, '\n');
    put_entry(&file, entry, entry + strlen(entry), NULL);
    struct line line;
    for (const char *at = old; next_line(&at, end, &line);) {
        if (!begins_entry(&line))
            continue;
        const char *rule = NULL;
        const char *next = entry_end(line.start, end, &rule);
        put_entry(&file, line.start, next, rule);
        at = next;
    }
    if (file.cut)
        text_append(&file.out, CUT "\n");
    text_close(&file.header);
    return text_take(&file.out);
}

/* An absent file is an empty one; one that cannot be read is not. */
static bool read_old(struct arena *arena, const char *path, char **data, size_t *length, struct error *err) {
    struct error failure = {0};
    if (file_read(arena, path, LIMIT_HISTORY_READ_BYTES, data, length, &failure))
        return true;
    *data = NULL;
    *length = 0;
    return failure.code == ERROR_ABSENT || error_copy(err, &failure);
}

bool history_file_add(const char *path, const json_t *record, int64_t offset_ms, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    char *old = NULL;
    size_t length = 0;
    if (!read_old(arena, path, &old, &length, err))
        return false;
    TEXT_OWNED char *entry = history_entry(record, offset_ms);
    TEXT_OWNED char *text = history_merge(old, length, entry);
    return file_make_parents(path, err) && file_write(path, text, strlen(text), 0644, err);
}

bool history_file_newest(struct arena *arena, const char *path, size_t most, const char ***entries, size_t *count,
                         struct error *err) {
    char *old = NULL;
    size_t length = 0;
    if (!read_old(arena, path, &old, &length, err))
        return false;
    const char **found = arena_alloc_array(arena, most ? most : 1, sizeof(*found));
    size_t used = 0;
    const char *end = old ? old + length : NULL;
    struct line line;
    for (const char *at = old; used < most && next_line(&at, end, &line);) {
        if (!begins_entry(&line))
            continue;
        const char *rule = NULL;
        const char *next = entry_end(line.start, end, &rule);
        size_t size = (size_t)((rule ? rule : next) - line.start);
        found[used++] = arena_text_part(arena, line.start, size);
        at = next;
    }
    *entries = found;
    *count = used;
    return true;
}
