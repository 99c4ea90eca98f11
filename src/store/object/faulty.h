/* The faulty driver: passes every call on to another store, and goes wrong where it is told to. It shows what the code
 * above does with a store that is slow, breaks off, lies, or takes the whole program down. An ordinary driver: nothing
 * above it knows. Any number of threads may use it, if the store beneath allows it. Plain files, addresses and copies
 * by the server are not passed on, as they would go past it. */
#ifndef TIDEMILL_STORE_OBJECT_FAULTY_H
#define TIDEMILL_STORE_OBJECT_FAULTY_H

#include "base/clock.h"
#include "store/object/object.h"

/* object_writer_begin, _add and _end are FAULTY_WRITER each time. */
enum faulty_call {
    FAULTY_LIST,
    FAULTY_GET,
    FAULTY_PUT,
    FAULTY_HEAD,
    FAULTY_REMOVE,
    FAULTY_WRITER,
    FAULTY_MATCH,
    FAULTY_TIDY,
    FAULTY_SETTLE,
    FAULTY_ANY
};

enum faulty_kind {
    FAULTY_FAIL, /* fails with `code` before anything is done; get, put, list and a writer's add after `after` bytes
                  * or objects */
    FAULTY_FAIL_DONE,    /* does it, then fails with `code` all the same: an answer that was lost */
    FAULTY_EXIT,         /* ends the process (status 86) before anything is done */
    FAULTY_EXIT_DONE,    /* does it, then ends the process */
    FAULTY_WRONG_SIZE,   /* tells one byte more than there is (list, get, head, put, a writer's end) */
    FAULTY_CUT_SHORT,    /* get: delivers only `after` bytes and claims success; list: ends after `after` objects, the
                          * same; put: keeps only `after` bytes */
    FAULTY_LIST_REPEATS, /* list: begins again after `after` objects, once */
    FAULTY_REPLACE /* puts other bytes in the object's place first, then does it (get, head, put, remove, match): as
                    * somebody else would */
};

enum { FAULTY_EXIT_STATUS = 86 };

/* One fault: what goes wrong at the `nth` call of a kind. */
struct fault {
    enum faulty_call call; /* FAULTY_ANY counts all calls */
    enum faulty_kind kind;
    unsigned nth;         /* 1: the first */
    bool persistent;      /* that call and every later one */
    enum error_code code; /* ERROR_NONE: ERROR_IO */
    bool retryable;
    uint64_t after;
};

struct faulty_plan {
    const struct fault *faults; /* copied */
    size_t count;
    size_t piece_bytes;        /* reads and writes pass in pieces of at most so many bytes; 0: as they come */
    const struct clock *clock; /* NULL: clock_system() */
    int64_t slow_ms;           /* each call waits so long first */
    bool folds; /* keys that differ only in the case of ASCII letters, or in the Unicode form (composed or not) of the
                 * letters of Latin-1, are one object, under the name that it got first */
};

/* `store` is borrowed and must outlive it. NULL on failure. */
struct object_store *faulty_store_open(struct object_store *store, const struct faulty_plan *plan, struct error *err);

/* How many calls of a kind a store opened above has seen. */
unsigned faulty_store_calls(const struct object_store *store, enum faulty_call call);

#endif
