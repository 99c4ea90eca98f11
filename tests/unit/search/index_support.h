/* A small index for a test: episodes out of lines of text. */
#ifndef TIDEMILL_TESTS_UNIT_SEARCH_INDEX_SUPPORT_H
#define TIDEMILL_TESTS_UNIT_SEARCH_INDEX_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/search.h"
#include "support/scratch.h"
#include "support/unit.h"

#define DAY_MS ((int64_t)86400000)

static inline void must(bool done, const struct error *err) {
    if (!done)
        fail_msg("%s", err->message);
}

/* Passage i lasts from 10 i to 10 i + 9 seconds; the episode is published on day `number`, podcast "odd" or "even". */
static inline bool put_lines(struct index_writer *writer, uint32_t number, const char *const *lines, size_t count,
                             bool *changed, struct error *err) {
    struct index_passage passages[64];
    char title[32], key[32];
    assert_true(count <= ARRAY_LENGTH(passages));
    for (size_t i = 0; i < count; i++)
        passages[i] = (struct index_passage){.start_ms = (uint32_t)(10000 * i),
                                             .end_ms = (uint32_t)(10000 * i + 9000),
                                             .text = lines[i],
                                             .text_bytes = strlen(lines[i])};
    snprintf(title, sizeof(title), "Episode %u", number);
    snprintf(key, sizeof(key), "key-%u", number);
    struct index_episode episode = {.number = number,
                                    .published_ms = DAY_MS * number,
                                    .podcast_id = number % 2 ? "odd" : "even",
                                    .podcast_title = number % 2 ? "The Odd Show" : "The Even Show",
                                    .title = title,
                                    .file_key = key};
    return index_writer_put(writer, &episode, passages, count, changed, err);
}

#define PUT(writer, number, ...)                                                                                       \
    do {                                                                                                               \
        const char *put_them[] = {__VA_ARGS__};                                                                        \
        struct error put_err = {0};                                                                                    \
        must(put_lines(writer, number, put_them, ARRAY_LENGTH(put_them), NULL, &put_err), &put_err);                   \
    } while (0)

static inline struct index_writer *writer_of(const char *path) {
    struct error err = {0};
    struct index_writer *writer = index_writer_open(path, 0, &err);
    must(writer != NULL, &err);
    return writer;
}

static inline struct index_reader *reader_of(const char *path) {
    struct error err = {0};
    struct index_reader *reader = index_reader_open(path, &err);
    must(reader != NULL, &err);
    return reader;
}

static inline void commit(struct index_writer *writer) {
    struct error err = {0};
    must(index_writer_commit(writer, NULL, &err), &err);
}

static inline struct search_result ask_query(struct arena *arena, struct index_reader *reader,
                                             const struct search_query *query) {
    struct error err = {0};
    struct search_result result = {0};
    must(index_search(arena, reader, query, &result, &err), &err);
    return result;
}

/* The hits as "number:passage" with blanks between, and "+n" where n more were merged; in `arena`. */
static inline const char *hits_line(struct arena *arena, const struct search_result *result) {
    char *line = arena_text(arena, "");
    for (size_t i = 0; i < result->hit_count; i++) {
        const struct search_hit *hit = &result->hits[i];
        line = arena_format(arena, "%s%s%u:%u", line, i ? " " : "", hit->episode.number, hit->first_passage);
        if (hit->passages > 1)
            line = arena_format(arena, "%s+%u", line, hit->passages - 1);
    }
    return line;
}

/* The hit's text with its marks: [word], {phrase}, <prefix>. */
static inline const char *marked(struct arena *arena, const struct search_hit *hit) {
    static const char *const around[] = {
        [SEARCH_MARK_WORD] = "[]", [SEARCH_MARK_PREFIX] = "<>", [SEARCH_MARK_PHRASE] = "{}"};
    char *line = arena_text(arena, "");
    size_t at = 0;
    for (size_t i = 0; i < hit->mark_count; i++) {
        const struct search_mark *mark = &hit->marks[i];
        assert_true(mark->start >= at && mark->end > mark->start && mark->end <= hit->text_bytes);
        line =
            arena_format(arena, "%s%.*s%c%.*s%c", line, (int)(mark->start - at), hit->text + at, around[mark->kind][0],
                         (int)(mark->end - mark->start), hit->text + mark->start, around[mark->kind][1]);
        at = mark->end;
    }
    return arena_format(arena, "%s%s", line, hit->text + at);
}

#endif
