/* The operations of the API as the engine knows them: one row each. Private to flow/. */
#ifndef TIDEMILL_FLOW_OPERATION_H
#define TIDEMILL_FLOW_OPERATION_H

#include "base/api_error.h"
#include "base/arena.h"
#include "base/db.h"
#include "flow/definition.h"
#include "flow/engine.h"

/* What an operation works with. */
struct operation_call {
    struct engine *engine;
    struct arena *arena;   /* of this call */
    struct db *db;         /* a reader's connection, or the writer's inside the loop's transaction */
    const json_t *request; /* an object */
    int64_t now_ms;        /* the engine's clock, UTC */
};

/* Writes *answer (a new reference) or fills `error`; a struct error from the database is turned into one by
 * operation_broken. A writing operation that fails has changed nothing. */
typedef bool operation_run(struct operation_call *call, json_t **answer, struct api_error *error);

enum operation_kind { OPERATION_READ, OPERATION_WRITE };

struct operation {
    const char *name;
    enum operation_kind kind;
    operation_run *run;
};

/* Fills `error` with an AWS error type of status 400 ("StateMachineDoesNotExist") and returns false. */
bool operation_refuse(struct api_error *error, const char *type, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* An internal failure (status 500), for errors of the database. Returns false. */
bool operation_broken(struct api_error *error, const struct error *err);

/* ---- names (arn.c): "arn:aws:states:REGION:ACCOUNT:KIND:…" ---- */
const char *operation_arn(const struct operation_call *call, const char *kind, const char *rest); /* in the arena */
struct flow_arn {
    const char *kind;      /* "stateMachine", "execution", "express", "activity", "mapRun" */
    const char *machine;   /* machine's or activity's name */
    const char *qualifier; /* version number, alias, or the execution's name; NULL */
    const char *label;     /* of a map run or a child execution: NAME/LABEL; NULL */
    const char *mock_case; /* what stood behind '#' (Step Functions Local); NULL */
};
/* Takes an ARN apart, in `arena`. False with InvalidArn, in the words of the service. */
bool flow_arn_parse(struct arena *arena, const char *text, struct flow_arn *arn, struct api_error *error);

/* ---- the registry (machines.c), for StartExecution and the rest ---- */
struct machine_ref {
    int64_t machine, revision, version; /* version 0: none */
    const char *name, *alias;           /* alias NULL: none */
    bool express;
};
/* The machine, and the revision that an ARN (plain, version, alias with its routing by chance) stands for. False:
 * InvalidArn, StateMachineDoesNotExist, StateMachineDeleting. */
bool machine_resolve(struct operation_call *call, const char *arn, struct machine_ref *ref, struct api_error *error);

#endif
