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
bool operation_refuse(struct api_error *error, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* An internal failure (status 500), for errors of the database. Returns false. */
bool operation_broken(struct api_error *error, const struct error *err);

/* Checks the fields of an operation that the loop carries out (api_fields.c); those of the tables check their own. */
bool operation_fields_check(struct arena *arena, const char *operation, const json_t *request, struct api_error *error);

/* Parses a text that must be JSON. NULL: *why (in `arena`) says why not, in the words of the service: "Unrecognized
 * token 'not': was expecting (...)". A new reference. */
json_t *operation_json(struct arena *arena, const char *text, size_t length, const char **why);

/* ---- pieces of answers ---- */
/* A moment as the API has it: seconds since 1970 with a fraction. A new reference. */
json_t *operation_time(int64_t ms);
/* A random UUID (RFC 9562, version 4), in the call's arena. */
const char *operation_uuid(const struct operation_call *call);
/* The entries of a page: maxResults of the request, 100 when it is 0 or not given. */
size_t operation_page(const struct operation_call *call);
/* A nextToken for the list that `list` names with its filters ("ListExecutions 12 RUNNING"), from which the next page
 * goes on at `position`. In the arena. */
const char *operation_token(const struct operation_call *call, const char *list, const char *position);
/* The position in the request's nextToken; *position NULL when it has none. False with InvalidToken when the token was
 * not made for this list. */
bool operation_token_read(const struct operation_call *call, const char *list, const char **position,
                          struct api_error *error);

/* ---- names (arn.c): "arn:aws:states:REGION:ACCOUNT:KIND:…" ---- */
const char *operation_arn(const struct operation_call *call, const char *kind, const char *rest); /* in the arena */
struct flow_arn {
    const char *kind;      /* "stateMachine", "execution", "express", "activity", "mapRun" */
    const char *machine;   /* machine's or activity's name */
    const char *qualifier; /* version number, alias, or the execution's name; NULL */
    const char *label;     /* of a map run or a child execution: NAME/LABEL; NULL */
    const char *mock_case; /* what stood behind '#' (Step Functions Local); NULL */
};
/* Takes an ARN apart, in `arena`. Region and account may be any. False with InvalidArn, in the words of the service. */
bool flow_arn_parse(struct arena *arena, const char *text, struct flow_arn *arn, struct api_error *error);
/* The same for one of `kind`, or of `other` where that is not NULL; else InvalidArn: "Resource type not valid in this
 * context". */
bool flow_arn_parse_kind(struct arena *arena, const char *text, const char *kind, const char *other,
                         struct flow_arn *arn, struct api_error *error);
/* Names of machines, activities and executions: 1 to 80 characters, no white space, none of < > { } [ ] ? * " # % \ ^ |
 * ~ ` $ & , ; : / and no control characters (API reference, CreateStateMachine). False with InvalidName. */
bool operation_name_check(const char *name, struct api_error *error);

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
