/* Walks a model file without loading it.
 *
 * The layout is the one that whisper.cpp 1.9.1 reads (src/whisper.cpp, whisper_model_load and
 * whisper_vad_init_with_params), all numbers little-endian 32-bit: magic, hyperparameters, mel filters, vocabulary,
 * then tensors until the end of the file, each with its rank, name length, type, dimensions, name and data. There is no
 * count and no checksum, so a file that was cut off, or has something behind it, is found only by adding up. Nothing is
 * allocated by a number from the file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "speech/model.h"
#include "speech/model_file.h"

enum { MAGIC = 0x67676d6c, RANK = 4, HYPERPARAMETERS = 11, TOKENS_LEAST = 257, TOKENS_MOST = 60000, NAME_MOST = 64 };

struct walk {
    FILE *file;
    uint64_t at, size;
    struct error *err;
};

static bool damaged(struct walk *walk, const char *what) {
    error_set(walk->err, ERROR_CORRUPT, "%s at byte %" PRIu64, what, walk->at);
    return error_hint(walk->err, "remove the file and get the model again");
}

static bool take(struct walk *walk, void *into, size_t size) {
    if (walk->size - walk->at < size) {
        error_set(walk->err, ERROR_CORRUPT, "the file is cut off: it ends at byte %" PRIu64, walk->size);
        return error_hint(walk->err, "remove the file and get the model again");
    }
    if (fread(into, 1, size, walk->file) != size)
        return error_set_os(walk->err, ferror(walk->file) ? errno : EIO, "reading at byte %" PRIu64, walk->at);
    walk->at += size;
    return true;
}

static bool skip(struct walk *walk, uint64_t size) {
    if (walk->size - walk->at < size) {
        error_set(walk->err, ERROR_CORRUPT, "the file is cut off: it ends at byte %" PRIu64, walk->size);
        return error_hint(walk->err, "remove the file and get the model again");
    }
    if (fseeko(walk->file, (off_t)size, SEEK_CUR) != 0)
        return error_set_os(walk->err, errno, "reading at byte %" PRIu64, walk->at);
    walk->at += size;
    return true;
}

static bool take_numbers(struct walk *walk, int32_t *numbers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[4] = {0};
        if (!take(walk, bytes, sizeof(bytes)))
            return false;
        uint32_t value =
            (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
        numbers[i] = (int32_t)value;
    }
    return true;
}

/* Bytes of `count` numbers of a ggml type (ggml.h, enum ggml_type, and the block sizes of ggml-common.h); 0: unknown,
 * or no whole blocks. */
static uint64_t type_bytes(int32_t type, uint64_t count) {
    static const struct {
        int32_t type;
        unsigned block, bytes;
    } types[] = {
        {0, 1, 4},   {1, 1, 2},     {2, 32, 18},    {3, 32, 20},    {6, 32, 22},    {7, 32, 24},
        {8, 32, 34}, {10, 256, 84}, {11, 256, 110}, {12, 256, 144}, {13, 256, 176}, {14, 256, 210},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(types); i++)
        if (types[i].type == type)
            return count % types[i].block == 0 ? count / types[i].block * types[i].bytes : 0;
    return 0;
}

static bool walk_tensor(struct walk *walk) {
    int32_t head[3], dims[RANK];
    char name[NAME_MOST];
    if (!take_numbers(walk, head, 3))
        return false;
    if (head[0] < 0 || head[0] > RANK || head[1] < 1 || head[1] >= NAME_MOST)
        return damaged(walk, "the head of a tensor is damaged");
    if (!take_numbers(walk, dims, (size_t)head[0]) || !take(walk, name, (size_t)head[1]))
        return false;
    uint64_t count = 1;
    for (int32_t i = 0; i < head[0]; i++) {
        if (dims[i] < 1 || dims[i] > LIMIT_MODEL_DIMENSION)
            return damaged(walk, "a tensor has an impossible shape");
        count *= (uint64_t)dims[i];
        if (count > LIMIT_MODEL_BYTES)
            return damaged(walk, "a tensor has an impossible shape");
    }
    for (int32_t i = 0; i < head[1]; i++)
        if (name[i] < '.' || name[i] > 'z')
            return damaged(walk, "the name of a tensor is damaged");
    uint64_t bytes = type_bytes(head[2], count);
    if (bytes == 0)
        return damaged(walk, "a tensor has an unknown type");
    return skip(walk, bytes);
}

static bool walk_tensors(struct walk *walk, uint64_t wanted) {
    uint64_t found = 0;
    while (walk->at < walk->size) {
        if (found == wanted)
            return damaged(walk, "there is something behind the last tensor");
        if (!walk_tensor(walk))
            return false;
        found++;
    }
    if (found != wanted)
        return error_set(walk->err, ERROR_CORRUPT, "the file is cut off: it has %" PRIu64 " of %" PRIu64 " tensors",
                         found, wanted);
    return true;
}

/* Each token is a length and that many bytes. whisper.cpp throws when the token " " is missing. */
static bool walk_vocabulary(struct walk *walk, int32_t vocabulary) {
    int32_t count, length;
    char token[LIMIT_MODEL_TOKEN_BYTES] = "";
    bool blank = false;
    if (!take_numbers(walk, &count, 1))
        return false;
    if (count < TOKENS_LEAST || count > vocabulary)
        return damaged(walk, "the number of tokens is impossible");
    for (int32_t i = 0; i < count; i++) {
        if (!take_numbers(walk, &length, 1))
            return false;
        if (length < 0 || length > LIMIT_MODEL_TOKEN_BYTES)
            return damaged(walk, "the vocabulary is damaged");
        if (!take(walk, token, (size_t)length))
            return false;
        blank |= length == 1 && token[0] == ' ';
    }
    return blank || damaged(walk, "the vocabulary lacks the space");
}

static bool within(int32_t value, int32_t least, int32_t most) {
    return value >= least && value <= most;
}

/* Order: vocabulary, audio context, state, heads, layers, text context, state, heads, layers, mel bins, type. */
static bool walk_speech(struct walk *walk, int32_t vocabulary) {
    int32_t h[HYPERPARAMETERS] = {vocabulary}, filters[2] = {0};
    if (!take_numbers(walk, h + 1, HYPERPARAMETERS - 1))
        return false;
    bool shape = within(h[0], 51864, TOKENS_MOST) && within(h[1], 1, 4096) && within(h[2], 8, 4096) &&
                 within(h[3], 1, 64) && within(h[4], 1, 64) && within(h[5], 32, 4096) && h[6] == h[2] &&
                 within(h[7], 1, 64) && within(h[8], 1, 64) && (h[9] == 80 || h[9] == 128) && h[10] >= 0 &&
                 h[2] % h[3] == 0 && h[6] % h[7] == 0;
    if (!shape)
        return damaged(walk, "the hyperparameters are not those of a Whisper model");
    if (!take_numbers(walk, filters, 2))
        return false;
    if (filters[0] != h[9] || filters[1] != 201)
        return damaged(walk, "the mel filters are damaged");
    if (!skip(walk, (uint64_t)filters[0] * (uint64_t)filters[1] * 4) || !walk_vocabulary(walk, h[0]))
        return false;
    /* 7 of the encoder, 15 a layer; 4 of the decoder, 24 a layer. */
    return walk_tensors(walk, 11 + 15 * (uint64_t)h[4] + 24 * (uint64_t)h[8]);
}

/* The detector of Silero: its name, version, sizes, four layers of convolution, and 15 tensors. */
static bool walk_activity(struct walk *walk, int32_t name_length) {
    char name[16] = {0};
    int32_t head[6], layers[12], rest[4];
    if (!take(walk, name, (size_t)name_length) || !take_numbers(walk, head, 6))
        return false;
    if (name_length != 10 || memcmp(name, "silero-16k", 10) != 0)
        return damaged(walk, "the detector is of an unknown kind");
    if (head[3] != 512 || head[4] != 64 || head[5] != 4)
        return damaged(walk, "the detector's sizes are damaged");
    if (!take_numbers(walk, layers, 12) || !take_numbers(walk, rest, 4))
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(layers); i++)
        if (!within(layers[i], 1, 1024))
            return damaged(walk, "the detector's sizes are damaged");
    if (rest[0] != 128 || rest[1] != 128 || rest[2] != 128 || rest[3] != 1)
        return damaged(walk, "the detector's sizes are damaged");
    return walk_tensors(walk, 15);
}

bool model_file_walk(FILE *file, uint64_t size, enum model_kind *kind, struct error *err) {
    struct walk walk = {.file = file, .size = size, .err = err};
    int32_t magic, next;
    if (size < 8)
        return error_set(err, ERROR_CORRUPT, "the file has only %" PRIu64 " bytes", size);
    if (!take_numbers(&walk, &magic, 1))
        return false;
    if (magic != MAGIC) {
        error_set(err, ERROR_CORRUPT, "this is not a model in whisper.cpp's format (its first bytes are others)");
        return error_hint(err, "such files are called ggml-NAME.bin; \"tidemill model list\" shows the names");
    }
    if (!take_numbers(&walk, &next, 1))
        return false;
    bool activity = within(next, 1, 16);
    if (!(activity ? walk_activity(&walk, next) : walk_speech(&walk, next)))
        return false;
    *kind = activity ? MODEL_ACTIVITY : MODEL_SPEECH;
    return true;
}

bool model_file_check(const char *path, enum model_kind *kind, struct error *err) {
    FILE *file = fopen(path, "rbe");
    if (!file)
        return error_set_os(err, errno, "%s", path);
    bool good = fseeko(file, 0, SEEK_END) == 0;
    off_t size = good ? ftello(file) : -1;
    if (size < 0 || fseeko(file, 0, SEEK_SET) != 0)
        good = error_set_os(err, errno, "%s", path);
    else if (!model_file_walk(file, (uint64_t)size, kind, err))
        good = error_context(err, "%s", path);
    fclose(file);
    return good;
}
