/* The registry's rows, as the operations on machines, versions and executions read them. Private to flow/. */
#ifndef TIDEMILL_FLOW_MACHINES_H
#define TIDEMILL_FLOW_MACHINES_H

#include "flow/operation.h"

/* Texts are in the call's arena. */
struct machine_row {
    int64_t id;
    const char *name;
    bool express, deleting;
    int64_t revision; /* the newest */
    int64_t next_version;
    int64_t created_ms, updated_ms;
};

struct revision_row {
    const char *uuid; /* "": the first revision, which the service gives none */
    const char *definition, *role;
    json_t *settings; /* an object: loggingConfiguration, tracingConfiguration, encryptionConfiguration; owned */
    int64_t created_ms;
};

/* Finds a machine by its name or id (name NULL): 1 found, 0 it is not there, -1 with an error. */
int machine_find(struct operation_call *call, const char *name, int64_t id, struct machine_row *row,
                 struct api_error *error);
/* The plain machine that an ARN names. False: InvalidArn, StateMachineDoesNotExist (a version's or alias' ARN too),
 * ValidationException (a label). */
bool machine_find_plain(struct operation_call *call, const char *arn, struct machine_row *row, struct api_error *error);
bool revision_read(struct operation_call *call, int64_t id, struct revision_row *row, struct api_error *error);
/* The JSON text of a column, parsed; an empty object where it cannot be. A new reference. */
json_t *machine_json(const char *text);

/* machine_variables.c: {STATE: [variables that it refers to, sorted]} of a definition, a new reference; NULL: no state
 * does. */
json_t *machine_variables(const char *definition);

/* "arn:…:stateMachine:NAME", with ":QUALIFIER" where that is not NULL. */
const char *machine_arn(const struct operation_call *call, const char *name, const char *qualifier);
const char *machine_version_arn(const struct operation_call *call, const char *name, int64_t number);

/* The alias: 1 found, 0 not there, -1 with an error. Routing: [{"version":1,"weight":100}], a new reference. */
struct alias_row {
    const char *description; /* NULL: none */
    json_t *routing;
    int64_t created_ms, updated_ms;
};
int alias_find(struct operation_call *call, int64_t machine, const char *name, struct alias_row *row,
               struct api_error *error);
/* The version: 1 found, 0 not there, -1 with an error. */
struct version_row {
    int64_t number, revision, created_ms;
    const char *description; /* NULL: none */
};
int version_find(struct operation_call *call, int64_t machine, int64_t number, struct version_row *row,
                 struct api_error *error);
/* Makes the version of the machine's newest revision, or finds the one that is there. ServiceQuotaExceededException. */
bool version_publish(struct operation_call *call, const struct machine_row *machine, const char *description,
                     struct version_row *row, struct api_error *error);
/* True if a qualifier is a version's number (digits only). */
bool version_number(const char *qualifier, int64_t *number);

/* ---- for the engine's loop ---- */
/* Removes machines that are being deleted and have no open execution left; then up to `most` ended executions, with
 * their histories, of machines that are gone. Those are out of sight already: their ARNs name no machine. A piece of
 * work for an idle moment, in a transaction of the caller's. *more: something is left. */
bool machine_tidy(struct db *db, int64_t most, bool *more, struct error *err);

/* Text of a column in the call's arena; NULL for NULL. */
const char *column_text(const struct operation_call *call, sqlite3_stmt *statement, int column);

#endif
