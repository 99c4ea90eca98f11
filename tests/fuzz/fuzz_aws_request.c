/* Calls of the JSON protocol as strangers send them: host, target, content type, Authorization, X-Amz-Date, query, then
 * the body. Whatever comes, the answer is JSON: an object, with a type if it is an error. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "http/aws_json.h"
#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fields {
    const char *host, *target, *type, *authorization, *date;
};

static const char *header_of(const void *from, const char *name) {
    const struct fields *fields = from;
    const struct {
        const char *name, *value;
    } rows[] = {{"Host", fields->host},
                {"X-Amz-Target", fields->target},
                {"Content-Type", fields->type},
                {"Authorization", fields->authorization},
                {"X-Amz-Date", fields->date}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcasecmp(name, rows[i].name) == 0)
            return *rows[i].value ? rows[i].value : NULL;
    }
    return NULL;
}

static void each_header(const void *from, request_header_visit *visit, void *to) {
    static const char *const names[] = {"Host", "X-Amz-Target", "Content-Type", "Authorization", "X-Amz-Date"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (header_of(from, names[i]))
            visit(to, names[i], header_of(from, names[i]));
    }
}

static bool echo(void *to, const char *operation, const json_t *request, json_t **answer, struct api_error *error) {
    (void)to;
    if (strcmp(operation, "Refuse") == 0)
        return api_error_set(error, "Refused", 400, "%s", json_get_text(request, "why", ""));
    *answer = json_deep_copy(request);
    return true;
}

static const char *next_line(char **rest) {
    char *line = strsep(rest, "\n");
    return line ? line : "";
}

static void answer(struct arena *arena, const struct fields *fields, const char *query, const char *body, bool local) {
    static const char *const names[] = {"Echo", "Refuse", NULL};
    static const struct aws_json_service service = {
        .target = "S", .signing_name = "service", .operations = names, .call = echo};
    static const struct aws_auth_key key = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL};
    static struct aws_auth *auth;
    static struct aws_json *front;
    if (!auth) {
        auth = aws_auth_open(&(struct aws_auth_settings){.keys = &key, .key_count = 1, .allow_unsigned = true});
        front = aws_json_open(&(struct aws_json_settings){.services = &service, .service_count = 1, .auth = auth});
    }
    struct server_request request = {.arena = arena,
                                     .method = "POST",
                                     .target = {.path = "/", .query = query},
                                     .host = fields->host,
                                     .local = local,
                                     .body = body,
                                     .body_length = strlen(body),
                                     .header = header_of,
                                     .each_header = each_header,
                                     .header_from = fields};
    struct server_response response;
    response_open(&response);
    aws_json_answer(front, &request, &response);
    JSON_OWNED json_t *value = json_loadb(response.body, response.length, 0, NULL);
    if (!json_is_object(value) || (response.status != 200 && !json_is_string(json_object_get(value, "__type"))))
        abort();
    if (response.status == 200 && !local)
        abort(); /* nobody has signed it */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = memory_text_part((const char *)data, size), *rest = text;
    struct arena *arena = arena_open();
    struct fields fields;
    fields.host = next_line(&rest);
    fields.target = next_line(&rest);
    fields.type = next_line(&rest);
    fields.authorization = next_line(&rest);
    fields.date = next_line(&rest);
    const char *query = next_line(&rest);
    answer(arena, &fields, query, rest ? rest : "", true);
    answer(arena, &fields, query, rest ? rest : "", false);
    arena_close(arena);
    free(text);
    return 0;
}
