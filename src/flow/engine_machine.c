/* What deleting a state machine means for its executions. */
#include <stdlib.h>

#include "base/memory.h"
#include "flow/engine_private.h"
#include "flow/machines.h"

enum {
    TIDY_ROWS = 250
}; /* of one idle moment: a few milliseconds, so that a call that comes meanwhile waits no longer */

/* The open executions in the database. The caller frees the list. NULL: it could not be read. */
static int64_t *open_ones(struct operation_call *call, int64_t machine, size_t *count, struct error *err) {
    size_t capacity = 0;
    int64_t *ids = memory_alloc(sizeof(*ids));
    STATEMENT_OWNED sqlite3_stmt *row = db_prepare(
        call->db, err, "SELECT id FROM execution WHERE machine = ? AND status = 0 AND map_run IS NULL", "i", machine);
    int step = row ? 1 : -1;
    *count = 0;
    while (step == 1 && (step = db_step(call->db, row, err)) == 1) {
        ids = memory_grow(ids, *count, &capacity, sizeof(*ids));
        ids[(*count)++] = sqlite3_column_int64(row, 0);
    }
    if (step == 0)
        return ids;
    free(ids);
    return NULL;
}

void engine_abort_machine(struct operation_call *call, int64_t machine) {
    static const struct failure none;
    struct engine *engine = call->engine;
    struct error err = {0};
    size_t count = 0;
    engine->untidy = true;
    int64_t *ids = open_ones(call, machine, &count, &err);
    if (!ids) {
        engine_break(engine, &err);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct execution *execution = engine_find(engine, ids[i]);
        if (execution && execution->status == EXECUTION_RUNNING)
            execution_abort(execution, &none);
    }
    free(ids);
    /* Those that were started in this round have no row yet. */
    for (struct execution *e = engine->dirty; e; e = e->next_dirty) {
        if (e->machine_id == machine && !e->express && !e->map_run && e->status == EXECUTION_RUNNING)
            execution_abort(e, &none);
    }
}

void engine_tidy(struct engine *engine) {
    struct error err = {0};
    bool more = true;
    if (!db_begin(engine->db, &err) || !machine_tidy(engine->db, TIDY_ROWS, &more, &err) ||
        !db_commit(engine->db, &err)) {
        db_rollback(engine->db);
        engine_break(engine, &err);
    }
    engine->untidy = more;
}
