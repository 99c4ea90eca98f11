#include "store/object/faulty.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/object/object_driver.h"

struct faulty {
    struct object_driver
        row; /* the features are those of the store beneath, without plain files: they would go past us */
    struct object_store *store;
    struct fault *faults;
    size_t count;
    size_t piece_bytes;
    const struct clock *clock;
    int64_t slow_ms;

    pthread_mutex_t lock;
    unsigned calls[FAULTY_ANY + 1]; /* guarded by lock */
};

static bool applies(const struct fault *fault, unsigned nth) {
    return fault->persistent ? nth >= fault->nth : nth == fault->nth;
}

/* Counts the call, and finds what is to go wrong with it; NULL for nothing. */
static const struct fault *fault_of(struct faulty *faulty, enum faulty_call call) {
    const struct fault *found = NULL;
    pthread_mutex_lock(&faulty->lock);
    unsigned own = ++faulty->calls[call];
    unsigned any = ++faulty->calls[FAULTY_ANY];
    for (size_t i = 0; i < faulty->count && !found; i++) {
        const struct fault *fault = &faulty->faults[i];
        if ((fault->call == call && applies(fault, own)) || (fault->call == FAULTY_ANY && applies(fault, any)))
            found = fault;
    }
    pthread_mutex_unlock(&faulty->lock);
    if (faulty->slow_ms)
        clock_wait(faulty->clock, faulty->slow_ms, NULL);
    if (found && found->kind == FAULTY_EXIT)
        _exit(FAULTY_EXIT_STATUS);
    return found;
}

static bool kind_is(const struct fault *fault, enum faulty_kind kind) {
    return fault && fault->kind == kind;
}

static bool fail(const struct fault *fault, struct error *err) {
    error_set(err, fault->code ? fault->code : ERROR_IO, "the store failed on purpose");
    if (err)
        err->retryable = fault->retryable;
    return false;
}

/* What comes after a call that was carried out. */
static bool finish(const struct fault *fault, bool done, struct object_facts *facts, struct error *err) {
    if (!done)
        return false;
    if (kind_is(fault, FAULTY_EXIT_DONE))
        _exit(FAULTY_EXIT_STATUS);
    if (kind_is(fault, FAULTY_FAIL_DONE))
        return fail(fault, err);
    if (kind_is(fault, FAULTY_WRONG_SIZE) && facts)
        facts->size++;
    return true;
}

/* A listing on its way through. */
struct passing {
    const struct fault *fault;
    object_visit *visit;
    void *to;
    uint64_t told;
    bool ended; /* by us, not by the visitor */
};

static bool pass_facts(void *to, const struct object_facts *facts, struct error *err) {
    struct passing *passing = to;
    const struct fault *fault = passing->fault;
    bool breaks =
        kind_is(fault, FAULTY_FAIL) || kind_is(fault, FAULTY_CUT_SHORT) || kind_is(fault, FAULTY_LIST_REPEATS);
    if (breaks && passing->told == fault->after) {
        passing->ended = true;
        return fail(fault, err);
    }
    struct object_facts told = *facts;
    if (kind_is(fault, FAULTY_WRONG_SIZE))
        told.size++;
    passing->told++;
    return passing->visit(passing->to, &told, err);
}

static bool faulty_list(void *self, const char *prefix, object_visit *visit, void *to, struct error *err) {
    struct faulty *faulty = self;
    struct passing passing = {.fault = fault_of(faulty, FAULTY_LIST), .visit = visit, .to = to};
    struct error why = {0};
    bool done = object_list_all(faulty->store, prefix, pass_facts, &passing, &why);
    if (passing.ended && kind_is(passing.fault, FAULTY_CUT_SHORT))
        return true;
    if (passing.ended && kind_is(passing.fault, FAULTY_LIST_REPEATS)) {
        struct passing again = {.visit = visit, .to = to};
        return object_list_all(faulty->store, prefix, pass_facts, &again, err);
    }
    /* It fails also when there are fewer objects than the fault waits for. */
    if (done && kind_is(passing.fault, FAULTY_FAIL))
        return fail(passing.fault, err);
    return done ? finish(passing.fault, true, NULL, err) : error_copy(err, &why);
}

/* Bytes on their way through: in small pieces, and no further than the fault lets them. */
struct flow {
    const struct fault *fault;
    const struct object_sink *sink;
    const struct object_source *source;
    size_t piece_bytes;
    uint64_t passed;
};

static uint64_t left_of(const struct flow *flow) {
    if (!kind_is(flow->fault, FAULTY_FAIL) && !kind_is(flow->fault, FAULTY_CUT_SHORT))
        return UINT64_MAX;
    return flow->fault->after > flow->passed ? flow->fault->after - flow->passed : 0;
}

static size_t piece_of(const struct flow *flow, size_t length) {
    if (flow->piece_bytes && length > flow->piece_bytes)
        length = flow->piece_bytes;
    uint64_t left = left_of(flow);
    return length > left ? (size_t)left : length;
}

static bool flow_write(void *to, const void *data, size_t length, struct error *err) {
    struct flow *flow = to;
    const char *at = data;
    while (length) {
        size_t piece = piece_of(flow, length);
        if (!piece) /* of a get that is cut short, the rest goes nowhere */
            return kind_is(flow->fault, FAULTY_CUT_SHORT) || fail(flow->fault, err);
        if (!flow->sink->write(flow->sink->to, at, piece, err))
            return false;
        flow->passed += piece;
        at += piece;
        length -= piece;
    }
    return true;
}

static bool flow_read(void *from, void *into, size_t size, size_t *got, struct error *err) {
    struct flow *flow = from;
    size_t piece = piece_of(flow, size);
    if (!piece && kind_is(flow->fault, FAULTY_FAIL))
        return fail(flow->fault, err);
    if (!piece) {
        /* The rest is read, so that whoever sent it believes that it was taken. */
        do {
            if (!flow->source->read(flow->source->from, into, size, got, err))
                return false;
        } while (*got);
        return true;
    }
    if (!flow->source->read(flow->source->from, into, piece, got, err))
        return false;
    flow->passed += *got;
    return true;
}

static bool faulty_get(void *self, const char *key, uint64_t from, uint64_t length, const struct object_sink *sink,
                       struct object_facts *facts, struct error *err) {
    struct faulty *faulty = self;
    struct flow flow = {.fault = fault_of(faulty, FAULTY_GET), .sink = sink, .piece_bytes = faulty->piece_bytes};
    struct object_sink through = {flow_write, &flow};
    if (kind_is(flow.fault, FAULTY_FAIL) && !flow.fault->after)
        return fail(flow.fault, err);
    bool done = object_get(faulty->store, key, from, length, &through, facts, err);
    if (done && kind_is(flow.fault, FAULTY_FAIL))
        return fail(flow.fault, err);
    return finish(flow.fault, done, facts, err);
}

static bool faulty_put(void *self, const char *key, const struct object_source *source,
                       const struct object_put_options *options, struct object_facts *facts, struct error *err) {
    struct faulty *faulty = self;
    struct flow flow = {.fault = fault_of(faulty, FAULTY_PUT), .source = source, .piece_bytes = faulty->piece_bytes};
    struct object_source through = {flow_read, &flow, NULL};
    struct object_put_options inner = *options;
    if (kind_is(flow.fault, FAULTY_FAIL) && !flow.fault->after)
        return fail(flow.fault, err);
    if (kind_is(flow.fault, FAULTY_CUT_SHORT))
        inner.expected_size = 0; /* the store beneath would notice */
    bool done = object_put(faulty->store, key, &through, &inner, facts, err);
    return finish(flow.fault, done, facts, err);
}

static bool faulty_head(void *self, const char *key, struct object_facts *facts, struct error *err) {
    struct faulty *faulty = self;
    const struct fault *fault = fault_of(faulty, FAULTY_HEAD);
    if (kind_is(fault, FAULTY_FAIL))
        return fail(fault, err);
    return finish(fault, object_head(faulty->store, key, facts, err), facts, err);
}

static bool faulty_remove(void *self, const char *key, struct error *err) {
    struct faulty *faulty = self;
    const struct fault *fault = fault_of(faulty, FAULTY_REMOVE);
    if (kind_is(fault, FAULTY_FAIL))
        return fail(fault, err);
    return finish(fault, object_remove(faulty->store, key, err), NULL, err);
}

static void faulty_close(void *self) {
    struct faulty *faulty = self;
    pthread_mutex_destroy(&faulty->lock);
    free(faulty->faults);
    free(faulty);
}

struct object_store *faulty_store_open(struct object_store *store, const struct faulty_plan *plan, struct error *err) {
    const struct object_driver *beneath = object_store_driver(store);
    struct faulty *faulty = memory_alloc(sizeof(*faulty));
    faulty->row = (struct object_driver){.name = "faulty",
                                         .features = beneath->features &
                                                     ~(unsigned)(OBJECT_LOCAL_PATH | OBJECT_WRITER | OBJECT_URL),
                                         .part_bytes = beneath->part_bytes,
                                         .parallel = beneath->parallel,
                                         .list = faulty_list,
                                         .get = faulty_get,
                                         .put = faulty_put,
                                         .head = faulty_head,
                                         .remove = faulty_remove,
                                         .close = faulty_close};
    faulty->store = store;
    faulty->count = plan->count;
    faulty->faults = memory_alloc_array(plan->count, sizeof(*faulty->faults));
    if (plan->count)
        memcpy(faulty->faults, plan->faults, plan->count * sizeof(*faulty->faults));
    faulty->piece_bytes = plan->piece_bytes;
    faulty->clock = plan->clock ? plan->clock : clock_system();
    faulty->slow_ms = plan->slow_ms;
    pthread_mutex_init(&faulty->lock, NULL);
    return object_store_open(&faulty->row, faulty, err);
}

unsigned faulty_store_calls(const struct object_store *store, enum faulty_call call) {
    struct faulty *faulty = object_store_self(store);
    pthread_mutex_lock(&faulty->lock);
    unsigned calls = faulty->calls[call];
    pthread_mutex_unlock(&faulty->lock);
    return calls;
}
