/* tidemill podcast add, list, check, search. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/media_worker.h"
#include "cli/output.h"
#include "cli/workspace.h"
#include "podcast/add.h"
#include "podcast/check.h"
#include "podcast/index_site.h"
#include "podcast/manifest.h"
#include "podcast/search_api.h"
#include "run/worker.h"
#include "search/index.h"

/* ---- add ---- */

static json_t *added_json(const struct add_result *result) {
    json_t *files = json_array();
    json_t *warnings = json_array();
    for (size_t i = 0; i < result->file_count; i++)
        json_array_append_new(files, json_string(result->files[i]));
    for (size_t i = 0; i < result->warning_count; i++)
        json_array_append_new(warnings, json_string(result->warnings[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:o, s:o}", "siteId", result->site_id, "podcastId",
                     result->podcast_id, "title", result->title, "folder", result->folder, "madeSite",
                     (int)result->made_site, "episodes", (json_int_t)result->episodes, "files", files, "warnings",
                     warnings);
}

static void print_added(const struct add_result *result) {
    printf("%s %s: podcast %s, \"", result->made_site ? "made site" : "added to site", result->site_id,
           result->podcast_id);
    output_safe(result->title);
    printf("\", %zu episodes\n  in %s\n", result->episodes, result->folder);
    for (size_t i = 0; i < result->warning_count; i++) {
        fputs("  note: ", stdout);
        output_safe(result->warnings[i]);
        putchar('\n');
    }
    puts("next: tidemill podcast run");
}

/* A worker for the cover: a stranger's picture is decoded by codecs. */
static struct worker *open_worker(struct command_context *context, struct task tasks[], size_t most,
                                  const char **scratch, struct error *err) {
    *scratch = file_join(context->arena, options_text(context->options, "data"), "run/add-scratch");
    if (!file_make_folders(*scratch, err))
        return NULL;
    struct worker_settings settings = {
        .scratch = *scratch, .tasks = tasks, .task_count = cli_media_tasks(tasks, most), .clock = context->clock};
    return worker_open(&settings, err);
}

static bool add_podcast(struct command_context *context, const struct workspace *workspace, struct add_result *result,
                        struct error *err) {
    struct task tasks[16];
    struct add_settings settings = {
        .url = context->words[0],
        .site_id = options_text(context->options, "add.site"),
        .domain = options_text(context->options, "add.domain"),
        .cancel = context->cancel,
    };
    settings.worker = open_worker(context, tasks, ARRAY_LENGTH(tasks), &settings.scratch, err);
    struct http_client *client = settings.worker ? cli_http_open(context, err) : NULL;
    bool done = client && podcast_add(context->arena, workspace, client, &settings, result, err);
    http_client_close(client);
    worker_close(settings.worker);
    return done;
}

int command_podcast_add(struct command_context *context) {
    struct error err = {0};
    struct workspace workspace = {0};
    if (!cli_workspace_find(context, &workspace, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    struct add_result result = {0};
    if (!add_podcast(context, &workspace, &result, &err))
        return output_fail(&err, EXIT_SOME_FAILED);
    if (output_wants_json(context)) {
        JSON_OWNED json_t *json = added_json(&result);
        output_json(json);
    } else {
        print_added(&result);
    }
    return EXIT_WELL;
}

/* ---- list ---- */

struct podcast_counts {
    size_t episodes, transcripts;
};

struct name_counter {
    size_t count;
};

static bool count_srt(void *to, const struct object_facts *facts, struct error *err) {
    (void)err;
    ((struct name_counter *)to)->count += text_ends(facts->key, ".srt") && facts->size > 0;
    return true;
}

static bool count_podcast(struct command_context *context, struct object_store *files, const struct manifest *manifest,
                          const char *podcast, struct podcast_counts *counts, struct error *err) {
    for (size_t i = 0; i < manifest->count; i++)
        counts->episodes += strcmp(manifest->episodes[i]->podcast_id, podcast) == 0;
    struct name_counter counter = {0};
    if (!object_list(files, arena_format(context->arena, "transcripts/%s/", podcast), count_srt, &counter, err))
        return false;
    counts->transcripts = counter.count;
    return true;
}

static json_t *list_site(struct command_context *context, struct cli_sites *sites, const struct site *site,
                         struct error *err) {
    struct object_store *files = cli_files_open(&sites->workspace, site->id, err);
    struct manifest *manifest = files ? manifest_load(files, err) : NULL;
    json_t *podcasts = json_array();
    bool done = manifest != NULL;
    for (size_t i = 0; done && i < site->podcast_count; i++) {
        const struct site_podcast *podcast = &site->podcasts[i];
        struct podcast_counts counts = {0};
        char url[1024];
        done = count_podcast(context, files, manifest, podcast->id, &counts, err);
        json_array_append_new(podcasts,
                              json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "id", podcast->id, "title", podcast->title,
                                        "status", podcast->active ? "active" : "inactive", "url",
                                        redact_url(podcast->url, url, sizeof(url)), "episodes",
                                        (json_int_t)counts.episodes, "transcripts", (json_int_t)counts.transcripts));
    }
    manifest_close(manifest);
    object_store_close(files);
    if (!done) {
        json_decref(podcasts);
        error_context(err, "site %s", site->id);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", site->id, "title", site->header.primary_title, "domain",
                     site->domain, "folder", site->folder, "podcasts", podcasts);
}

static void print_listed(const json_t *site) {
    printf("%s  \"", json_get_text(site, "id", ""));
    output_safe(json_get_text(site, "title", ""));
    printf("\"  %s\n", json_get_text(site, "domain", ""));
    size_t index;
    const json_t *podcast;
    json_array_foreach (json_object_get(site, "podcasts"), index, podcast) {
        printf("  %-24s %-8s %5lld episodes, %5lld transcripts  ", json_get_text(podcast, "id", ""),
               json_get_text(podcast, "status", ""), (long long)json_get_int(podcast, "episodes", 0),
               (long long)json_get_int(podcast, "transcripts", 0));
        output_safe(json_get_text(podcast, "url", ""));
        putchar('\n');
    }
}

int command_podcast_list(struct command_context *context) {
    struct error err = {0};
    struct cli_sites sites = {0};
    size_t broken = 0;
    if (!cli_sites_load(context, &sites, &broken, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    JSON_OWNED json_t *list = json_array();
    bool failed = broken > 0;
    for (size_t i = 0; i < sites.count; i++) {
        json_t *site = list_site(context, &sites, sites.selected[i], &err);
        if (site)
            json_array_append_new(list, site);
        else
            output_error(&err);
        failed |= !site;
    }
    if (output_wants_json(context))
        output_json(list);
    for (size_t i = 0; !output_wants_json(context) && i < json_array_size(list); i++)
        print_listed(json_array_get(list, i));
    if (!json_array_size(list) && !failed && !output_wants_json(context))
        puts("no sites yet; `tidemill podcast add FEED_URL` makes one");
    return failed ? EXIT_SOME_FAILED : EXIT_WELL;
}

/* ---- search ---- */

static json_t *search_request(struct command_context *context) {
    const struct options *options = context->options;
    struct text query;
    text_open(&query, 65536);
    for (size_t i = 0; i < context->word_count; i++)
        text_append_format(&query, "%s%s", i ? " " : "", context->words[i]);
    json_t *request = json_pack("{s:o, s:I, s:I}", "query", json_string(text_value(&query)), "limit",
                                (json_int_t)options_integer(options, "search.limit"), "offset",
                                (json_int_t)options_integer(options, "search.offset"));
    text_close(&query);
    const char *sort = options_text(options, "search.sort");
    if (strcmp(sort, "relevance") != 0) {
        json_object_set_new(request, "sortBy", json_string("episodePublishedUnixTimestamp"));
        json_object_set_new(request, "sortOrder", json_string(strcmp(sort, "newest") == 0 ? "DESC" : "ASC"));
    }
    if (options_text(options, "search.from"))
        json_object_set_new(request, "startDate", json_string(options_text(options, "search.from")));
    if (options_text(options, "search.to"))
        json_object_set_new(request, "endDate", json_string(options_text(options, "search.to")));
    size_t count = 0;
    const char *const *podcasts = options_list(options, "search.podcasts", &count);
    json_t *list = count ? json_array() : NULL;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(podcasts[i]));
    if (list)
        json_object_set_new(request, "podcastIds", list);
    return request;
}

/* The text with its marked stretches in bold; marks count UTF-16 units, as the page needs them. */
static void print_marked(const struct command_context *context, const char *text, const json_t *marks) {
    size_t length = strlen(text);
    size_t unit = 0;
    size_t mark = 0;
    size_t plain = 0;
    for (size_t at = 0; at <= length;) {
        const json_t *range = json_array_get(marks, mark);
        json_int_t from = json_integer_value(json_array_get(range, 0));
        json_int_t to = json_integer_value(json_array_get(range, 1));
        bool edge = range && ((json_int_t)unit == from || (json_int_t)unit == to);
        if (edge || at == length) {
            TEXT_OWNED char *piece = memory_text_part(text + plain, at - plain);
            output_safe(piece);
            plain = at;
            if (edge)
                fputs(output_colour(context, (json_int_t)unit == from ? OUTPUT_YELLOW : OUTPUT_PLAIN), stdout);
            mark += edge && (json_int_t)unit == to;
        }
        if (at == length)
            break;
        uint32_t code = 0;
        size_t size = utf8_decode(text + at, length - at, &code);
        unit += code > 0xFFFF ? 2 : 1;
        at += size ? size : 1;
    }
}

static void print_hit(const struct command_context *context, const json_t *hit) {
    char at[CLOCK_ISO_SIZE];
    char day[CLOCK_ISO_SIZE];
    clock_duration(json_get_int(hit, "startTimeMs", 0), at);
    clock_day(json_get_int(hit, "episodePublishedUnixTimestamp", 0), day);
    printf("%s%s  %s", output_colour(context, OUTPUT_CYAN), day, at);
    fputs(output_colour(context, OUTPUT_PLAIN), stdout);
    fputs("  ", stdout);
    output_safe(json_get_text(hit, "podcastTitle", ""));
    fputs(": ", stdout);
    output_safe(json_get_text(hit, "episodeTitle", ""));
    fputs("\n  ", stdout);
    print_marked(context, json_get_text(hit, "text", ""), json_object_get(hit, "marks"));
    putchar('\n');
}

static int print_found(const struct command_context *context, const json_t *response, int http_status) {
    if (output_wants_json(context)) {
        output_json(response);
    } else if (http_status == 200) {
        size_t index;
        const json_t *hit;
        json_array_foreach (json_object_get(response, "hits"), index, hit) {
            print_hit(context, hit);
        }
        const char *corrected = json_get_text(response, "correctedQuery", NULL);
        const char *meant = json_get_text(response, "didYouMean", NULL);
        printf("%lld hits in %lld ms\n", (long long)json_get_int(response, "totalHits", 0),
               (long long)json_get_int(response, "processingTimeMs", 0));
        if (corrected)
            printf("nothing found as written; these are for: %s\n", corrected);
        else if (meant)
            printf("did you mean: %s\n", meant);
    } else {
        struct error err;
        error_set(&err, http_status == 400 ? ERROR_USAGE : ERROR_IO, "%s",
                  json_get_text(json_object_get(response, "error"), "message", "the search failed"));
        return output_fail(&err, EXIT_NOT_STARTED);
    }
    return http_status == 200 ? EXIT_WELL : EXIT_NOT_STARTED;
}

int command_podcast_search(struct command_context *context) {
    struct error err = {0};
    struct cli_sites sites = {0};
    if (!cli_sites_load(context, &sites, NULL, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    struct search_site *searched = arena_alloc_array(context->arena, sites.count + 1, sizeof(*searched));
    int status = EXIT_WELL;
    for (size_t i = 0; i < sites.count; i++) {
        const char *folder = workspace_site_files(context->arena, &sites.workspace, sites.selected[i]->id);
        searched[i] = (struct search_site){.site = sites.selected[i]};
        searched[i].index = index_reader_open(file_join(context->arena, folder, INDEX_KEY), &err);
        searched[i].base = arena_format(context->arena, "/sites/%s/", sites.selected[i]->id);
        if (!searched[i].index && err.code != ERROR_ABSENT) {
            error_context(&err, "site %s", sites.selected[i]->id);
            error_hint(&err, "`tidemill podcast index` makes it anew");
            output_error(&err);
            status = EXIT_SOME_FAILED;
        }
    }
    JSON_OWNED json_t *request = search_request(context);
    JSON_OWNED json_t *response = NULL;
    int http_status = 0;
    search_api_answer(context->arena, searched, sites.count, request, context->clock, &response, &http_status);
    int printed = print_found(context, response, http_status);
    for (size_t i = 0; i < sites.count; i++)
        index_reader_close(searched[i].index);
    return printed ? printed : status;
}
