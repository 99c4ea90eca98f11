/* Our side of the search benchmark; run.sh runs it beside the peer and prints the table.
 *
 *   bench_search build DATA INDEX           from DATA/passages.tsv
 *   bench_search add DATA INDEX             one more episode, the longest of the data under a new number
 *   bench_search first INDEX QUERY          open and answer once: for a process of its own
 *   bench_search queries INDEX DATA         the mix of DATA/queries.tsv, three rounds, each query timed alone
 *
 * Each prints one line of JSON a figure; times are of the monotonic clock. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/memory.h"
#include "search/search.h"

enum { FIELDS = 6, ROUNDS = 3, PAGE = 25 };

static double seconds_of(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds(void) {
    return seconds_of(CLOCK_MONOTONIC);
}

static double peak_mib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static void fail(const struct error *err) {
    char line[1200];
    fprintf(stderr, "bench_search: %s\n", error_line(err, line, sizeof(line)));
    exit(3);
}

/* ---- the data ---- */

struct data {
    FILE *file;
    char *line;
    size_t line_size;
    char *fields[FIELDS];
    struct index_episode episode;
    struct index_passage *passages;
    size_t count;
    size_t capacity;
    struct arena *arena;
    size_t text_bytes;
};

static FILE *file_open(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "bench_search: %s: %s\n", path, strerror(errno));
        exit(3);
    }
    return file;
}

static int line_split(char *line, char **fields) {
    int n = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at && n < FIELDS; n++) {
        fields[n] = at;
        at = strchr(at, '\t');
        if (at)
            *at++ = '\0';
    }
    return n;
}

/* The line in hand is an episode's; reads it and its passages, and the next episode's line. */
static bool episode_read(struct data *data) {
    if (!data->line && getline(&data->line, &data->line_size, data->file) < 0)
        return false;
    if (!data->line || data->line[0] != 'E' || line_split(data->line, data->fields) < 6)
        return false;
    arena_reset(data->arena);
    data->count = 0;
    data->episode = (struct index_episode){.number = (uint32_t)strtoul(data->fields[1], NULL, 10),
                                           .published_ms = strtoll(data->fields[2], NULL, 10),
                                           .podcast_id = arena_text(data->arena, data->fields[3]),
                                           .podcast_title = arena_text(data->arena, data->fields[3]),
                                           .title = arena_text(data->arena, data->fields[4]),
                                           .file_key = arena_text(data->arena, data->fields[5])};
    for (;;) {
        if (getline(&data->line, &data->line_size, data->file) < 0) {
            data->line[0] = '\0';
            return true;
        }
        if (data->line[0] != 'P')
            return true;
        line_split(data->line, data->fields);
        data->passages = memory_grow(data->passages, data->count, &data->capacity, sizeof(*data->passages));
        data->passages[data->count++] = (struct index_passage){.start_ms = (uint32_t)strtoul(data->fields[1], NULL, 10),
                                                               .end_ms = (uint32_t)strtoul(data->fields[2], NULL, 10),
                                                               .text = arena_text(data->arena, data->fields[3]),
                                                               .text_bytes = strlen(data->fields[3])};
        data->text_bytes += strlen(data->fields[3]);
    }
}

static void data_open(struct data *data, const char *folder) {
    *data = (struct data){.file = file_open(folder, "passages.tsv"), .arena = arena_open()};
}

static void data_close(struct data *data) {
    fclose(data->file);
    arena_close(data->arena);
    free(data->passages);
    free(data->line);
}

/* ---- building ---- */

static void build(const char *folder, const char *path) {
    struct error err = {0};
    struct data data;
    struct stat status;
    size_t passages = 0;
    data_open(&data, folder);
    double start = seconds();
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    struct index_writer *writer = index_writer_open(path, INDEX_EMPTY, &err);
    if (!writer)
        fail(&err);
    while (episode_read(&data)) {
        if (!index_writer_put(writer, &data.episode, data.passages, data.count, NULL, &err))
            fail(&err);
        passages += data.count;
    }
    if (!index_writer_commit(writer, NULL, &err))
        fail(&err);
    double took = seconds() - start;
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    index_writer_close(writer);
    if (stat(path, &status) != 0)
        exit(3);
    printf("{\"figure\":\"build\",\"passages\":%zu,\"text_bytes\":%zu,\"seconds\":%.3f,\"cpu_seconds\":%.3f,"
           "\"peak_mib\":%.1f,\"disk_bytes\":%lld}\n",
           passages, data.text_bytes, took, cpu, peak_mib(), (long long)status.st_size);
    data_close(&data);
}

static void add(const char *folder, const char *path) {
    struct error err = {0};
    struct data data;
    data_open(&data, folder);
    for (int i = 0; i < 20 && episode_read(&data); i++)
        ;
    data.episode.number = 500000;
    double start = seconds();
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    struct index_writer *writer = index_writer_open(path, 0, &err);
    if (!writer || !index_writer_put(writer, &data.episode, data.passages, data.count, NULL, &err) ||
        !index_writer_commit(writer, NULL, &err))
        fail(&err);
    double took = seconds() - start;
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    index_writer_close(writer);
    printf("{\"figure\":\"add\",\"passages\":%zu,\"seconds\":%.3f,\"cpu_seconds\":%.3f,\"peak_mib\":%.1f}\n",
           data.count, took, cpu, peak_mib());
    data_close(&data);
}

/* ---- asking ---- */

/* Returns the wall time; *cpu receives the processor time, which others on the machine disturb less. */
static double ask(struct arena *arena, struct index_reader *reader, const char *text, struct search_result *result,
                  double *cpu) {
    struct error err = {0};
    struct search_query query = {.text = text, .text_bytes = strlen(text), .limit = PAGE};
    double start = seconds();
    double cpu_start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    if (!index_search(arena, reader, &query, result, &err))
        fail(&err);
    *cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu_start;
    return seconds() - start;
}

static void first(const char *path, const char *text) {
    struct error err = {0};
    double start = seconds();
    struct arena *arena = arena_open();
    struct index_reader *reader = index_reader_open(path, &err);
    if (!reader)
        fail(&err);
    struct search_result result;
    double cpu;
    ask(arena, reader, text, &result, &cpu);
    printf("{\"figure\":\"first\",\"query\":\"");
    for (const char *c = text; *c; c++)
        printf(*c == '"' ? "\\%c" : "%c", *c);
    printf("\",\"ms\":%.2f,\"total\":%llu,\"peak_mib\":%.1f}\n", (seconds() - start) * 1e3,
           (unsigned long long)result.total_hits, peak_mib());
    index_reader_close(reader);
    arena_close(arena);
}

static int double_compare(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

struct class {
    char name[32];
    double *times;
    double *cpu;
    size_t count;
    size_t capacity;
    size_t cpu_capacity;
    size_t asked;
    size_t words;     /* the slip is a word of the index itself, and was answered as such */
    size_t found;     /* the answer is for the word meant */
    size_t suggested; /* ... and it is what "did you mean" says */
};

static void class_print(struct class *class) {
    qsort(class->times, class->count, sizeof(double), double_compare);
    qsort(class->cpu, class->count, sizeof(double), double_compare);
    double p50 = class->times[class->count / 2] * 1e3;
    double p99 = class->times[(size_t)((double)class->count * 0.99)] * 1e3;
    printf("{\"figure\":\"queries\",\"class\":\"%s\",\"count\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,"
           "\"cpu_p50_ms\":%.3f,\"cpu_p99_ms\":%.3f,\"cpu_max_ms\":%.3f",
           class->name, class->count, p50, p99, class->times[class->count - 1] * 1e3,
           class->cpu[class->count / 2] * 1e3, class->cpu[(size_t)((double)class->count * 0.99)] * 1e3,
           class->cpu[class->count - 1] * 1e3);
    if (strcmp(class->name, "typo") == 0)
        printf(",\"slip_is_a_word\":%.4f,\"found\":%.4f,\"first_guess\":%.4f",
               (double)class->words / (double)class->asked,
               (double)class->found / (double)(class->asked - class->words),
               (double)class->suggested / (double)(class->asked - class->words));
    puts("}");
}

static void class_add(struct class *class, double took, double cpu) {
    class->cpu = memory_grow(class->cpu, class->count, &class->cpu_capacity, sizeof(double));
    class->cpu[class->count] = cpu;
    class->times = memory_grow(class->times, class->count, &class->capacity, sizeof(double));
    class->times[class->count++] = took;
}

static void target_count(struct class *class, const struct search_result *result, const char *target) {
    class->asked++;
    class->suggested += result->suggestion && strcmp(result->suggestion, target) == 0;
    if (!result->corrected) {
        class->words++;
        return;
    }
    size_t length = strlen(target);
    for (const char *at = result->corrected; (at = strstr(at, target)); at++) {
        if ((at == result->corrected || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[length])) {
            class->found++;
            break;
        }
    }
}

static void queries(const char *path, const char *folder) {
    struct error err = {0};
    struct class classes[8] = {{.name = "all"}};
    size_t class_count = 1;
    struct arena *arena = arena_open();
    struct index_reader *reader = index_reader_open(path, &err);
    if (!reader)
        fail(&err);
    char *line = NULL;
    size_t size = 0;
    char *fields[FIELDS];
    for (int round = -1; round < ROUNDS; round++) { /* one round before to be warm */
        FILE *file = file_open(folder, "queries.tsv");
        while (getline(&line, &size, file) > 0) {
            if (line_split(line, fields) < 3)
                continue;
            size_t c = 1;
            while (c < class_count && strcmp(classes[c].name, fields[0]) != 0)
                c++;
            if (c == class_count)
                snprintf(classes[class_count++].name, sizeof(classes[0].name), "%s", fields[0]);
            arena_reset(arena);
            struct search_result result;
            double cpu;
            double took = ask(arena, reader, fields[1], &result, &cpu);
            if (round < 0)
                continue;
            class_add(&classes[c], took, cpu);
            class_add(&classes[0], took, cpu);
            if (fields[2][0])
                target_count(&classes[c], &result, fields[2]);
        }
        fclose(file);
    }
    for (size_t c = 0; c < class_count; c++) {
        class_print(&classes[c]);
        free(classes[c].times);
        free(classes[c].cpu);
    }
    printf("{\"figure\":\"queries_memory\",\"peak_mib\":%.1f}\n", peak_mib());
    free(line);
    index_reader_close(reader);
    arena_close(arena);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "build") == 0)
        build(argv[2], argv[3]);
    else if (argc == 4 && strcmp(argv[1], "add") == 0)
        add(argv[2], argv[3]);
    else if (argc == 4 && strcmp(argv[1], "first") == 0)
        first(argv[2], argv[3]);
    else if (argc == 4 && strcmp(argv[1], "queries") == 0)
        queries(argv[2], argv[3]);
    else {
        fputs("usage: bench_search build|add|first|queries …\n", stderr);
        return 2;
    }
    return 0;
}
