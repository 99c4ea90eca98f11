/* The usual answers. Everything made lies in the request's arena. */
#ifndef TIDEMILL_HTTP_REPLY_H
#define TIDEMILL_HTTP_REPLY_H

#include "base/error.h"
#include "base/json.h"
#include "http/message.h"

#define REPLY_JSON "application/json; charset=utf-8"
#define REPLY_HTML "text/html; charset=utf-8"

/* The policy of media and pictures opened by themselves: a browser's own viewer may style them, nothing may run. */
#define REPLY_MEDIA_POLICY                                                                                             \
    "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"

/* A value as compact JSON, which may stay with the client for `cache` (NULL: no-store). The value is borrowed. */
void reply_json(const struct server_request *request, struct server_response *response, int status, const json_t *value,
                const char *cache);

/* Text of `type`, borrowed; an entity tag is made of it. */
void reply_text(const struct server_request *request, struct server_response *response, const char *type,
                const void *data, size_t length, const char *cache);

/* An error: {"error":{"code":…,"message":…}}, or a small page for a browser that asks for HTML and no API (`api`). */
void reply_error(const struct server_request *request, struct server_response *response, bool api, int status,
                 const char *code, const char *message);

/* 404 in the form that the client takes. */
void reply_absent(const struct server_request *request, struct server_response *response);

/* What `err` is for a client: 404 for ERROR_ABSENT, else 500 without the details, which are logged. */
void reply_failure(const struct server_request *request, struct server_response *response, const struct error *err);

/* 308 to a path (or address) on this server; the query is kept. */
void reply_moved(const struct server_request *request, struct server_response *response, const char *where);

struct object_store;

/* The object at `key` of a store, as a plain file where the store has such: entity tag from size, time and inode;
 * ranges when `ranges`. 404 when it is absent; a key that is none is absent too. */
void reply_object(const struct server_request *request, struct server_response *response, struct object_store *store,
                  const char *key, const char *type, bool ranges, const char *cache);

/* The same for a file of the file system. Links are not followed at its last part. */
void reply_file(const struct server_request *request, struct server_response *response, const char *path,
                const char *type, bool ranges, const char *cache);

#endif
