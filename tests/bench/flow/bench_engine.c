/* The engine alone, without HTTP: how many transitions a second it makes durable, with so many executions asked for at
 * a time.
 *
 *   bench_engine FOLDER [EXECUTIONS 20000] [AT_A_TIME 1000] [express] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/engine.h"

enum { STATES = 20 };

struct load {
    struct engine *engine;
    json_t *request;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t under_way, left, ended;
    bool express;
};

static char *definition(void) {
    struct text out;
    text_open(&out, 1 << 20);
    text_append(&out, "{\"StartAt\":\"S0\",\"States\":{");
    for (int i = 0; i < STATES; i++) {
        if (i % 2)
            text_append_format(&out,
                               "\"S%d\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.n\",\"NumericEquals\":%d,"
                               "\"Next\":\"S0\"}],\"Default\":\"S%d\"},",
                               i, 1000 + i, i + 1);
        else
            text_append_format(&out, "\"S%d\":{\"Type\":\"Pass\",\"Next\":\"S%d\"},", i, i + 1);
    }
    text_append_format(&out, "\"S%d\":{\"Type\":\"Pass\",\"End\":true}}}", STATES);
    return text_take(&out);
}

static void started(void *to, json_t *answer, const struct api_error *error) {
    struct load *load = to;
    if (!answer) {
        fprintf(stderr, "%s: %s\n", error->type, api_error_message(error));
        exit(1);
    }
    json_decref(answer);
    pthread_mutex_lock(&load->lock);
    load->under_way--;
    load->ended++;
    pthread_cond_signal(&load->changed);
    pthread_mutex_unlock(&load->lock);
}

int main(int argc, char **argv) {
    struct error err = {0};
    size_t total = argc > 2 ? (size_t)atol(argv[2]) : 20000;
    size_t most = argc > 3 ? (size_t)atol(argv[3]) : 1000;
    bool express = argc > 4 && strcmp(argv[4], "express") == 0;
    if (argc < 2)
        return 2;
    struct engine_settings settings = {.folder = argv[1]};
    struct engine *engine = engine_open(&settings, &err);
    if (!engine) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    TEXT_OWNED char *text = definition();
    JSON_OWNED json_t *create =
        json_pack("{s:s, s:s, s:s, s:s}", "name", express ? "e" : "s", "definition", text, "roleArn",
                  "arn:aws:iam::000000000000:role/x", "type", express ? "EXPRESS" : "STANDARD");
    json_t *made = NULL;
    struct api_error error = {0};
    if (!engine_call_wait(engine, "CreateStateMachine", create, &made, &error)) {
        fprintf(stderr, "%s: %s\n", error.type, api_error_message(&error));
        return 1;
    }
    struct load load = {.engine = engine, .left = total, .express = express};
    pthread_mutex_init(&load.lock, NULL);
    pthread_cond_init(&load.changed, NULL);
    load.request =
        json_pack("{s:s, s:s}", "stateMachineArn", json_string_value(json_object_get(made, "stateMachineArn")), "input",
                  "{\"n\":7,\"text\":\"forty bytes of text or thereabouts\"}");
    int64_t began = clock_monotonic_ms(clock_system());
    pthread_mutex_lock(&load.lock);
    while (load.left || load.under_way) {
        if (load.left && load.under_way < most) {
            load.left--;
            load.under_way++;
            pthread_mutex_unlock(&load.lock);
            engine_call(engine, express ? "StartSyncExecution" : "StartExecution", load.request, started, &load);
            pthread_mutex_lock(&load.lock);
            continue;
        }
        pthread_cond_wait(&load.changed, &load.lock);
    }
    pthread_mutex_unlock(&load.lock);
    struct engine_numbers numbers;
    for (engine_numbers(engine, &numbers); numbers.executions_ended < total; engine_numbers(engine, &numbers))
        clock_wait(clock_system(), 1, NULL);
    double seconds = (double)(clock_monotonic_ms(clock_system()) - began) / 1000;
    printf("%s: %zu executions, %llu transitions in %.2f s: %.0f transitions/s, %.0f executions/s, %llu commits\n",
           express ? "express" : "standard", total, (unsigned long long)numbers.transitions, seconds,
           (double)numbers.transitions / seconds, (double)total / seconds, (unsigned long long)numbers.commits);
    json_decref(load.request);
    json_decref(made);
    engine_close(engine);
    return 0;
}
