#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

struct hash {
    EVP_MD_CTX *context;
};

uint64_t hash_fnv1a(const void *data, size_t length) {
    const unsigned char *bytes = data;
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 0x100000001B3u;
    return hash;
}

static const EVP_MD *digest_of(enum hash_kind kind) {
    switch (kind) {
    case HASH_SHA1:
        return EVP_sha1();
    case HASH_MD5:
        return EVP_md5();
    case HASH_SHA384:
        return EVP_sha384();
    case HASH_SHA512:
        return EVP_sha512();
    case HASH_SHA256:
        break;
    }
    return EVP_sha256();
}

/* libcrypto's digests fail only for want of memory or a broken installation: neither is worth an error path in every
 * caller. */
static void must(int done) {
    if (done == 1)
        return;
    fprintf(stderr, "tidemill: libcrypto refused a digest\n");
    abort();
}

char *hash_hex(const unsigned char *bytes, size_t length, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * length] = 0;
    return out;
}

void hash_sha256(const void *data, size_t length, unsigned char out[HASH_SHA256_BYTES]) {
    unsigned size = 0;
    must(EVP_Digest(data, length, out, &size, EVP_sha256(), NULL));
}

void hash_hmac_sha256(const void *key, size_t key_length, const void *data, size_t length,
                      unsigned char out[HASH_SHA256_BYTES]) {
    unsigned size = 0;
    must(key_length <= INT_MAX && HMAC(EVP_sha256(), key, (int)key_length, data, length, out, &size) != NULL);
}

struct hash *hash_open(enum hash_kind kind) {
    struct hash *hash = memory_alloc(sizeof(*hash));
    hash->context = EVP_MD_CTX_new();
    must(hash->context && EVP_DigestInit_ex(hash->context, digest_of(kind), NULL) == 1);
    return hash;
}

void hash_add(struct hash *hash, const void *data, size_t length) {
    must(EVP_DigestUpdate(hash->context, data, length));
}

char *hash_end(struct hash *hash, char *out) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    must(EVP_DigestFinal_ex(hash->context, digest, &size));
    return hash_hex(digest, size, out);
}

void hash_close(struct hash *hash) {
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

char *hash_text(enum hash_kind kind, const void *data, size_t length, char *out) {
    struct hash *hash = hash_open(kind);
    hash_add(hash, data, length);
    hash_end(hash, out);
    hash_close(hash);
    return out;
}

bool hash_file(enum hash_kind kind, const char *path, char *out, struct error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_os(err, errno, "cannot read %s", path);
    struct hash *hash = hash_open(kind);
    unsigned char block[65536];
    ssize_t got;
    while ((got = read(fd, block, sizeof(block))) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0)
            hash_add(hash, block, (size_t)got);
    }
    int failed = got < 0 ? errno : 0;
    close(fd);
    if (!failed)
        hash_end(hash, out);
    hash_close(hash);
    return failed ? error_set_os(err, failed, "cannot read %s", path) : true;
}

char *hash_base64(const void *bytes, size_t length, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = bytes;
    char *end = out;
    for (size_t left = length; left; at += 3) {
        size_t have = left < 3 ? left : 3;
        unsigned bits = (unsigned)at[0] << 16 | (have > 1 ? (unsigned)at[1] << 8 : 0) | (have > 2 ? at[2] : 0);
        *end++ = digits[bits >> 18];
        *end++ = digits[(bits >> 12) & 63];
        *end++ = '=';
        *end++ = '=';
        if (have > 1)
            end[-2] = digits[(bits >> 6) & 63];
        if (have > 2)
            end[-1] = digits[bits & 63];
        left -= have;
    }
    *end = 0;
    return out;
}
