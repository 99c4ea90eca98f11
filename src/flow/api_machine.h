/* The operations on state machines are told in two files; what both use. Private to flow/. */
#ifndef TIDEMILL_FLOW_API_MACHINE_H
#define TIDEMILL_FLOW_API_MACHINE_H

#include "flow/field.h"
#include "flow/machines.h"

#define FIELD_MACHINE_SETTINGS                                                                                         \
    {.name = "loggingConfiguration", .kind = FIELD_OBJECT, .members = field_logging},                                  \
        {.name = "tracingConfiguration", .kind = FIELD_OBJECT, .members = field_tracing},                              \
        {.name = "publish", .kind = FIELD_BOOL}, FIELD_DESCRIPTION("versionDescription"), {                            \
        .name = "encryptionConfiguration", .kind = FIELD_OBJECT, .members = field_encryption                           \
    }
#define FIELD_DEFINITION(must)                                                                                         \
    { .name = "definition", .kind = FIELD_TEXT, .required = (must), .least = 1, .most = 1048576 }
#define FIELD_MACHINE_TYPE                                                                                             \
    { .name = "type", .kind = FIELD_TEXT, .values = field_machine_type }

extern const struct field field_logging[], field_tracing[], field_encryption[];
extern const char *const field_machine_type[];

/* False with InvalidDefinition, the faults in its message. */
bool machine_definition_check(struct operation_call *call, const char *definition, bool express,
                              struct api_error *error);

/* api_machine_read.c */
bool machine_describe(struct operation_call *call, json_t **answer, struct api_error *error);
bool machine_describe_for_execution(struct operation_call *call, json_t **answer, struct api_error *error);
bool machine_list(struct operation_call *call, json_t **answer, struct api_error *error);
bool machine_validate(struct operation_call *call, json_t **answer, struct api_error *error);

/* api_tag.c: whether a resource may have the tags too (TooManyTags); keeps them; removes all. */
bool tags_check(struct operation_call *call, const char *arn, const json_t *tags, struct api_error *error);
bool tags_write(struct operation_call *call, const char *arn, const json_t *tags, struct api_error *error);
bool tags_remove(struct operation_call *call, const char *arn, struct api_error *error);

#endif
