/* One answer, from what a handler filled in to what goes over the wire.
 *
 * The order of the decisions is that of RFC 9110 section 13.2.2: is the client's copy current (304); may a part be sent
 * (206, 416); only then how the whole is packed. A packed body is another representation, so its entity tag has "-gz"
 * put behind, and either tag is taken for current. */
#include "http/answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/compress.h"
#include "http/conditional.h"
#include "store/object/object.h"

#define NOTHING_LOADS "default-src 'none'; frame-ancestors 'none'"

struct body {
    const void *data; /* bytes, or NULL for the file or object from `first` on */
    uint64_t first, length;
    bool packed;
};

/* ---- what to send ---- */

static bool packable(const struct server_response *response) {
    if (response->store || response->size > LIMIT_SERVER_PACK_BYTES)
        return false;
    uint64_t length = response->file >= 0 ? response->size : response->length;
    return response->gzip || compress_worthwhile(response->type, (size_t)length);
}

static bool tag_matches(const char *list, const char *etag, const char *packed_etag) {
    return conditional_matches(list, etag) || conditional_matches(list, packed_etag);
}

static bool is_current(const struct server_request *request, const struct server_response *response,
                       const char *packed_etag) {
    if (response->status != 200 || strcmp(request->method, "GET") != 0)
        return false;
    const char *list = request_header(request, "If-None-Match");
    if (list && response->etag)
        return tag_matches(list, response->etag, packed_etag);
    return conditional_not_modified(list, request_header(request, "If-Modified-Since"), response->etag,
                                    response->modified_ms);
}

/* Reads a small text file whole; false leaves it to be sent unpacked. */
static bool read_file(struct arena *arena, const struct server_response *response, void **data) {
    char *bytes = arena_alloc(arena, (size_t)response->size);
    size_t got = 0;
    while (got < response->size) {
        ssize_t part = pread(response->file, bytes + got, (size_t)response->size - got, (off_t)got);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return false;
        got += (size_t)part;
    }
    *data = bytes;
    return true;
}

static bool pack(struct arena *arena, const struct server_response *response, struct body *body) {
    size_t packed = response->gzip_length;
    const void *data = response->gzip;
    void *whole = NULL;
    if (!data) {
        if (response->file >= 0 && !read_file(arena, response, &whole))
            return false;
        data = compress_gzip(arena, whole ? whole : response->body, (size_t)body->length, &packed);
    }
    *body = (struct body){.data = data, .length = packed, .packed = true};
    return true;
}

/* Decides status and body; *range gets the Content-Range value when there is one. */
static int choose(const struct server_request *request, const struct server_response *response, struct body *body,
                  const char *packed_etag, const char **range) {
    bool streamed = response->file >= 0 || response->store;
    *body =
        (struct body){.data = streamed ? NULL : response->body, .length = streamed ? response->size : response->length};
    if (is_current(request, response, packed_etag)) {
        *body = (struct body){.data = ""};
        return 304;
    }
    const char *wanted = response->ranges && response->status == 200 ? request_header(request, "Range") : NULL;
    if (wanted && range_still_valid(request_header(request, "If-Range"), response->etag, response->modified_ms)) {
        uint64_t first, length;
        enum range_answer answer = range_parse(wanted, body->length, &first, &length);
        if (answer == RANGE_UNSATISFIABLE) {
            *range = arena_format(request->arena, "bytes */%llu", (unsigned long long)body->length);
            *body = (struct body){.data = ""};
            return 416;
        }
        if (answer == RANGE_PART) {
            *range = arena_format(request->arena, "bytes %llu-%llu/%llu", (unsigned long long)first,
                                  (unsigned long long)(first + length - 1), (unsigned long long)body->length);
            body->first = first;
            body->length = length;
            if (body->data)
                body->data = (const char *)body->data + first;
            return 206;
        }
    }
    if (packable(response) && compress_accepted(request_header(request, "Accept-Encoding")))
        pack(request->arena, response, body);
    return response->status;
}

/* ---- how to send it ---- */

/* An object of a store without plain files: read piece by piece, and given up when it was replaced in between. */
struct object_reader {
    struct object_store *store;
    char *key;
    uint64_t first;
    char etag[OBJECT_ETAG_SIZE];
    char *into;
    size_t got, room;
};

static bool take_piece(void *to, const void *data, size_t length, struct error *err) {
    struct object_reader *reader = to;
    if (length > reader->room - reader->got)
        return error_set(err, ERROR_INTERNAL, "more bytes than asked for");
    memcpy(reader->into + reader->got, data, length);
    reader->got += length;
    return true;
}

static ssize_t read_object(void *from, uint64_t position, char *into, size_t size) {
    struct object_reader *reader = from;
    reader->into = into;
    reader->room = size;
    reader->got = 0;
    struct object_sink sink = {take_piece, reader};
    struct object_facts facts;
    if (!object_get(reader->store, reader->key, reader->first + position, size, &sink, &facts, NULL))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (reader->etag[0] && strcmp(reader->etag, facts.etag) != 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    memcpy(reader->etag, facts.etag, sizeof(reader->etag));
    return reader->got ? (ssize_t)reader->got : MHD_CONTENT_READER_END_OF_STREAM;
}

static void object_reader_close(void *from) {
    struct object_reader *reader = from;
    memory_free_handle(&reader->key);
    memory_free_handle(&reader);
}

static struct MHD_Response *make_response(struct server_response *response, const struct body *body) {
    if (body->data || body->length == 0)
        return MHD_create_response_from_buffer((size_t)body->length, (void *)(uintptr_t)(body->data ? body->data : ""),
                                               MHD_RESPMEM_PERSISTENT);
    if (response->file >= 0) {
        int file = response->file;
        response->file = -1; /* libmicrohttpd closes it */
        return MHD_create_response_from_fd_at_offset64(body->length, file, body->first);
    }
    struct object_reader *reader = memory_alloc(sizeof(*reader));
    *reader = (struct object_reader){.store = response->store, .key = memory_text(response->key), .first = body->first};
    return MHD_create_response_from_callback(body->length, 256 * KIB, read_object, reader, object_reader_close);
}

static void header(struct MHD_Response *made, const char *name, const char *value) {
    if (value)
        MHD_add_response_header(made, name, value);
}

static void security_headers(struct MHD_Response *made, const struct server_response *response, bool is_public) {
    header(made, "Content-Security-Policy", response->policy ? response->policy : NOTHING_LOADS);
    header(made, "X-Content-Type-Options", "nosniff");
    header(made, "Referrer-Policy", "strict-origin-when-cross-origin");
    header(made, "Permissions-Policy",
           "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()");
    header(made, "Cross-Origin-Opener-Policy", "same-origin");
    header(made, "Cross-Origin-Resource-Policy", is_public ? "cross-origin" : "same-origin");
    if (is_public) {
        header(made, "Access-Control-Allow-Origin", "*");
        header(made, "Access-Control-Expose-Headers", "Content-Length, Content-Range, ETag");
    }
}

static void content_headers(struct MHD_Response *made, const struct server_response *response, const struct body *body,
                            int status, const char *etag) {
    header(made, "Cache-Control", response->cache ? response->cache : "no-store");
    header(made, "ETag", etag);
    if (response->modified_ms > 0) {
        char date[CLOCK_ISO_SIZE];
        header(made, "Last-Modified", clock_http(response->modified_ms, date));
    }
    if (packable(response))
        header(made, "Vary", "Accept-Encoding");
    if (response->ranges)
        header(made, "Accept-Ranges", "bytes");
    if (status != 304 && status != 204 && status != 416)
        header(made, "Content-Type", response->type);
    if (body->packed)
        header(made, "Content-Encoding", "gzip");
}

bool answer_queue(struct MHD_Connection *connection, const struct server_request *request,
                  struct server_response *response, const struct answer_facts *facts, int *status, uint64_t *bytes) {
    const char *packed_etag = NULL;
    if (response->etag)
        packed_etag = arena_format(request->arena, "%.*s-gz\"", (int)strlen(response->etag) - 1, response->etag);
    struct body body;
    const char *range = NULL;
    *status = choose(request, response, &body, packed_etag, &range);
    *bytes = request->head ? 0 : body.length;
    struct MHD_Response *made = make_response(response, &body);
    if (response->file >= 0)
        close(response->file);
    response->file = -1;
    if (!made)
        return false;
    security_headers(made, response, facts->is_public);
    content_headers(made, response, &body, *status, body.packed ? packed_etag : response->etag);
    header(made, "Content-Range", range);
    for (size_t i = 0; i < response->header_count; i++)
        header(made, response->headers[i].name, response->headers[i].value);
    if (facts->last)
        header(made, "Connection", "close");
    bool queued = MHD_queue_response(connection, (unsigned)*status, made) == MHD_YES;
    MHD_destroy_response(made);
    return queued;
}
