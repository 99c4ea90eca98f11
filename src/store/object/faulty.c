#include "store/object/faulty.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/object/faulty_fold.h"
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
    bool folds;

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

/* The key under which the object is beneath. */
static bool key_beneath(const struct faulty *faulty, const char *key, char beneath[OBJECT_KEY_LONGEST + 1],
                        struct error *err) {
    if (faulty->folds)
        return faulty_fold_find(faulty->store, key, beneath, err);
    snprintf(beneath, OBJECT_KEY_LONGEST + 1, "%s", key);
    return true;
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

/* What comes before a call: somebody else writes, or it fails. */
static bool start(struct faulty *faulty, const struct fault *fault, const char *key, struct error *err) {
    static const char others[] = "somebody else was here";
    if (kind_is(fault, FAULTY_REPLACE))
        return object_put_bytes(faulty->store, key, others, strlen(others), NULL, err);
    return !kind_is(fault, FAULTY_FAIL) || fault->after || fail(fault, err);
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

static bool flow_read_at(void *from, uint64_t offset, void *into, size_t size, size_t *got, struct error *err) {
    const struct flow *flow = from;
    return flow->source->read_at(flow->source->from, offset, into, size, got, err);
}

static bool faulty_get(void *self, const char *key, uint64_t from, uint64_t length, const struct object_sink *sink,
                       struct object_facts *facts, struct error *err) {
    struct faulty *faulty = self;
    char beneath[OBJECT_KEY_LONGEST + 1];
    struct flow flow = {.fault = fault_of(faulty, FAULTY_GET), .sink = sink, .piece_bytes = faulty->piece_bytes};
    struct object_sink through = {flow_write, &flow};
    if (!key_beneath(faulty, key, beneath, err) || !start(faulty, flow.fault, beneath, err))
        return false;
    bool done = object_get(faulty->store, beneath, from, length, &through, facts, err);
    if (done && kind_is(flow.fault, FAULTY_FAIL))
        return fail(flow.fault, err);
    return finish(flow.fault, done, facts, err);
}

static bool faulty_put(void *self, const char *key, const struct object_source *source,
                       const struct object_put_options *options, struct object_facts *facts, struct error *err) {
    struct faulty *faulty = self;
    char beneath[OBJECT_KEY_LONGEST + 1];
    struct flow flow = {.fault = fault_of(faulty, FAULTY_PUT), .source = source, .piece_bytes = faulty->piece_bytes};
    /* What is counted is read in order. */
    bool counted = kind_is(flow.fault, FAULTY_FAIL) || kind_is(flow.fault, FAULTY_CUT_SHORT) || faulty->piece_bytes;
    struct object_source through = {flow_read, &flow, counted || !source->read_at ? NULL : flow_read_at};
    struct object_put_options inner = *options;
    if (!key_beneath(faulty, key, beneath, err) || !start(faulty, flow.fault, beneath, err))
        return false;
    if (kind_is(flow.fault, FAULTY_CUT_SHORT))
        inner.expected_size = 0; /* the store beneath would notice */
    bool done = object_put(faulty->store, beneath, &through, &inner, facts, err);
    return finish(flow.fault, done, facts, err);
}

static bool faulty_head(void *self, const char *key, struct object_facts *facts, struct error *err) {
    struct faulty *faulty = self;
    char beneath[OBJECT_KEY_LONGEST + 1];
    const struct fault *fault = fault_of(faulty, FAULTY_HEAD);
    if (!key_beneath(faulty, key, beneath, err) || !start(faulty, fault, beneath, err))
        return false;
    return finish(fault, object_head(faulty->store, beneath, facts, err), facts, err);
}

static bool faulty_remove(void *self, const char *key, struct error *err) {
    struct faulty *faulty = self;
    char beneath[OBJECT_KEY_LONGEST + 1];
    const struct fault *fault = fault_of(faulty, FAULTY_REMOVE);
    if (!key_beneath(faulty, key, beneath, err) || !start(faulty, fault, beneath, err))
        return false;
    return finish(fault, object_remove(faulty->store, beneath, err), NULL, err);
}

static bool faulty_match(void *self, const struct object_facts *facts, const struct object_source *source,
                         enum object_match *match, struct error *err) {
    struct faulty *faulty = self;
    char beneath[OBJECT_KEY_LONGEST + 1];
    struct object_facts inner = *facts;
    const struct fault *fault = fault_of(faulty, FAULTY_MATCH);
    if (!key_beneath(faulty, facts->key, beneath, err) || !start(faulty, fault, beneath, err))
        return false;
    inner.key = beneath;
    return finish(fault, object_match(faulty->store, &inner, source, match, err), NULL, err);
}

static bool faulty_tidy(void *self, const char *prefix, int64_t before_ms, size_t *removed, struct error *err) {
    struct faulty *faulty = self;
    const struct fault *fault = fault_of(faulty, FAULTY_TIDY);
    if (kind_is(fault, FAULTY_FAIL))
        return fail(fault, err);
    return finish(fault, object_tidy(faulty->store, prefix, before_ms, removed, err), NULL, err);
}

static bool faulty_settle(void *self, struct error *err) {
    struct faulty *faulty = self;
    const struct fault *fault = fault_of(faulty, FAULTY_SETTLE);
    if (kind_is(fault, FAULTY_FAIL))
        return fail(fault, err);
    return finish(fault, object_settle(faulty->store, err), NULL, err);
}

static bool faulty_folds(void *self, bool *folds, struct error *err) {
    struct faulty *faulty = self;
    if (!faulty->folds)
        return object_folds(faulty->store, folds, err);
    *folds = true;
    return true;
}

/* ---- writers ---- */

/* The key of a writer stays for as long as it does. */
struct faulty_writer {
    struct object_writer *inner;
    char key[OBJECT_KEY_LONGEST + 1];
};

static bool faulty_writer_begin(void *self, const char *key, const char *identity,
                                const struct object_put_options *options, void **writer, uint64_t *have,
                                struct error *err) {
    struct faulty *faulty = self;
    const struct fault *fault = fault_of(faulty, FAULTY_WRITER);
    struct faulty_writer *made = memory_alloc(sizeof(*made));
    if (key_beneath(faulty, key, made->key, err) && (!kind_is(fault, FAULTY_FAIL) || fail(fault, err)))
        made->inner = object_writer_begin(faulty->store, made->key, identity, options, have, err);
    if (finish(fault, made->inner, NULL, err)) {
        *writer = made;
        return true;
    }
    if (made->inner)
        object_writer_end(made->inner, OBJECT_KEEP, NULL, NULL);
    free(made);
    return false;
}

static bool faulty_writer_add(void *self, void *writer, const void *data, size_t length, struct error *err) {
    struct faulty *faulty = self;
    struct faulty_writer *made = writer;
    const struct fault *fault = fault_of(faulty, FAULTY_WRITER);
    if (kind_is(fault, FAULTY_FAIL)) {
        size_t part = fault->after < length ? (size_t)fault->after : length;
        return (!part || object_writer_add(made->inner, data, part, err)) && fail(fault, err);
    }
    return finish(fault, object_writer_add(made->inner, data, length, err), NULL, err);
}

static bool faulty_writer_read(void *self, void *writer, uint64_t offset, void *into, size_t size, size_t *got,
                               struct error *err) {
    (void)self;
    struct faulty_writer *made = writer;
    return object_writer_read(made->inner, offset, into, size, got, err);
}

static bool faulty_writer_end(void *self, void *writer, enum object_ending ending, struct object_facts *facts,
                              struct error *err) {
    struct faulty *faulty = self;
    struct faulty_writer *made = writer;
    const struct fault *fault = fault_of(faulty, FAULTY_WRITER);
    bool fails = kind_is(fault, FAULTY_FAIL);
    bool done = object_writer_end(made->inner, fails ? OBJECT_KEEP : ending, facts, err);
    free(made);
    return fails ? fail(fault, err) : finish(fault, done, facts, err);
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
    faulty->row = (struct object_driver){
        .name = "faulty",
        .features = beneath->features & ~(unsigned)(OBJECT_LOCAL_PATH | OBJECT_URL),
        .part_bytes = beneath->part_bytes,
        .parallel = beneath->parallel,
        .place = beneath->place,
        .list = faulty_list,
        .get = faulty_get,
        .put = faulty_put,
        .head = faulty_head,
        .remove = faulty_remove,
        .match = beneath->match ? faulty_match : NULL,
        .writer_begin = beneath->writer_begin ? faulty_writer_begin : NULL,
        .writer_add = beneath->writer_add ? faulty_writer_add : NULL,
        .writer_end = beneath->writer_end ? faulty_writer_end : NULL,
        .writer_read = beneath->writer_read ? faulty_writer_read : NULL,
        .tidy = beneath->tidy ? faulty_tidy : NULL,
        .folds = faulty_folds,
        .settle = faulty_settle,
        .close = faulty_close,
    };
    faulty->store = store;
    faulty->count = plan->count;
    faulty->faults = memory_alloc_array(plan->count, sizeof(*faulty->faults));
    if (plan->count)
        memcpy(faulty->faults, plan->faults, plan->count * sizeof(*faulty->faults));
    faulty->piece_bytes = plan->piece_bytes;
    faulty->clock = plan->clock ? plan->clock : clock_system();
    faulty->slow_ms = plan->slow_ms;
    faulty->folds = plan->folds;
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
