/* Readers in threads of their own, and plain copies of the file, while a writer publishes one episode after the other:
 * each sees one whole state. In state k the episodes 1 to k are there, and each has the word "shared" once and the word
 * "k<k>" of the last. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "index_support.h"

enum { STATES = 60, READERS = 3 };

static struct scratch *scratch;
static const char *path;
static atomic_bool ended;
static atomic_uint answered;
static atomic_uint copied;

static void put_state(struct index_writer *writer, uint32_t number) {
    struct error err = {0};
    char line[64];
    snprintf(line, sizeof(line), "shared word in state k%u", number);
    const char *lines[] = {line, "some more text that fills the pages", "and again some more"};
    must(put_lines(writer, number, lines, ARRAY_LENGTH(lines), NULL, &err), &err);
    commit(writer);
}

/* Asks a reader whose state it does not know for everything about it. 0 when it does not agree with itself. */
static uint64_t state_of(struct index_reader *reader, struct arena *arena) {
    struct error err = {0};
    struct search_result result;
    char last[32];
    size_t count;
    index_reader_entries(reader, &count);
    struct search_query query = {.text = "shared", .text_bytes = 6, .limit = 100};
    if (!index_search(arena, reader, &query, &result, &err) || result.total_hits != count || result.hit_count != count)
        return 0;
    snprintf(last, sizeof(last), "\"state k%zu\"", count);
    query = (struct search_query){.text = last, .text_bytes = strlen(last), .limit = 100, .no_correction = true};
    if (!index_search(arena, reader, &query, &result, &err) || result.total_hits != 1)
        return 0;
    snprintf(last, sizeof(last), "k%zu", count + 1);
    query = (struct search_query){.text = last, .text_bytes = strlen(last), .limit = 100, .no_correction = true};
    if (!index_search(arena, reader, &query, &result, &err) || result.total_hits != 0)
        return 0;
    return count;
}

static void *reader_work(void *to) {
    struct error err = {0};
    struct arena *arena = arena_open();
    struct index_reader *reader = index_reader_open(path, &err);
    uint64_t last = 0;
    bool good = reader != NULL;
    while (good && !atomic_load(&ended)) {
        uint64_t state = state_of(reader, arena);
        good = state >= last && state > 0 && index_reader_refresh(reader, NULL, &err);
        last = state;
        arena_reset(arena);
        atomic_fetch_add(&answered, 1);
    }
    index_reader_close(reader);
    arena_close(arena);
    *(bool *)to = good;
    return NULL;
}

/* What `cp` does, in small steps. */
static bool copy_plain(const char *to) {
    char bytes[1000];
    ssize_t n = -1;
    int from = open(path, O_RDONLY);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    while (from >= 0 && out >= 0 && (n = read(from, bytes, sizeof(bytes))) > 0) {
        if (write(out, bytes, (size_t)n) != n)
            break;
    }
    close(from);
    close(out);
    return n == 0;
}

static void *copier_work(void *to) {
    struct error err = {0};
    struct arena *arena = arena_open();
    const char *copy = scratch_path(scratch, "copy.sqlite");
    bool good = true;
    while (good && !atomic_load(&ended)) {
        good = copy_plain(copy) && index_check(copy, scratch->path, &err);
        struct index_reader *reader = good ? index_reader_open(copy, &err) : NULL;
        good = reader && state_of(reader, arena) > 0;
        index_reader_close(reader);
        arena_reset(arena);
        atomic_fetch_add(&copied, 1);
    }
    arena_close(arena);
    *(bool *)to = good;
    return NULL;
}

static void read_and_copied_while_written(void **state) {
    (void)state;
    pthread_t threads[READERS + 1];
    bool good[READERS + 1];
    scratch = scratch_open();
    scratch_write(scratch, "index/x", "");
    path = scratch_path(scratch, "index/passages.sqlite");
    struct index_writer *writer = writer_of(path);
    put_state(writer, 1);
    for (size_t i = 0; i <= READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i < READERS ? reader_work : copier_work, &good[i]), 0);
    for (uint32_t k = 2; k <= STATES; k++)
        put_state(writer, k);
    while (atomic_load(&answered) < 2 * READERS || atomic_load(&copied) < 2)
        usleep(1000); /* until each had its turn, however slow the machine */
    atomic_store(&ended, true);
    for (size_t i = 0; i <= READERS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(good[i]);
    }
    index_writer_close(writer);
    scratch_close(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(read_and_copied_while_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
