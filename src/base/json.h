/* JSON helpers over jansson. Values are shared by reference and never changed once handed on. */
#ifndef TIDEMILL_BASE_JSON_H
#define TIDEMILL_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

void json_release_handle(json_t **handle);
#define JSON_OWNED __attribute__((cleanup(json_release_handle)))

/* Parses text (any top-level value, duplicate keys refused, depth bounded). The error carries line and column. The
 * caller owns the value. */
json_t *json_parse(const char *text, size_t length, struct error *err);
/* The same with another depth, of 2,048 at most: for what this program wrote around something that it had parsed. */
json_t *json_parse_within(const char *text, size_t length, int depth, struct error *err);
/* The same of a file of at most `ceiling` bytes; the error names the file. ERROR_ABSENT when it is not there. */
json_t *json_read(const char *path, size_t ceiling, struct error *err);
/* Writes a file whole, in the form of JavaScript's JSON.stringify(value, null, 2): two spaces, keys in their order.
 * `indent` 0 is compact. */
bool json_write(const char *path, const json_t *value, int indent, struct error *err);
/* The text of a value in that form; the caller frees it. */
char *json_text(const json_t *value, int indent);
/* The compact text if it has at most `ceiling` bytes, else NULL. `length` may be NULL. The caller frees it. */
char *json_text_within(const json_t *value, size_t ceiling, size_t *length);
/* Appends the text in that form. False when it did not fit, or the value cannot be written (bytes that are no UTF-8,
 * nested deeper than jansson reads); part of it may have been appended then. */
struct text;
bool json_append(struct text *text, const json_t *value, int indent);

/* Fields of an object, with a default when the key is absent, null, or of another type. Texts are borrowed from
 * `object`. */
const char *json_get_text(const json_t *object, const char *key, const char *otherwise);
int64_t json_get_int(const json_t *object, const char *key, int64_t otherwise); /* a real without fraction counts */
double json_get_real(const json_t *object, const char *key, double otherwise);  /* an integer counts */
bool json_get_bool(const json_t *object, const char *key, bool otherwise);

#endif
