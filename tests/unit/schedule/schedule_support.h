/* Schedules in a folder of the test's own, with a clock that the test moves and targets that write down what they are
 * asked to do. */
#ifndef TIDEMILL_TESTS_UNIT_SCHEDULE_SCHEDULE_SUPPORT_H
#define TIDEMILL_TESTS_UNIT_SCHEDULE_SCHEDULE_SUPPORT_H

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "schedule/api.h"
#include "schedule/schedule.h"
#include "support/scratch.h"
#include "support/test_clock.h"
#include "support/unit.h"

#define MACHINE "arn:aws:states:eu-central-1:111122223333:stateMachine:nightly"
#define QUEUE "arn:aws:sqs:eu-central-1:111122223333:jobs"
#define ROLE "arn:aws:iam::111122223333:role/scheduler"

struct fixture {
    struct scratch *scratch;
    struct test_clock clock;
    struct random random;
    struct schedules *schedules;
    json_t *effects;   /* what was done: [{"kind", "to", "name", "input", ...}] */
    unsigned failures; /* so many calls fail from now on */
    const char *failing_type;
    int (*on_effect)(struct fixture *f); /* called after an effect; may be NULL */
};

static inline bool effect(struct fixture *f, json_t *what, struct api_error *error) {
    if (f->failures) {
        f->failures--;
        json_decref(what);
        return api_error_set(error, f->failing_type ? f->failing_type : "ThrottlingException", 429, "not now");
    }
    json_array_append_new(f->effects, what);
    if (f->on_effect)
        f->on_effect(f);
    return true;
}

static inline bool record_execution(void *to, const char *machine_arn, const char *name, const char *input,
                                    struct api_error *error) {
    return effect(
        to, json_pack("{s:s, s:s, s:s, s:s}", "kind", "execution", "to", machine_arn, "name", name, "input", input),
        error);
}

static inline bool record_task(void *to, const char *task, const char *name, const char *input,
                               struct api_error *error) {
    return effect(to, json_pack("{s:s, s:s, s:s, s:s}", "kind", "task", "to", task, "name", name, "input", input),
                  error);
}

static inline bool record_message(void *to, const struct schedule_message *message, struct api_error *error) {
    return effect(to,
                  json_pack("{s:s, s:s, s:s, s:s, s:s?, s:O?}", "kind", "message", "to", message->queue_arn, "name",
                            message->deduplication_id, "input", message->body, "group", message->group_id, "attributes",
                            message->attributes),
                  error);
}

static inline int64_t at(const char *iso) {
    int64_t found = 0;
    if (!clock_parse_iso(iso, &found))
        fail_msg("%s is no time", iso);
    return found;
}

static inline void open_schedules(struct fixture *f) {
    struct schedule_settings settings = {
        .path = scratch_path(f->scratch, "schedules.db"),
        .clock = &f->clock.clock,
        .random = &f->random,
        .region = "eu-central-1",
        .account = "111122223333",
        .targets = {record_execution, record_task, record_message, f},
    };
    struct error err = {0};
    f->schedules = schedules_open(&settings, &err);
    if (!f->schedules)
        fail_msg("%s", err.message);
}

static inline void open_again(struct fixture *f) {
    schedules_close(f->schedules);
    open_schedules(f);
}

static inline int set_up(void **state) {
    struct fixture *f = memory_alloc(sizeof(*f));
    f->scratch = scratch_open();
    test_clock_open(&f->clock, at("2026-11-26T10:00:30Z"));
    random_seed(&f->random, 7);
    f->effects = json_array();
    open_schedules(f);
    *state = f;
    return 0;
}

static inline int tear_down(void **state) {
    struct fixture *f = *state;
    schedules_close(f->schedules);
    json_decref(f->effects);
    scratch_close(f->scratch);
    free(f);
    return 0;
}

/* JSON text with ' for ". */
static inline json_t *json_of(const char *text) {
    TEXT_OWNED char *copy = memory_text(text);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    struct error err = {0};
    json_t *value = json_parse(copy, strlen(copy), &err);
    if (!value)
        fail_msg("%s: %s", text, err.message);
    return value;
}

/* `path` may have a query ("?a=b&c=d", undecoded). NULL, with f's last error in `error`, when refused. */
static inline json_t *call_raw(struct fixture *f, const char *method, const char *path, const char *body,
                               struct api_error *error) {
    TEXT_OWNED char *copy = memory_text(path);
    struct schedule_field fields[8];
    struct schedule_request request = {.method = method, .path = copy, .query = fields};
    char *query = strchr(copy, '?');
    if (query)
        *query++ = '\0';
    for (char *part = query ? strtok(query, "&") : NULL; part; part = strtok(NULL, "&")) {
        char *value = strchr(part, '=');
        *value++ = '\0';
        fields[request.query_count++] = (struct schedule_field){part, value};
    }
    JSON_OWNED json_t *value = body ? json_of(body) : NULL;
    request.body = value;
    int status = 0;
    json_t *answer = NULL;
    if (!schedule_api_call(f->schedules, &request, &status, &answer, error))
        return NULL;
    assert_int_equal(status, 200);
    return answer;
}

/* The caller releases the answer. */
static inline json_t *call(struct fixture *f, const char *method, const char *path, const char *body) {
    API_ERROR_SCOPED struct api_error error = {0};
    json_t *answer = call_raw(f, method, path, body, &error);
    if (!answer)
        fail_msg("%s %s: %s: %s", method, path, error.type, api_error_message(&error));
    return answer;
}

static inline void done(struct fixture *f, const char *method, const char *path, const char *body) {
    json_decref(call(f, method, path, body));
}

/* Refused with this type and status, and these words in the message. */
static inline void refused(struct fixture *f, const char *method, const char *path, const char *body, int status,
                           const char *type, const char *words) {
    API_ERROR_SCOPED struct api_error error = {0};
    json_t *answer = call_raw(f, method, path, body, &error);
    if (answer)
        fail_msg("%s %s %s was taken", method, path, body ? body : "");
    if (error.status != status || strcmp(error.type, type) != 0 || !strstr(api_error_message(&error), words))
        fail_msg("%s %s %s: %d %s: \"%s\", not %d %s with \"%s\"", method, path, body ? body : "", error.status,
                 error.type, api_error_message(&error), status, type, words);
}

/* A body: expression, members behind it ("" or "'State':'DISABLED',"), members of the target behind Arn and RoleArn. */
static inline const char *body_of(struct fixture *f, const char *expression, const char *more, const char *target,
                                  const char *target_more) {
    return arena_format(f->scratch->arena,
                        "{'ScheduleExpression':'%s',%s'FlexibleTimeWindow':{'Mode':'OFF'},"
                        "'Target':{'Arn':'%s','RoleArn':'" ROLE "'%s}}",
                        expression, more, target, target_more);
}

static inline int64_t tick(struct fixture *f) {
    struct error err = {0};
    int64_t next = 0;
    if (!schedules_tick(f->schedules, &next, &err))
        fail_msg("%s", err.message);
    return next;
}

/* Ticks from due time to due time until `end`. */
static inline void run_until(struct fixture *f, int64_t end) {
    for (int64_t next = tick(f); next <= end; next = tick(f)) {
        assert_true(next > f->clock.wall);
        test_clock_move(&f->clock, next - f->clock.wall);
    }
    test_clock_move(&f->clock, end - f->clock.wall);
}

static inline size_t effect_count(const struct fixture *f) {
    return json_array_size(f->effects);
}

static inline const char *effect_text(const struct fixture *f, size_t index, const char *key) {
    return json_get_text(json_array_get(f->effects, index), key, "");
}

#endif
