/* One large file to disk: streamed, resumed after a break or a kill, checked, whole.
 *
 * The bytes go to `part_path`, and what must be known to go on (`part_path`.json: URL, ETag, Last-Modified, total)
 * beside it. A later call with the same part_path goes on where the earlier one ended, with Range and If-Range (RFC
 * 9110 section 13.1.5 and 14), if the server still has the same bytes; it starts again when the server ignores the
 * range, the ETag or Last-Modified differs, or nothing identified the old bytes. On success the whole file is at
 * part_path, synced, the json is gone, and the caller renames it. */
#ifndef TIDEMILL_WEB_DOWNLOAD_H
#define TIDEMILL_WEB_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/http_client.h"
#include "web/sniff.h"

struct download_request {
    const char *url;
    const char *user; /* basic authentication; NULL: what the URL says */
    const char *password;
    const char *part_path;   /* its folder exists */
    int64_t expected_length; /* what the feed's enclosure says; unreliable: only named in messages. <= 0: unknown */
    uint64_t largest;        /* bytes; 0: LIMIT_AUDIO_BYTES */
    uint64_t least;          /* fewer bytes are an error; 0: 1 */
    bool any_kind;           /* do not demand audio or video */
    const struct cancel *cancel;
    void (*progress)(void *to, uint64_t done, uint64_t total); /* total 0: unknown; may be NULL */
    void *progress_to;
};

struct download_result {
    uint64_t bytes;
    uint64_t resumed_from; /* bytes that an earlier call had left; 0: none */
    const char *etag;      /* NULL if the server sent none */
    const char *last_modified;
    const char *content_type; /* lower case, without parameters; NULL */
    const char *final_url;
    const char *extension; /* "mp3", "m4a", … the true one, see audio_extension */
    enum sniff_kind kind;
    char sha256[HASH_TEXT_SIZE];
    unsigned attempts;
};

/* ERROR_INVALID: a web page, text, an archive instead of audio, zero bytes, fewer than `least`; the part file is
 * removed. ERROR_NETWORK: broken off, the part file stays for the next call (unless it cannot be resumed). ERROR_LIMIT,
 * ERROR_FULL, ERROR_IO, and those of http_perform. */
bool download_file(struct http_client *client, struct arena *arena, const struct download_request *request,
                   struct download_result *result, struct error *err);

/* Removes what an unfinished download left at `part_path`. */
bool download_forget(const char *part_path, struct error *err);

/* What a server says about a file without sending it. */
struct download_probe {
    const char *etag;
    const char *last_modified;
    const char *content_type;
    const char *final_url;
    int64_t length; /* bytes; -1: not said */
};

/* HEAD, or a GET of one byte where HEAD is refused or says nothing. Texts in `arena`. Errors of http_perform. */
bool download_probe(struct http_client *client, struct arena *arena, const char *url, const char *user,
                    const char *password, const struct cancel *cancel, struct download_probe *probe, struct error *err);

/* True if `now` shows other bytes than those that were downloaded as `etag`, `last_modified`, `length` (NULL and -1:
 * not known): a strong ETag decides alone; else a differing length; else a differing Last-Modified together with a
 * differing weak ETag or no ETag at all. Unknown is "not changed": nothing is fetched again on a guess. */
bool download_changed(const char *etag, const char *last_modified, int64_t length, const struct download_probe *now);

#endif
