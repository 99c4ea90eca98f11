/* Any bytes are a valid query: parsed, asked of a small index, corrected, marked. The first byte picks the order and
 * the merging, the rest is the query. What must hold: no error, marks inside the text and in order, totals that agree
 * with the hits. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "search/search.h"

static struct index_reader *reader;
static struct arena *arena;

static void index_make(void) {
    static const char *const lines[] = {
        "the quick brown fox jumps over the lazy dog",
        "Don't worry; Kevin's café is an e-mail away",
        "l'avion de l'été, straße",
        "東京 and or not AND OR NOT",
        "over and over and over",
        "a b c d e f g h",
    };
    char folder[] = "/tmp/fuzz-query-XXXXXX";
    char path[64];
    struct error err = {0};
    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof(path), "%s/x", folder);
    struct index_writer *writer = index_writer_open(path, 0, &err);
    for (uint32_t number = 1; writer && number <= 3; number++) {
        struct index_passage passages[ARRAY_LENGTH(lines)];
        for (size_t i = 0; i < ARRAY_LENGTH(lines); i++)
            passages[i] = (struct index_passage){.text = lines[i], .text_bytes = strlen(lines[i])};
        struct index_episode episode = {
            .number = number, .podcast_id = "", .podcast_title = "", .title = "", .file_key = ""};
        if (!index_writer_put(writer, &episode, passages, ARRAY_LENGTH(lines), NULL, &err))
            abort();
    }
    if (!writer || !index_writer_commit(writer, NULL, &err))
        abort();
    index_writer_close(writer);
    reader = index_reader_open(path, &err);
    arena = arena_open();
    unlink(path); /* the reader has it open */
    rmdir(folder);
    if (!reader)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error err = {0};
    struct search_result result;
    if (!reader)
        index_make();
    if (size == 0)
        return 0;
    struct search_query query = {.text = (const char *)data + 1,
                                 .text_bytes = size - 1,
                                 .sort = (enum search_sort)(data[0] % 3),
                                 .merge = data[0] / 3 % 5,
                                 .limit = 100};
    if (!index_search(arena, reader, &query, &result, &err) || result.hit_count != result.total_hits ||
        result.total_passages < result.total_hits)
        abort();
    for (size_t i = 0; i < result.hit_count; i++) {
        const struct search_hit *hit = &result.hits[i];
        uint32_t at = 0;
        for (size_t m = 0; m < hit->mark_count; m++) {
            if (hit->marks[m].start < at || hit->marks[m].end <= hit->marks[m].start ||
                hit->marks[m].end > hit->text_bytes)
                abort();
            at = hit->marks[m].end;
        }
        if (hit->mark_count == 0)
            abort();
    }
    arena_reset(arena);
    return 0;
}
