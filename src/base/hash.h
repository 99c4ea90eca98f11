/* Digests. SHA and MD5 through OpenSSL's libcrypto; FNV-1a for names of temporary things. */
#ifndef TIDEMILL_BASE_HASH_H
#define TIDEMILL_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum hash_kind { HASH_SHA1, HASH_SHA256, HASH_MD5, HASH_SHA384, HASH_SHA512 };
enum { HASH_TEXT_SIZE = 129 }; /* the longest, SHA-512, in hexadecimal with its zero byte */

/* 64-bit FNV-1a (draft-eastlake-fnv section 2): fast, not safe against an adversary. */
uint64_t hash_fnv1a(const void *data, size_t length);

/* Lower-case hexadecimal digest of `data` into `out`, as long as the kind asks for (65 bytes of SHA-256, at most
 * HASH_TEXT_SIZE); returns `out`. */
char *hash_text(enum hash_kind kind, const void *data, size_t length, char *out);

enum { HASH_SHA256_BYTES = 32 };

/* SHA-256 (FIPS 180-4) as bytes, and HMAC-SHA-256 (RFC 2104). */
void hash_sha256(const void *data, size_t length, unsigned char out[HASH_SHA256_BYTES]);
void hash_hmac_sha256(const void *key, size_t key_length, const void *data, size_t length,
                      unsigned char out[HASH_SHA256_BYTES]);
/* Writes `length` bytes in lower-case hexadecimal and a zero byte: 2 * length + 1 bytes. Returns `out`. */
char *hash_hex(const unsigned char *bytes, size_t length, char *out);

/* hash_text for a file, streamed. ERROR_ABSENT, ERROR_IO. */
bool hash_file(enum hash_kind kind, const char *path, char *out, struct error *err);

/* A digest made piece by piece. */
struct hash;
struct hash *hash_open(enum hash_kind kind);
void hash_add(struct hash *hash, const void *data, size_t length);
/* Writes the digest in hexadecimal (at most HASH_TEXT_SIZE bytes, 65 of SHA-256); nothing may be added after it. */
char *hash_end(struct hash *hash, char *out);
void hash_close(struct hash *hash);

/* Base 64 (RFC 4648 section 4) with its padding and a zero byte into `out`: 4 * ceil(length / 3) + 1 bytes. Returns
 * `out`. */
char *hash_base64(const void *bytes, size_t length, char *out);

#endif
