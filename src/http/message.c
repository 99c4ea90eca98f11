#include "http/message.h"

#include <stdlib.h>
#include <string.h>

const char *request_header(const struct server_request *request, const char *name) {
    return request->header ? request->header(request->header_from, name) : NULL;
}

void request_headers(const struct server_request *request, request_header_visit *visit, void *to) {
    if (request->each_header)
        request->each_header(request->header_from, visit, to);
}

const char *request_parameter(const struct server_request *request, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < request->parameter_count; i++) {
        const struct server_parameter *parameter = &request->parameters[i];
        if (parameter->name_length == length && memcmp(parameter->name, name, length) == 0)
            return parameter->value;
    }
    return "";
}

void response_open(struct server_response *response) {
    *response = (struct server_response){.status = 200, .file = -1};
}

void response_header(struct server_response *response, const char *name, const char *value) {
    if (response->header_count == RESPONSE_HEADERS_MOST)
        abort();
    response->headers[response->header_count++] = (struct server_header){name, value};
}
