/* Writes a folder's files as C arrays (the table of src/http/asset.h).
 *
 *     embed OUT.c FOLDER [PREFIX=FOLDER...]
 *
 * A folder with a prefix gives its files the names PREFIX/NAME. Names are sorted and nothing of time or place goes in,
 * so the same folders give the same bytes. In the HTML files each src="NAME" and href="NAME" that names a script or
 * style is led to /static/{release}/NAME. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

enum { FILES_MOST = 256, RELEASE_LENGTH = 16, BYTES_PER_LINE = 32 };

struct site_file {
    char *name;
    char *data;
    size_t size;
};

struct folder {
    const char *path;
    const char *prefix; /* of the folder that is being read; "" or "flow/" */
    struct arena *arena;
    struct site_file files[FILES_MOST];
    size_t count;
    char release[RELEASE_LENGTH + 1];
};

static const char *media_type(const char *name) {
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".css", "text/css; charset=utf-8"},
        {".html", "text/html; charset=utf-8"},
        {".ico", "image/x-icon"},
        {".js", "text/javascript; charset=utf-8"},
        {".json", "application/json; charset=utf-8"},
        {".png", "image/png"},
        {".svg", "image/svg+xml"},
        {".webmanifest", "application/manifest+json"},
        {".woff2", "font/woff2"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
        if (text_ends(name, types[i].ending))
            return types[i].type;
    }
    return NULL;
}

static bool take_file(void *to, const char *name, bool is_folder, struct error *err) {
    struct folder *folder = to;
    if (is_folder || name[0] == '.' || text_ends(name, ".md"))
        return true;
    if (!media_type(name))
        return error_set(err, ERROR_INVALID, "%s: no media type is known for it", name);
    if (folder->count == FILES_MOST)
        return error_set(err, ERROR_LIMIT, "more than %d files", FILES_MOST);
    struct site_file *file = &folder->files[folder->count++];
    file->name = arena_format(folder->arena, "%s%s", folder->prefix, name);
    return file_read(folder->arena, file_join(folder->arena, folder->path, name), 4 * MIB, &file->data, &file->size,
                     err);
}

static void name_release(struct folder *folder) {
    char digest[HASH_TEXT_SIZE];
    struct hash *hash = hash_open(HASH_SHA256);
    for (size_t i = 0; i < folder->count; i++) {
        hash_add(hash, folder->files[i].name, strlen(folder->files[i].name) + 1);
        hash_add(hash, folder->files[i].data, folder->files[i].size);
    }
    hash_end(hash, digest);
    hash_close(hash);
    snprintf(folder->release, sizeof(folder->release), "%.*s", RELEASE_LENGTH, digest);
}

static bool is_released(const struct folder *folder, const char *name, size_t length) {
    for (size_t i = 0; i < folder->count; i++) {
        const char *have = folder->files[i].name;
        if (strlen(have) == length && memcmp(have, name, length) == 0)
            return text_ends(have, ".js") || text_ends(have, ".css");
    }
    return false;
}

/* Leads the links of a page to the release. */
static void lead_links(struct folder *folder, struct site_file *page) {
    struct text out;
    text_open(&out, 8 * MIB);
    for (const char *at = page->data; *at;) {
        size_t mark = text_starts(at, "src=\"") ? 5 : text_starts(at, "href=\"") ? 6 : 0;
        size_t length = mark ? strcspn(at + mark, "\"") : 0;
        if (mark && is_released(folder, at + mark, length)) {
            text_append_part(&out, at, mark);
            text_append_format(&out, "/static/%s/", folder->release);
            at += mark;
        } else {
            text_append_char(&out, *at++);
        }
    }
    page->size = out.length;
    page->data = arena_text(folder->arena, text_value(&out));
    text_close(&out);
}

static void write_bytes(FILE *out, const char *kind, size_t number, const unsigned char *data, size_t size) {
    fprintf(out, "static const unsigned char %s_%zu[] = {", kind, number);
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%s%u,", i % BYTES_PER_LINE ? "" : "\n", data[i]);
    fprintf(out, "\n0};\n");
}

/* The gzip form, or 0 bytes where it saves less than a tenth. */
static size_t pack(const struct site_file *file, unsigned char **packed) {
    z_stream stream = {0};
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    size_t room = deflateBound(&stream, (uLong)file->size);
    *packed = memory_alloc(room);
    stream.next_in = (unsigned char *)file->data;
    stream.avail_in = (uInt)file->size;
    stream.next_out = *packed;
    stream.avail_out = (uInt)room;
    deflate(&stream, Z_FINISH);
    size_t size = stream.total_out;
    deflateEnd(&stream);
    return size + size / 10 < file->size ? size : 0;
}

static void write_table(FILE *out, struct folder *folder) {
    size_t packed_sizes[FILES_MOST] = {0};
    fprintf(out, "#include \"http/asset.h\"\n\nconst char asset_release[] = \"%s\";\n", folder->release);
    for (size_t i = 0; i < folder->count; i++) {
        struct site_file *file = &folder->files[i];
        unsigned char *packed = NULL;
        write_bytes(out, "data", i, (const unsigned char *)file->data, file->size);
        if (!text_ends(file->name, ".html") && (packed_sizes[i] = pack(file, &packed)))
            write_bytes(out, "gzip", i, packed, packed_sizes[i]);
        free(packed);
    }
    fprintf(out, "const struct asset asset_table[] = {\n");
    for (size_t i = 0; i < folder->count; i++) {
        const struct site_file *file = &folder->files[i];
        char digest[HASH_TEXT_SIZE];
        hash_text(HASH_SHA256, file->data, file->size, digest);
        fprintf(out, "    {\"%s\", \"%s\", \"\\\"%.32s\\\"\", data_%zu, %zu, ", file->name, media_type(file->name),
                digest, i, file->size);
        if (packed_sizes[i])
            fprintf(out, "gzip_%zu, %zu},\n", i, packed_sizes[i]);
        else
            fprintf(out, "0, 0},\n");
    }
    fprintf(out, "};\nconst size_t asset_count = %zu;\n", folder->count);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const struct site_file *)a)->name, ((const struct site_file *)b)->name);
}

/* "FOLDER" or "PREFIX=FOLDER". */
static bool take_folder(struct folder *folder, char *argument, struct error *err) {
    char *equals = strchr(argument, '=');
    folder->path = equals ? equals + 1 : argument;
    folder->prefix = equals ? arena_format(folder->arena, "%.*s/", (int)(equals - argument), argument) : "";
    return file_list(folder->path, take_file, folder, err);
}

int main(int argc, char **argv) {
    struct error err = {0};
    struct folder folder = {.path = ""};
    if (argc < 3) {
        fprintf(stderr, "usage: embed OUT.c FOLDER [PREFIX=FOLDER...]\n");
        return 2;
    }
    folder.arena = arena_open();
    for (int i = 2; i < argc; i++) {
        if (!take_folder(&folder, argv[i], &err)) {
            fprintf(stderr, "embed: %s: %s\n", folder.path, err.message);
            arena_close(folder.arena);
            return 1;
        }
    }
    qsort(folder.files, folder.count, sizeof(folder.files[0]), compare_names);
    name_release(&folder);
    for (size_t i = 0; i < folder.count; i++) {
        if (text_ends(folder.files[i].name, ".html"))
            lead_links(&folder, &folder.files[i]);
    }
    FILE *out = fopen(argv[1], "w");
    bool good = out != NULL;
    if (good)
        write_table(out, &folder);
    if (good && (ferror(out) | fclose(out)))
        good = false;
    if (!good)
        perror(argv[1]);
    arena_close(folder.arena);
    return good ? 0 : 1;
}
