/* Operations of the API on a database of the test's own, without the engine's loop: the three functions that they ask
 * the engine for are given here. */
#ifndef TIDEMILL_TESTS_UNIT_FLOW_API_SUPPORT_H
#define TIDEMILL_TESTS_UNIT_FLOW_API_SUPPORT_H

#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "flow/engine_inside.h"
#include "flow/machines.h"
#include "support/scratch.h"

#define REGION_ARN "arn:aws:states:us-east-1:000000000000:"
#define MACHINE_ARN REGION_ARN "stateMachine:"
#define ROLE "arn:aws:iam::000000000000:role/flow"
#define PASS "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"End\":true}}}"
#define PASS_2 "{\"StartAt\":\"B\",\"States\":{\"B\":{\"Type\":\"Pass\",\"End\":true}}}"

struct engine {
    struct engine_settings settings;
    struct random random;
    struct ledger *ledger;
    int64_t now_ms;
};

const struct engine_settings *engine_settings_of(struct engine *engine) {
    return &engine->settings;
}

struct ledger *engine_ledger(struct engine *engine) {
    return engine->ledger;
}

int64_t engine_now(struct engine *engine) {
    return engine->now_ms;
}

/* Executions are only rows here: the test ends them itself. */
void engine_abort_machine(struct operation_call *call, int64_t machine) {
    (void)call;
    (void)machine;
}

struct fixture {
    struct scratch *scratch;
    struct arena *arena;
    struct engine engine;
    struct api_error error; /* of the last call */
};

static struct fixture *fixture_open(void) {
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->scratch = scratch_open();
    f->arena = arena_open();
    struct error err = {0};
    f->engine.ledger = ledger_open(scratch_path(f->scratch, "flow.db"), &err);
    assert_non_null(f->engine.ledger);
    random_seed(&f->engine.random, 7);
    f->engine.settings.random = &f->engine.random;
    f->engine.now_ms = 1700000000123;
    return f;
}

static void fixture_close(struct fixture *f) {
    api_error_close(&f->error);
    ledger_close(f->engine.ledger);
    arena_close(f->arena);
    scratch_close(f->scratch);
    free(f);
}

/* Runs the operation in a transaction of its own; NULL when it was refused. */
static json_t *call_table(struct fixture *f, const struct operation *table, const char *name, const json_t *request) {
    struct operation_call call = {.engine = &f->engine,
                                  .arena = f->arena,
                                  .db = ledger_writer(f->engine.ledger),
                                  .request = request,
                                  .now_ms = f->engine.now_ms};
    while (table->name && !text_equal(table->name, name))
        table++;
    assert_non_null(table->run);
    api_error_close(&f->error);
    json_t *answer = NULL;
    struct error err = {0};
    assert_true(db_begin(call.db, &err));
    bool done = table->run(&call, &answer, &f->error);
    assert_true(db_commit(call.db, &err));
    assert_true(done == (answer != NULL));
    assert_true(done == (f->error.type[0] == 0));
    return answer;
}

static json_t *call_text(struct fixture *f, const struct operation *table, const char *name, const char *request) {
    struct error err = {0};
    JSON_OWNED json_t *parsed = json_parse(request, strlen(request), &err);
    assert_non_null(parsed);
    return call_table(f, table, name, parsed);
}

/* What the call answers, compared whole. */
__attribute__((unused)) static void answers(struct fixture *f, const struct operation *table, const char *name,
                                            const char *request, const char *expected) {
    JSON_OWNED json_t *answer = call_text(f, table, name, request);
    assert_string_equal(api_error_message(&f->error), "");
    JSON_OWNED json_t *wanted = json_parse(expected, strlen(expected), NULL);
    assert_non_null(wanted);
    if (!json_equal(answer, wanted)) {
        char *got = json_text(answer, 2);
        print_error("%s answered %s\n", name, got);
        free(got);
    }
    assert_true(json_equal(answer, wanted));
}

__attribute__((unused)) static void refuses(struct fixture *f, const struct operation *table, const char *name,
                                            const char *request, const char *type, const char *message) {
    assert_null(call_text(f, table, name, request));
    assert_string_equal(f->error.type, type);
    assert_string_equal(api_error_message(&f->error), message);
    assert_int_equal(f->error.status, 400);
}

/* A statement of the test's own. */
__attribute__((unused)) static void sql(struct fixture *f, const char *text) {
    struct error err = {0};
    if (!db_run(ledger_writer(f->engine.ledger), text, &err))
        print_error("%s\n", err.message);
    assert_int_equal(err.code, ERROR_NONE);
}

__attribute__((unused)) static int64_t sql_int(struct fixture *f, const char *text) {
    struct error err = {0};
    int64_t value = 0;
    assert_true(db_read_int(ledger_writer(f->engine.ledger), -1, &value, &err, text, ""));
    return value;
}

/* {"name":…,"definition":…,"roleArn":…} and `more` ("\"publish\":true"). In the arena. */
__attribute__((unused)) static const char *create_request(struct fixture *f, const char *name, const char *definition,
                                                          const char *more) {
    JSON_OWNED json_t *text = json_string(definition);
    char *quoted = json_text(text, 0);
    const char *request = arena_format(f->arena, "{\"name\":\"%s\",\"definition\":%s,\"roleArn\":\"" ROLE "\"%s%s}",
                                       name, quoted, *more ? "," : "", more);
    free(quoted);
    return request;
}

#endif
