/* The front of the AWS protocols "JSON 1.0" and "JSON 1.1" (smithy.io, "AWS JSON 1.0 protocol"): POST / with
 * X-Amz-Target: SERVICE.OPERATION, a JSON object in, a JSON object out. Checks who calls (aws_auth.h), finds the
 * service and its operation, reads the request, and writes the answer or the error as the SDKs read them.
 *
 * StartSyncExecution: SDKs put "sync-" in front of the host. Any host name is answered; as "sync-localhost" does not
 * resolve by itself, clients are told not to do so (boto3: Config(inject_host_prefix=False); JavaScript:
 * disableHostPrefix). */
#ifndef TIDEMILL_HTTP_AWS_JSON_H
#define TIDEMILL_HTTP_AWS_JSON_H

#include "base/api_error.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "http/aws_auth.h"
#include "http/message.h"

struct aws_json;

/* The answer of an operation: `answer` (a new reference, taken over) on success, else NULL and `error`, borrowed. */
typedef void aws_json_done(void *to, json_t *answer, const struct api_error *error);

/* A service behind the front. One of `call` and `start` is given. `request` is an object, borrowed for the call (a
 * `start` that needs it longer takes a reference); `operation` is the text of the table `operations` and may be kept.
 */
struct aws_json_service {
    const char *target;            /* what stands before the dot: "AWSStepFunctions" */
    const char *signing_name;      /* what requests are signed for: "states" */
    const char *const *operations; /* NULL-ended; any other is an UnknownOperationException */
    const char *const *slow;       /* those that may take seconds (long polls); NULL-ended, or NULL: none */
    /* Answers at once; runs on a thread of the server, which answers nobody else in the meantime. */
    bool (*call)(void *to, const char *operation, const json_t *request, json_t **answer, struct api_error *error);
    /* Answers by `done`, exactly once, on any thread, maybe before it returns. No thread waits for it. */
    void (*start)(void *to, const char *operation, const json_t *request, aws_json_done *done, void *done_to);
    /* Told of an answer by `start` that came when its client had gone, so that what it hands out (a task of an
     * activity) can be given to somebody else. On any thread; must not wait. NULL: it is let fall. */
    void (*lost)(void *to, const char *operation, const json_t *answer);
    void *to;
};

struct aws_json_settings {
    const struct aws_json_service *services; /* borrowed */
    size_t service_count;
    struct aws_auth *auth; /* borrowed */
    struct random *random; /* for request ids; NULL: random_system() */
};

struct aws_json *aws_json_open(const struct aws_json_settings *settings);
void aws_json_close(struct aws_json *front); /* NULL is allowed; after the server was closed */

/* Answers one request, for the handler of a row {"POST", "/", ..., ROUTE_BODY | ROUTE_LARGE | ROUTE_API, ...}. */
void aws_json_answer(struct aws_json *front, const struct server_request *request, struct server_response *response);

/* An error in the form of the protocol, for other fronts too (REST JSON reads the same body and x-amzn-ErrorType). Puts
 * the headers on. */
void aws_json_error(const struct server_request *request, struct server_response *response,
                    const struct api_error *error);
/* Puts x-amzn-RequestId on the answer. */
void aws_json_request_id(const struct server_request *request, struct server_response *response, struct random *random);

#endif
