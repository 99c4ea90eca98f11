/* Getting a model: from the user's file, or from its publisher.
 *
 * A fetch goes into ggml-NAME.bin.part, which outlives a kill; the next one asks for the bytes behind it (RFC 9110
 * section 14.2). Whatever a server sends then, only the hash of the whole decides. A part that was taken up and turns
 * out wrong is thrown away and fetched once more from its start, since the publisher may have replaced the file in
 * between. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/http_client.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "speech/model.h"
#include "speech/model_mark.h"

enum { BLOCK = 1 << 18, IDLE_ATTEMPTS = 3 };

static void tell(const struct model_source *source, uint64_t done, uint64_t total) {
    if (source->progress)
        source->progress(source->to, done, total);
}

/* ---- from a file ---- */

struct digests {
    char sha1[HASH_TEXT_SIZE], sha256[HASH_TEXT_SIZE];
};

static const char *digest_of(const struct digests *digests, enum hash_kind kind) {
    return kind == HASH_SHA1 ? digests->sha1 : digests->sha256;
}

/* Copies `in` to `writer` (NULL: nowhere), with both hashes. */
static bool copy(int in, struct file_writer *writer, uint64_t total, const struct model_source *source,
                 struct digests *digests, struct error *err) {
    struct hash *sha1 = hash_open(HASH_SHA1), *sha256 = hash_open(HASH_SHA256);
    char *block = memory_alloc(BLOCK);
    uint64_t done = 0;
    bool good = true;
    for (;;) {
        ssize_t got = read(in, block, BLOCK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            good = error_set_os(err, errno, "reading the model");
        if (got <= 0)
            break;
        if (cancel_requested(source->cancel)) {
            good = error_set(err, ERROR_CANCELLED, "stopped");
            break;
        }
        hash_add(sha1, block, (size_t)got);
        hash_add(sha256, block, (size_t)got);
        good = !writer || file_writer_write(writer, block, (size_t)got, err);
        if (!good)
            break;
        done += (uint64_t)got;
        tell(source, done, total);
    }
    hash_end(sha1, digests->sha1);
    hash_end(sha256, digests->sha256);
    hash_close(sha1);
    hash_close(sha256);
    free(block);
    return good;
}

static const struct model *row_by_hash(const struct digests *digests) {
    size_t count;
    const struct model *rows = model_rows(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].hash, digest_of(digests, rows[i].hash_kind)) == 0)
            return &rows[i];
    return NULL;
}

/* Decides under which name a file with these hashes goes, and what is remembered of it; NULL with the error. */
static const char *admit(const struct model_source *source, const struct digests *digests, const char **mark,
                         struct error *err) {
    const struct model *known = row_by_hash(digests);
    const struct model *named = source->name ? model_find(source->name, NULL) : NULL;
    if (known && (!source->name || named == known)) {
        *mark = known->hash;
        return known->name;
    }
    if (source->allow_unknown && source->name) {
        *mark = MODEL_MARK_UNVERIFIED;
        return named ? named->name : source->name;
    }
    if (source->allow_unknown) {
        error_set(err, ERROR_INVALID, "the file has no published hash, so its name cannot be told from it");
        error_hint(err, "give the name under which it is to be kept");
    } else if (known) {
        error_set(err, ERROR_INVALID, "the file is the model %s, not %s", known->name, source->name);
        error_hint(err, "\"tidemill model get %s --from FILE\" takes it", known->name);
    } else {
        error_set(err, ERROR_INVALID, "the file is no published model (SHA-256 %s)", digests->sha256);
        error_hint(err, "with --unverified it is taken on your word");
    }
    return NULL;
}

static bool install_open(const struct model_source *source, const char *from, int in, struct arena *arena,
                         const char **path, struct error *err) {
    struct stat info;
    struct digests before, after;
    const char *mark;
    if (fstat(in, &info) != 0)
        return error_set_os(err, errno, "%s", from);
    uint64_t total = (uint64_t)info.st_size;
    if (total > LIMIT_MODEL_BYTES)
        return error_set(err, ERROR_LIMIT, "the file has %" PRIu64 " bytes; no model is that large", total);
    /* Read twice: the name, and with it the place, may follow from the hash. */
    if (!copy(in, NULL, 2 * total, source, &before, err))
        return false;
    const char *name = admit(source, &before, &mark, err);
    if (!name || (!model_find(name, NULL) && !model_name_check(name, err)) || !file_make_folders(source->folder, err))
        return false;
    const char *target = model_file(arena, source->folder, name);
    struct file_writer *writer = file_writer_open(target, 0644, err);
    if (!writer)
        return false;
    if (lseek(in, 0, SEEK_SET) != 0) {
        file_writer_abort(writer);
        return error_set_os(err, errno, "%s", from);
    }
    struct error problem = {0};
    if (!copy(in, writer, 2 * total, source, &after, &problem)) {
        file_writer_abort(writer);
        return error_copy(err, &problem);
    }
    if (strcmp(before.sha256, after.sha256) != 0) {
        file_writer_abort(writer);
        return error_set(err, ERROR_CHANGED, "the file changed while it was read");
    }
    if (!file_writer_commit(writer, err))
        return false;
    model_mark_write(arena, target, mark);
    if (path)
        *path = target;
    return true;
}

bool model_install(struct arena *arena, const struct model_source *source, const char *from, const char **path,
                   struct error *err) {
    enum model_kind kind;
    if (source->name && !model_find(source->name, NULL) && !model_name_check(source->name, err))
        return false;
    if (!model_file_check(from, &kind, err))
        return false;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return error_set_os(err, errno, "%s", from);
    bool good = install_open(source, from, in, arena, path, err);
    close(in);
    return good || error_context(err, "%s", from);
}

/* ---- from the publisher ---- */

struct fetch {
    const struct model_source *source;
    const struct model *row;
    int file;
    uint64_t asked; /* the byte from which on the server was asked to send */
    uint64_t done;
    bool resumed; /* a part was taken up */
};

static bool fetch_begin(void *to, const struct http_response *response, struct error *err) {
    struct fetch *fetch = to;
    uint64_t from = 0;
    if (response->status == 206) {
        const char *range = http_response_header(response, "content-range");
        char wanted[64];
        snprintf(wanted, sizeof(wanted), "bytes %" PRIu64 "-", fetch->asked);
        if (!range || !text_starts(range, wanted))
            return error_set(err, ERROR_HTTP, "the server sent another part than was asked for");
        from = fetch->asked;
    }
    if (ftruncate(fetch->file, (off_t)from) != 0 || lseek(fetch->file, (off_t)from, SEEK_SET) < 0)
        return error_set_os(err, errno, "writing the model");
    fetch->done = from;
    return true;
}

static bool fetch_piece(void *to, const void *data, size_t length, struct error *err) {
    struct fetch *fetch = to;
    if (length > fetch->row->bytes - fetch->done)
        return error_set(err, ERROR_CORRUPT, "the server sends more than the %" PRIu64 " bytes of the model",
                         fetch->row->bytes);
    const char *from = data;
    while (length > 0) {
        ssize_t put = write(fetch->file, from, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_set_os(err, errno, "writing the model");
        from += put;
        length -= (size_t)put;
        fetch->done += (uint64_t)put;
    }
    tell(fetch->source, fetch->done, fetch->row->bytes);
    return true;
}

static bool fetch_once(struct http_client *client, struct fetch *fetch, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct http_response response;
    fetch->asked = fetch->done;
    fetch->resumed |= fetch->asked > 0;
    struct http_header range = {"Range", arena_format(arena, "bytes=%" PRIu64 "-", fetch->asked)};
    struct http_sink sink = {.begin = fetch_begin, .piece = fetch_piece, .to = fetch};
    struct http_request request = {.url = fetch->source->url ? fetch->source->url : fetch->row->url,
                                   .headers = &range,
                                   .header_count = fetch->asked > 0,
                                   .largest_body = fetch->row->bytes,
                                   .no_compression = true,
                                   .sink = &sink,
                                   .cancel = fetch->source->cancel};
    if (!http_perform(client, arena, &request, &response, err))
        return false;
    if (fetch->done == fetch->row->bytes)
        return true;
    /* With a length, this was the whole of another file; without one, the connection may have ended early. */
    if (http_response_header(&response, "content-length"))
        return error_set(err, ERROR_CORRUPT,
                         "the server's file ends at byte %" PRIu64 "; the published model has %" PRIu64, fetch->done,
                         fetch->row->bytes);
    error_set(err, ERROR_NETWORK, "the server sent %" PRIu64 " of %" PRIu64 " bytes", fetch->done, fetch->row->bytes);
    if (err)
        err->retryable = true;
    return false;
}

/* Goes on as long as something arrives. The client itself repeats what never began. A server that cannot send the rest
 * (416, or another part) is asked once for the whole. */
static bool fetch_all(struct http_client *client, struct fetch *fetch, struct error *err) {
    unsigned idle = 0;
    bool whole = false;
    while (fetch->done < fetch->row->bytes) {
        struct error problem = {0};
        uint64_t before = fetch->done;
        if (fetch_once(client, fetch, &problem))
            return true;
        if (problem.code == ERROR_HTTP && fetch->asked > 0 && !whole) {
            whole = true;
            fetch->done = 0;
            continue;
        }
        bool broken = problem.code == ERROR_NETWORK || problem.code == ERROR_TIMEOUT || problem.retryable;
        idle = fetch->done > before ? 0 : idle + 1;
        if (!broken || idle == IDLE_ATTEMPTS)
            return error_copy(err, &problem);
    }
    return true;
}

/* *wrong tells that what came is another file. */
static bool fetch_part(struct http_client *client, struct fetch *fetch, const char *part, bool *wrong,
                       struct error *err) {
    char digest[HASH_TEXT_SIZE];
    struct error problem = {0};
    *wrong = false;
    if (!fetch_all(client, fetch, &problem)) {
        *wrong = problem.code == ERROR_CORRUPT;
        return error_copy(err, &problem);
    }
    if (fsync(fetch->file) != 0)
        return error_set_os(err, errno, "%s", part);
    if (!hash_file(fetch->row->hash_kind, part, digest, err))
        return false;
    if (strcmp(digest, fetch->row->hash) == 0)
        return true;
    *wrong = true;
    error_set(err, ERROR_CORRUPT, "what came is not the published file: its hash is %s, not %s", digest,
              fetch->row->hash);
    return error_hint(err, "the publisher may have replaced it; --from FILE takes a file that you have");
}

static bool fetch_into(struct http_client *client, struct fetch *fetch, const char *part, struct error *err) {
    fetch->file = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fetch->file < 0)
        return error_set_os(err, errno, "%s", part);
    off_t size = lseek(fetch->file, 0, SEEK_END);
    fetch->done = size > 0 && (uint64_t)size <= fetch->row->bytes ? (uint64_t)size : 0;
    bool wrong, good = fetch_part(client, fetch, part, &wrong, err);
    if (!good && wrong && fetch->resumed) {
        fetch->done = 0;
        good = fetch_part(client, fetch, part, &wrong, err);
    }
    close(fetch->file);
    if (!good && wrong)
        (void)file_remove(part, NULL);
    return good;
}

bool model_fetch(struct arena *arena, struct http_client *client, const struct model_source *source, const char **path,
                 struct error *err) {
    const struct model *row = model_find(source->name, err);
    if (!row)
        return false;
    const char *target = model_path(arena, source->folder, row->name, NULL);
    if (!target) {
        target = model_file(arena, source->folder, row->name);
        const char *part = arena_format(arena, "%s.part", target);
        struct fetch fetch = {.source = source, .row = row};
        if (!file_make_folders(source->folder, err) || !fetch_into(client, &fetch, part, err) ||
            !file_rename(part, target, err))
            return error_context(err, "model %s", row->name);
        model_mark_write(arena, target, row->hash);
    }
    if (path)
        *path = target;
    return true;
}
