/* The stores that a person names: a folder, or "s3://bucket/prefix". */
#ifndef TIDEMILL_CLI_SYNC_STORE_H
#define TIDEMILL_CLI_SYNC_STORE_H

#include "cli/cloud.h"
#include "cli/command.h"
#include "store/object/object.h"

/* True if `where` is in a bucket: then cli_store_open needs a cloud. */
bool cli_store_is_s3(const char *where);

/* Opens the store that `where` names; *name, in the context's arena, is the one name that it always has, however it was
 * written: "s3://bucket/prefix" without a slash at the end, or the folder's absolute path without links.
 *
 * A folder must be there. A bucket is asked for at once. The storage class, encryption and the like of new objects are
 * the options in STORE_OPTIONS (commands.c). `cloud` may be NULL for a folder. ERROR_USAGE (no name of a store),
 * ERROR_ABSENT, ERROR_DENIED and others as the drivers have them; the hint says what to do. */
bool cli_store_open(struct command_context *context, struct cloud *cloud, const char *where,
                    struct object_store **store, const char **name, struct error *err);

#endif
