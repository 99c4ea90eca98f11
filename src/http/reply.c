#include "http/reply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/object/object.h"

void reply_text(const struct server_request *request, struct server_response *response, const char *type,
                const void *data, size_t length, const char *cache) {
    char digest[HASH_TEXT_SIZE];
    response->type = type;
    response->body = data;
    response->length = length;
    response->cache = cache;
    if (cache)
        response->etag = arena_format(request->arena, "\"%.32s\"", hash_text(HASH_SHA256, data, length, digest));
}

void reply_json(const struct server_request *request, struct server_response *response, int status, const json_t *value,
                const char *cache) {
    TEXT_OWNED char *text = json_text(value, 0);
    char *copy = arena_text(request->arena, text);
    reply_text(request, response, REPLY_JSON, copy, strlen(copy), cache);
    response->status = status;
}

static const char *status_title(int status) {
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "That request makes no sense"}, {404, "Nothing here"},  {405, "Not like this"}, {413, "Too much"},
        {500, "Something went wrong"},        {501, "Not like this"}, {503, "Not ready"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(titles); i++) {
        if (titles[i].status == status)
            return titles[i].title;
    }
    return "Something went wrong";
}

static void error_page(const struct server_request *request, struct server_response *response, int status,
                       const char *message) {
    struct text page;
    text_open(&page, 4 * KIB);
    text_append(&page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
    text_append_xml(&page, status_title(status));
    text_append(&page, "</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta name=\"robots\" content=\"noindex\">\n<meta name=\"color-scheme\" content=\"light "
                       "dark\">\n</head>\n<body>\n<h1>");
    text_append_xml(&page, status_title(status));
    text_append(&page, "</h1>\n<p>");
    text_append_xml(&page, message);
    text_append(&page, "</p>\n<p><a href=\"/\">To the start page</a></p>\n</body>\n</html>\n");
    response->type = REPLY_HTML;
    response->body = arena_text(request->arena, text_value(&page));
    response->length = page.length;
    text_close(&page);
}

void reply_error(const struct server_request *request, struct server_response *response, bool api, int status,
                 const char *code, const char *message) {
    const char *accept = request_header(request, "Accept");
    const char *first = request->target.count ? request->target.parts[0] : "";
    response->status = status;
    if (!api && strcmp(first, "api") != 0 && accept && strstr(accept, "text/html")) {
        error_page(request, response, status, message);
        return;
    }
    JSON_OWNED json_t *value = json_pack("{s:{s:s, s:s%}}", "error", "code", code, "message", message, strlen(message));
    if (!value)
        value = json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", "The request is malformed.");
    reply_json(request, response, status, value, NULL);
}

void reply_absent(const struct server_request *request, struct server_response *response) {
    reply_error(request, response, false, 404, "not_found", "There is nothing at this address.");
}

void reply_failure(const struct server_request *request, struct server_response *response, const struct error *err) {
    if (err->code == ERROR_ABSENT) {
        reply_absent(request, response);
        return;
    }
    char line[1024];
    log_error("http", "%s: %s", request->target.path, error_line(err, line, sizeof(line)));
    reply_error(request, response, false, 500, "internal",
                "The server could not read what it needs; its log says why.");
}

void reply_moved(const struct server_request *request, struct server_response *response, const char *where) {
    const char *query = request->target.query;
    response->status = 308;
    response->cache = "no-cache";
    response_header(response, "Location", query[0] ? arena_format(request->arena, "%s?%s", where, query) : where);
}

/* ---- files ---- */

static void reply_opened(const struct server_request *request, struct server_response *response, int file,
                         const struct stat *facts, const char *type, bool ranges, const char *cache) {
    int64_t modified_ns = (int64_t)facts->st_mtim.tv_sec * 1000000000 + facts->st_mtim.tv_nsec;
    response->file = file;
    response->size = (uint64_t)facts->st_size;
    response->type = type;
    response->ranges = ranges;
    response->cache = cache;
    response->modified_ms = modified_ns / 1000000;
    response->etag = arena_format(request->arena, "\"%llx-%llx-%llx\"", (unsigned long long)facts->st_size,
                                  (unsigned long long)modified_ns, (unsigned long long)facts->st_ino);
}

void reply_file(const struct server_request *request, struct server_response *response, const char *path,
                const char *type, bool ranges, const char *cache) {
    struct error err = {0};
    struct stat facts;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) {
        bool absent = errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG;
        error_set_os(&err, errno, "cannot open %s", path);
        if (absent)
            err.code = ERROR_ABSENT;
        reply_failure(request, response, &err);
        return;
    }
    if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        close(file);
        reply_absent(request, response);
        return;
    }
    reply_opened(request, response, file, &facts, type, ranges, cache);
}

void reply_object(const struct server_request *request, struct server_response *response, struct object_store *store,
                  const char *key, const char *type, bool ranges, const char *cache) {
    struct error err = {0};
    struct object_facts facts;
    if (!object_key_check(key, NULL)) {
        reply_absent(request, response);
        return;
    }
    if (!object_head(store, key, &facts, &err)) {
        reply_failure(request, response, &err);
        return;
    }
    const char *path = object_local_path(store, request->arena, key);
    if (path) {
        reply_file(request, response, path, type, ranges, cache);
        return;
    }
    response->store = store;
    response->key = arena_text(request->arena, key);
    response->size = facts.size;
    response->type = type;
    response->ranges = ranges;
    response->cache = cache;
    response->modified_ms = facts.modified_ms;
    response->etag = arena_format(request->arena, "\"%s\"", facts.etag);
}
