/* Files of Terraform's variables, "prod.tfvars" (Terraform's manual, "Variable definitions files"; the syntax is that
 * of HCL's native syntax specification, "Attributes" and "Template Expressions").
 *
 * Read is what stands at the top: `name = value`. Texts in quotes or heredocs, true, false, null and numbers are told;
 * lists, maps and what is computed are passed over whole. */
#ifndef TIDEMILL_PODCAST_TFVARS_H
#define TIDEMILL_PODCAST_TFVARS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

enum tfvars_kind { TFVARS_TEXT, TFVARS_BOOL, TFVARS_NUMBER, TFVARS_NULL, TFVARS_OTHER };

struct tfvars_entry {
    const char *name;
    enum tfvars_kind kind;
    const char *value; /* the text; "true", "false", the digits; "" of the rest */
    int line;          /* from 1 */
};

struct tfvars {
    const char *path;
    struct tfvars_entry *entries;
    size_t count;
};

/* Parses text[0..length). ERROR_CONFIG names `path`, line and what is wrong (a name twice, too); ERROR_LIMIT: more than
 * LIMIT_TFVARS_ENTRIES. Secrets may stand in such a file: its text is never part of a message. All in `arena`. */
bool tfvars_parse(struct arena *arena, const char *path, const char *text, size_t length, struct tfvars *file,
                  struct error *err);
/* The same of a file of at most LIMIT_CONFIG_BYTES. ERROR_ABSENT, ERROR_DENIED, ERROR_IO besides. */
bool tfvars_read(struct arena *arena, const char *path, struct tfvars *file, struct error *err);

/* NULL if the file does not set it. */
const struct tfvars_entry *tfvars_find(const struct tfvars *file, const char *name);
/* The text of a variable; `otherwise` when it is not set, or is no text. */
const char *tfvars_text(const struct tfvars *file, const char *name, const char *otherwise);

#endif
