/* How an http:invoke authenticates (EventBridge User Guide, "Authorization methods for connections"). Everything here
 * is secret: it goes into the request and nowhere else. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/integration_parts.h"

enum { TOKEN_REQUEST_MS = 30000, TOKEN_MARGIN_MS = 30000, TOKEN_DEFAULT_S = 300 };

static bool cannot(struct integration_work *work, const char *arn, const char *why) {
    return integration_fail(work, "States.Runtime", "The connection '%s' cannot be used: %s", arn, why);
}

/* ---- tokens ---- */

void integration_forget_token(struct integration *integration, const char *arn) {
    pthread_mutex_lock(&integration->lock);
    for (size_t i = 0; i < INTEGRATION_TOKENS; i++) {
        if (text_equal(integration->tokens[i].arn, arn))
            integration->tokens[i].expires_ms = 0;
    }
    pthread_mutex_unlock(&integration->lock);
}

static const char *kept_token(struct integration_work *work, const char *arn) {
    struct integration *integration = work->integration;
    int64_t now = clock_monotonic_ms(integration->settings.clock);
    const char *token = NULL;
    pthread_mutex_lock(&integration->lock);
    for (size_t i = 0; i < INTEGRATION_TOKENS; i++) {
        const struct oauth_token *one = &integration->tokens[i];
        if (text_equal(one->arn, arn) && one->expires_ms > now)
            token = arena_text(work->arena, one->token);
    }
    pthread_mutex_unlock(&integration->lock);
    return token;
}

static void keep_token(struct integration *integration, const char *arn, const char *token, int64_t lives_s) {
    int64_t now = clock_monotonic_ms(integration->settings.clock);
    pthread_mutex_lock(&integration->lock);
    size_t at = integration->next_token;
    bool again = false;
    for (size_t i = 0; i < INTEGRATION_TOKENS; i++) {
        if (text_equal(integration->tokens[i].arn, arn)) {
            at = i;
            again = true;
        }
    }
    struct oauth_token *one = &integration->tokens[at];
    if (!again)
        integration->next_token = (at + 1) % INTEGRATION_TOKENS;
    free(one->arn);
    free(one->token);
    *one = (struct oauth_token){memory_text(arn), memory_text(token), now + lives_s * 1000 - TOKEN_MARGIN_MS};
    pthread_mutex_unlock(&integration->lock);
}

static void add_form(struct text *form, const char *name, const char *value) {
    if (form->length)
        text_append_char(form, '&');
    text_append_percent(form, name, NULL);
    text_append_char(form, '=');
    text_append_percent(form, value, NULL);
}

/* Asks the authorization server (RFC 6749 section 4.4), the client named in the body as EventBridge does. */
static const char *new_token(struct integration_work *work, const char *arn,
                             const struct integration_connection *connection) {
    struct integration *integration = work->integration;
    struct integration_request made = {0};
    struct text form TEXT_SCOPED, query TEXT_SCOPED;
    struct http_response response;
    text_open(&form, LIMIT_URL_BYTES);
    text_open(&query, LIMIT_URL_BYTES);
    made.query = &query;
    integration_add_header(&made, "Content-Type", "application/x-www-form-urlencoded");
    add_form(&form, "grant_type", "client_credentials");
    add_form(&form, "client_id", connection->client_id ? connection->client_id : "");
    add_form(&form, "client_secret", connection->client_secret ? connection->client_secret : "");
    for (size_t i = 0; i < connection->token_field_count; i++) {
        const struct connection_field *field = &connection->token_fields[i];
        if (field->place == CONNECTION_HEADER)
            integration_add_header(&made, field->name, field->value);
        else if (field->place == CONNECTION_QUERY)
            integration_add_query(&made, field->name, field->value);
        else
            add_form(&form, field->name, field->value);
    }
    const char *url = connection->token_url ? connection->token_url : "";
    if (query.length)
        url = arena_format(work->arena, "%s%s%s", url, strchr(url, '?') ? "&" : "?", text_value(&query));
    struct http_request request = {
        .method = connection->token_method ? connection->token_method : "POST",
        .url = url,
        .headers = made.headers,
        .header_count = made.header_count,
        .body = &(struct http_body){.data = text_value(&form), .length = form.length},
        .deadline_ms = TOKEN_REQUEST_MS,
        .no_redirects = true,
        .cancel = work->call->cancel,
    };
    struct error err = {0};
    bool asked = http_perform(integration->web, work->arena, &request, &response, &err);
    JSON_OWNED json_t *answer = asked ? json_parse(response.body, response.body_length, NULL) : NULL;
    const char *token = json_get_text(answer, "access_token", NULL);
    if (!token) {
        cannot(work, arn,
               asked ? "the authorization server gave no token"
                     : "the authorization server refused or could not be reached");
        return NULL;
    }
    redact_add(token);
    keep_token(integration, arn, token, json_get_int(answer, "expires_in", TOKEN_DEFAULT_S));
    return arena_text(work->arena, token);
}

/* ---- fields ---- */

static bool add_fields(struct integration_work *work, const struct integration_connection *connection,
                       struct integration_request *request) {
    for (size_t i = 0; i < connection->field_count; i++) {
        const struct connection_field *field = &connection->fields[i];
        if (field->place == CONNECTION_HEADER) {
            if (!integration_add_header(request, field->name, field->value))
                return integration_fail(work, "States.Runtime", "There are too many headers");
        } else if (field->place == CONNECTION_QUERY) {
            integration_add_query(request, field->name, field->value);
        } else if (!request->body || json_is_object(request->body)) {
            json_t *body = request->body ? json_copy(request->body) : json_object();
            json_object_set_new(body, field->name, json_string(field->value));
            json_decref(request->body);
            request->body = body;
        }
    }
    return true;
}

static void hide(const struct integration_connection *connection) {
    const char *const secrets[] = {connection->password, connection->key_value, connection->client_secret};
    for (size_t i = 0; i < ARRAY_LENGTH(secrets); i++) {
        if (secrets[i])
            redact_add(secrets[i]);
    }
    for (size_t i = 0; i < connection->field_count; i++) {
        if (connection->fields[i].secret)
            redact_add(connection->fields[i].value);
    }
    for (size_t i = 0; i < connection->token_field_count; i++) {
        if (connection->token_fields[i].secret)
            redact_add(connection->token_fields[i].value);
    }
}

bool integration_authenticate(struct integration_work *work, const char *arn, struct integration_request *request) {
    const struct integration_settings *settings = &work->integration->settings;
    struct integration_connection connection = {0};
    struct error err = {0};
    if (!settings->connection || !settings->connection(settings->connection_to, work->arena, arn, &connection, &err))
        return cannot(work, arn, settings->connection ? err.message : "no connections are configured");
    hide(&connection);
    const char *token;
    switch (connection.kind) {
    case CONNECTION_BASIC:
        request->user = connection.user ? connection.user : "";
        request->password = connection.password ? connection.password : "";
        break;
    case CONNECTION_API_KEY:
        if (!connection.key_name || !connection.key_value ||
            !integration_add_header(request, connection.key_name, connection.key_value))
            return cannot(work, arn, "it has no key");
        break;
    case CONNECTION_OAUTH:
        token = kept_token(work, arn);
        if (!token && !(token = new_token(work, arn, &connection)))
            return false;
        integration_add_header(request, "Authorization", arena_format(work->arena, "Bearer %s", token));
        break;
    }
    return add_fields(work, &connection, request);
}
