#include "flow/mock.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "flow/failure.h"

struct mock_file {
    json_t *source;
    json_t *exhausted; /* the answer to an attempt that a response does not name */
};

/* The object at `key`, which must be there and be one. */
static const json_t *object_at(const json_t *object, const char *key, struct error *err) {
    const json_t *value = json_object_get(object, key);
    if (!value)
        error_set(err, ERROR_INVALID, "\"%s\" is missing", key);
    else if (!json_is_object(value))
        error_set(err, ERROR_INVALID, "\"%s\" must be an object", key);
    return json_is_object(value) ? value : NULL;
}

/* "3" or "1-2": the attempts, from 0, that an answer is for. */
static bool range_read(const char *key, int64_t *first, int64_t *last) {
    const char *dash = strchr(key, '-');
    size_t digits = strspn(key, "0123456789");
    char start[24] = "";
    if (digits == 0 || digits >= sizeof(start) || key[digits] != (dash ? '-' : 0))
        return false;
    memcpy(start, key, digits);
    if (!text_to_int64(start, first))
        return false;
    *last = *first;
    return !dash || (dash[1] >= '0' && dash[1] <= '9' && text_to_int64(dash + 1, last) && *last >= *first);
}

static bool answer_check(const json_t *answer, struct error *err) {
    if (!json_is_object(answer))
        return error_set(err, ERROR_INVALID, "must be an object");
    const json_t *returned = json_object_get(answer, "Return"), *thrown = json_object_get(answer, "Throw");
    size_t others = json_object_get(answer, "Submit") ? 1 : 0;
    if (!returned == !thrown || json_object_size(answer) != 1 + others)
        return error_set(err, ERROR_INVALID, "must have either \"Return\" or \"Throw\" and nothing else");
    if (!thrown)
        return true;
    const char *key;
    json_t *value;
    if (!json_is_object(thrown))
        return error_set(err, ERROR_INVALID, "\"Throw\" must be an object");
    if (!json_object_get(thrown, "Error"))
        return error_set(err, ERROR_INVALID, "\"Throw\" needs \"Error\"");
    json_object_foreach ((json_t *)(uintptr_t)thrown, key, value) {
        if (!text_equal(key, "Error") && !text_equal(key, "Cause"))
            return error_set(err, ERROR_INVALID, "\"Throw\" has \"%s\"; it may have \"Error\" and \"Cause\"", key);
        if (!json_is_string(value))
            return error_set(err, ERROR_INVALID, "\"%s\" of \"Throw\" must be a text", key);
    }
    return true;
}

/* True if an attempt of [first, last] is also one of another key. */
static const char *overlapping(const json_t *response, const char *key, int64_t first, int64_t last) {
    const char *other;
    json_t *answer;
    json_object_foreach ((json_t *)(uintptr_t)response, other, answer) {
        int64_t from = 0, to = 0;
        if (!text_equal(other, key) && range_read(other, &from, &to) && from <= last && first <= to)
            return other;
    }
    return NULL;
}

static bool response_check(const json_t *response, struct error *err) {
    const char *key;
    json_t *answer;
    if (!json_is_object(response) || json_object_size(response) == 0)
        return error_set(err, ERROR_INVALID, "must be an object with an answer for attempt \"0\" at least");
    json_object_foreach ((json_t *)(uintptr_t)response, key, answer) {
        int64_t first = 0, last = 0;
        if (!range_read(key, &first, &last))
            return error_set(err, ERROR_INVALID, "\"%s\" is no attempt; write \"0\" or \"1-2\"", key);
        const char *other = overlapping(response, key, first, last);
        if (other)
            return error_set(err, ERROR_INVALID, "\"%s\" and \"%s\" name the same attempt", key, other);
        if (!answer_check(answer, err))
            return error_context(err, "attempt \"%s\"", key);
    }
    return true;
}

static bool case_check(const json_t *states, const json_t *responses, struct error *err) {
    const char *state;
    json_t *name;
    if (!json_is_object(states))
        return error_set(err, ERROR_INVALID, "must be an object of states and the names of their responses");
    json_object_foreach ((json_t *)(uintptr_t)states, state, name) {
        if (!json_is_string(name))
            return error_set(err, ERROR_INVALID, "state \"%s\" must have the name of a mocked response", state);
        if (!json_object_get(responses, json_string_value(name)))
            return error_set(err, ERROR_INVALID,
                             "state \"%s\" names the response \"%s\", which is not in \"MockedResponses\"", state,
                             json_string_value(name));
    }
    return true;
}

static bool machine_check(const json_t *machine, const json_t *responses, struct error *err) {
    const char *name;
    json_t *states;
    const json_t *cases = object_at(machine, "TestCases", err);
    if (!cases)
        return false;
    json_object_foreach ((json_t *)(uintptr_t)cases, name, states) {
        if (!case_check(states, responses, err))
            return error_context(err, "test case \"%s\"", name);
    }
    return true;
}

static bool file_check(const json_t *source, struct error *err) {
    const char *name;
    json_t *value;
    if (!json_is_object(source))
        return error_set(err, ERROR_INVALID, "the file must hold an object");
    const json_t *machines = object_at(source, "StateMachines", err);
    const json_t *responses = machines ? object_at(source, "MockedResponses", err) : NULL;
    if (!responses)
        return false;
    json_object_foreach ((json_t *)(uintptr_t)responses, name, value) {
        if (!response_check(value, err))
            return error_context(err, "response \"%s\"", name);
    }
    json_object_foreach ((json_t *)(uintptr_t)machines, name, value) {
        if (!machine_check(value, responses, err))
            return error_context(err, "state machine \"%s\"", name);
    }
    return true;
}

struct mock_file *mock_file_open(const json_t *source, struct error *err) {
    if (!file_check(source, err)) {
        error_context(err, "mock file");
        return NULL;
    }
    struct mock_file *mocks = memory_alloc(sizeof(*mocks));
    mocks->source = json_incref((json_t *)(uintptr_t)source);
    mocks->exhausted = json_pack("{s:{s:s, s:s}}", "Throw", "Error", FAILURE_RUNTIME, "Cause",
                                 "The mocked response has no answer for this attempt.");
    return mocks;
}

void mock_file_close(struct mock_file *mocks) {
    if (!mocks)
        return;
    json_decref(mocks->source);
    json_decref(mocks->exhausted);
    free(mocks);
}

static const json_t *find_case(const struct mock_file *mocks, const char *machine, const char *test_case) {
    if (!mocks || !machine || !test_case)
        return NULL;
    const json_t *found = json_object_get(json_object_get(mocks->source, "StateMachines"), machine);
    return json_object_get(json_object_get(found, "TestCases"), test_case);
}

bool mock_case_exists(const struct mock_file *mocks, const char *machine, const char *test_case) {
    return find_case(mocks, machine, test_case) != NULL;
}

bool mock_find(const struct mock_file *mocks, const char *machine, const char *test_case, const char *state,
               int64_t attempt, const json_t **answer) {
    const char *name = json_get_text(find_case(mocks, machine, test_case), state, NULL);
    if (!name)
        return false;
    const char *key;
    json_t *value;
    const json_t *response = json_object_get(json_object_get(mocks->source, "MockedResponses"), name);
    json_object_foreach ((json_t *)(uintptr_t)response, key, value) {
        int64_t first = 0, last = 0;
        if (range_read(key, &first, &last) && attempt >= first && attempt <= last) {
            *answer = value;
            return true;
        }
    }
    *answer = mocks->exhausted;
    return true;
}
