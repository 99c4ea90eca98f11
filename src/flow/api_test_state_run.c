/* TestState: what the state does with its data. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "flow/api_test_state.h"

static json_t *hold(const json_t *value) {
    return json_incref((json_t *)(uintptr_t)value);
}

static bool with_input(const struct test *test, const json_t *input, struct evaluation *inner) {
    *inner = test->evaluation;
    inner->input = input;
    return true;
}

/* The mock's error, or its result in test->data. Without a mock the task is carried out. */
static bool answer(struct test *test) {
    const json_t *error = json_object_get(test->mock, "errorOutput");
    if (json_is_object(error)) {
        test->failure = (struct failure){.error = json_get_text(error, "error", NULL),
                                         .cause = json_get_text(error, "cause", NULL)};
        return false;
    }
    if (test->mocked) {
        test->data.result = json_incref(test->mocked);
        return true;
    }
    return test_task(test);
}

static bool run_task(struct test *test) {
    return step_input(test->state, &test->evaluation, &test->data, &test->failure) && answer(test) &&
           step_output(test->state, &test->evaluation, &test->data, &test->failure);
}

static bool run_pass(struct test *test) {
    if (!step_input(test->state, &test->evaluation, &test->data, &test->failure))
        return false;
    test->data.result = hold(test->state->result ? test->state->result : test->data.after_parameters);
    return step_output(test->state, &test->evaluation, &test->data, &test->failure);
}

static bool run_plain(struct test *test) {
    return step_input(test->state, &test->evaluation, &test->data, &test->failure) &&
           step_output(test->state, &test->evaluation, &test->data, &test->failure);
}

/* Looks at the moment but does not wait for it: a test is about data. */
static bool run_wait(struct test *test) {
    int64_t until_ms = 0;
    if (!step_input(test->state, &test->evaluation, &test->data, &test->failure))
        return false;
    struct evaluation inner;
    with_input(test, test->data.after_input_path, &inner);
    return step_wait_until(test->state, &inner, test->call->now_ms, &until_ms, &test->failure) &&
           step_output(test->state, &test->evaluation, &test->data, &test->failure);
}

static bool run_choice(struct test *test) {
    const struct choice *choice = NULL;
    if (!step_input(test->state, &test->evaluation, &test->data, &test->failure) ||
        !step_choose(test->state, &test->evaluation, &test->data, &choice, &test->failure))
        return false;
    test->next = choice ? choice->next : test->state->otherwise;
    const struct template *assign = choice ? choice->assign : test->state->assign;
    struct evaluation inner;
    with_input(test, test->data.after_input_path, &inner);
    if (assign && !(test->data.assigned = template_evaluate(assign, &inner, &test->failure)))
        return false;
    return step_output(test->state, &test->evaluation, &test->data, &test->failure);
}

static bool run_fail(struct test *test) {
    test->data.after_input_path = hold(test->input);
    step_fail(test->state, &test->evaluation, &test->failure, &test->failure);
    return false;
}

/* ---- Map ---- */

static bool read_items(struct test *test) {
    const struct map_fields *map = &test->state->map;
    if (map->reader.kind != READER_NONE)
        return true;
    struct evaluation inner;
    with_input(test, test->data.after_input_path, &inner);
    json_t *items = map->items_path ? path_read(map->items_path, &inner, &test->failure) : hold(inner.input);
    if (!items)
        return false;
    if (!json_is_array(items)) {
        const char *path = map->items_path ? path_text(map->items_path) : "$";
        json_decref(items);
        return failure_set(&test->failure, test->call->arena, FAILURE_RUNTIME,
                           "Reference path \"%s\" must point to array.", text_starts(path, "$$") ? path + 1 : path);
    }
    test->after_items_path = items;
    return true;
}

static bool select_items(struct test *test) {
    const struct template *selector = test->state->map.item_selector;
    const json_t *items = test->after_items_path ? test->after_items_path : test->items;
    if (!selector || !items)
        return true;
    json_t *selected = json_array();
    size_t i;
    json_t *item;
    json_array_foreach (items, i, item) {
        struct evaluation inner;
        with_input(test, test->data.after_input_path, &inner);
        JSON_OWNED json_t *context = json_copy(test->context);
        json_object_set_new(context, "Map", json_pack("{s:{s:I, s:O}}", "Item", "Index", (json_int_t)i, "Value", item));
        inner.context = context;
        json_t *one = template_evaluate(selector, &inner, &test->failure);
        if (!one) {
            json_decref(selected);
            return false;
        }
        json_array_append_new(selected, one);
    }
    test->after_item_selector = selected;
    return true;
}

static bool read_numbers(struct test *test) {
    const struct map_fields *map = &test->state->map;
    struct evaluation inner;
    with_input(test, test->data.after_input_path, &inner);
    test->map_told = step_number(&map->max_concurrency, "MaxConcurrencyPath", true, &inner, &test->max_concurrency,
                                 &test->failure) &&
                     step_number(&map->tolerated_count, "ToleratedFailureCountPath", true, &inner,
                                 &test->tolerated_count, &test->failure) &&
                     step_number(&map->tolerated_percentage, "ToleratedFailurePercentagePath", false, &inner,
                                 &test->tolerated_percentage, &test->failure);
    return test->map_told;
}

/* The failures that the test supposes, against what the Map tolerates. A Map that tolerates nothing in so many words
 * fails with its first failure's own error, which the test gives as a mock. */
static bool tolerate(struct test *test) {
    const struct map_fields *map = &test->state->map;
    double failed = (double)json_get_int(test->configuration, "mapIterationFailureCount", 0);
    const json_t *items = test->after_items_path ? test->after_items_path : test->items;
    double count = (double)json_array_size(items ? items : test->mocked);
    bool exceeded = (map->tolerated_count.given && failed > test->tolerated_count) ||
                    (map->tolerated_percentage.given && count > 0 && failed / count * 100 > test->tolerated_percentage);
    return !exceeded || failure_set(&test->failure, test->call->arena, FAILURE_TOLERANCE,
                                    "The specified tolerated failure threshold was exceeded");
}

static bool run_map(struct test *test) {
    return step_input(test->state, &test->evaluation, &test->data, &test->failure) && read_items(test) &&
           read_numbers(test) && select_items(test) && tolerate(test) && answer(test) &&
           step_output(test->state, &test->evaluation, &test->data, &test->failure);
}

/* ---- failures ---- */

static void retry_or_catch(struct test *test) {
    const struct state *state = test->state;
    int64_t *counts = arena_alloc_array(test->call->arena, state->retrier_count + 1, sizeof(*counts));
    for (size_t i = 0; i < state->retrier_count; i++)
        counts[i] = json_get_int(test->configuration, "retrierRetryCount", 0);
    test->retry_index = step_retry(state, &test->failure, counts, test->evaluation.random, &test->retry_delay_s);
    if (test->retry_index >= 0) {
        test->status = TEST_RETRIABLE;
        return;
    }
    const struct catcher *catcher = NULL;
    struct step_data caught = {0};
    struct failure then = {0};
    if (!step_catch(state, &test->evaluation, &test->failure, &catcher, &caught, &then)) {
        test->failure = then;
    } else if (catcher) {
        test->status = TEST_CAUGHT;
        test->catch_index = catcher - state->catchers;
        test->next = catcher->next;
        json_decref(test->data.output);
        json_decref(test->data.assigned);
        test->data.output = json_incref(caught.output);
        test->data.assigned = json_incref(caught.assigned);
    }
    step_data_close(&caught);
}

void test_run(struct test *test) {
    static bool (*const runs[])(struct test *) = {
        [STATE_PASS] = run_pass, [STATE_TASK] = run_task,     [STATE_CHOICE] = run_choice, [STATE_WAIT] = run_wait,
        [STATE_FAIL] = run_fail, [STATE_SUCCEED] = run_plain, [STATE_PARALLEL] = run_task, [STATE_MAP] = run_map};
    test->retry_index = test->catch_index = -1;
    test->next = test->state->next;
    if (runs[test->state->type](test)) {
        test->status = TEST_SUCCEEDED;
        return;
    }
    test->status = TEST_FAILED;
    test->next = NULL;
    json_decref(test->data.output);
    test->data.output = NULL;
    if (test->state->type != STATE_FAIL)
        retry_or_catch(test);
}
