/* Changing an index: puts and removals gather beside the published file, a commit writes the two together as a new one.
 *
 * Why not in place? A plain copy of the file at any instant must be a whole index, and equal contents must give equal
 * bytes however they came about. Both rule out a file that is patched. Writing it anew costs one pass over what is
 * there, lists copied as they are: the time of copying a file. */
#include "search/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"

static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return memory_text(".");
    return slash == path ? memory_text("/") : memory_text_part(path, (size_t)(slash - path));
}

/* The temporary name of base/file.h for a name in `path`'s folder, so that leftovers of a killed writer are found and
 * swept as all are. */
static char *part_name(const char *path, const char *kind) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char *part = NULL;
    if (asprintf(&part, "%.*s" FILE_PART_PREFIX "%016llx%s", (int)(name - path), path,
                 (unsigned long long)hash_fnv1a(name, strlen(name)), kind) < 0)
        abort();
    return part;
}

static bool folder_lock(struct index_writer *writer, struct error *err) {
    TEXT_OWNED char *folder = folder_of(writer->path);
    writer->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (writer->folder < 0)
        return error_set_os(err, errno, "cannot open the folder of the index %s", writer->path);
    if (flock(writer->folder, LOCK_EX | LOCK_NB) == 0) {
        /* What a killed writer left is nobody's. */
        TEXT_OWNED char *part = part_name(writer->path, "");
        TEXT_OWNED char *scratch = part_name(writer->path, "-scratch");
        unlink(part);
        unlink(scratch);
        return true;
    }
    if (errno == EWOULDBLOCK)
        return error_set(err, ERROR_BUSY, "the index %s is being written by another process", writer->path);
    return error_set_os(err, errno, "cannot lock the folder of the index %s", writer->path);
}

/* The published state, or none. */
static bool old_open(struct index_writer *writer, struct error *err) {
    struct error why = {0};
    free(writer->old_gone);
    writer->old_gone = NULL;
    writer->old = index_reader_open(writer->path, &why);
    if (!writer->old)
        return why.code == ERROR_ABSENT || error_copy(err, &why);
    writer->old_gone = memory_alloc_array(writer->old->entry_count + 1, sizeof(*writer->old_gone));
    return true;
}

struct index_writer *index_writer_open(const char *path, unsigned flags, struct error *err) {
    struct index_writer *writer = memory_alloc(sizeof(*writer));
    writer->path = memory_text(path);
    writer->folder = writer->scratch = -1;
    writer->arena = arena_open();
    writer->builder = run_builder_open();
    writer->memory_most = LIMIT_SEARCH_MEMORY;
    writer->changed = (flags & INDEX_EMPTY) != 0;
    if (folder_lock(writer, err) && (flags & INDEX_EMPTY || old_open(writer, err)) &&
        (writer->tokenizer = tokenizer_open(err)))
        return writer;
    index_writer_close(writer);
    return NULL;
}

void index_writer_close(struct index_writer *writer) {
    if (!writer)
        return;
    index_reader_close(writer->old);
    free(writer->old_gone);
    tokenizer_close(writer->tokenizer);
    tokens_close(&writer->tokens);
    run_builder_close(writer->builder);
    arena_close(writer->arena);
    bytes_close(&writer->layout);
    bytes_close(&writer->text);
    bytes_close(&writer->lengths);
    free(writer->puts);
    free(writer->live);
    free(writer->runs);
    if (writer->scratch >= 0)
        close(writer->scratch);
    if (writer->folder >= 0)
        close(writer->folder);
    free(writer->path);
    free(writer);
}

/* The scratch file has no name as soon as it is open, so a killed writer leaves nothing. */
static bool scratch_open(struct index_writer *writer, struct error *err) {
    if (writer->scratch >= 0)
        return true;
    TEXT_OWNED char *name = part_name(writer->path, "-scratch");
    writer->scratch = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (writer->scratch < 0)
        return error_set_os(err, errno, "cannot make a scratch file beside the index %s", writer->path);
    unlink(name);
    return true;
}

/* The place of `number` among the live puts; *found tells whether it is there. */
static size_t live_place(const struct index_writer *writer, uint32_t number, bool *found) {
    size_t low = 0;
    size_t high = writer->live_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (writer->puts[writer->live[middle]].entry.episode.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < writer->live_count && writer->puts[writer->live[low]].entry.episode.number == number;
    return low;
}

static const struct index_entry *entry_now(const struct index_writer *writer, uint32_t number) {
    bool found;
    size_t place = live_place(writer, number, &found);
    if (found)
        return &writer->puts[writer->live[place]].entry;
    const struct index_entry *entry = writer->old ? reader_entry(writer->old, number) : NULL;
    return entry && !writer->old_gone[entry - writer->old->entries] ? entry : NULL;
}

/* Takes what is there under `number` out of the picture. */
static bool entry_drop(struct index_writer *writer, uint32_t number) {
    bool found;
    size_t place = live_place(writer, number, &found);
    if (found) {
        writer->puts[writer->live[place]].dead = true;
        writer->live_count--;
        memmove(writer->live + place, writer->live + place + 1, (writer->live_count - place) * sizeof(*writer->live));
    }
    const struct index_entry *entry = writer->old ? reader_entry(writer->old, number) : NULL;
    bool *gone = entry ? &writer->old_gone[entry - writer->old->entries] : NULL;
    bool dropped = found || (gone && !*gone);
    if (gone)
        *gone = true;
    return dropped;
}

static void hash_number(struct hash *hash, uint64_t value) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    hash_add(hash, bytes, sizeof(bytes));
}

static void hash_part(struct hash *hash, const char *text, size_t length) {
    hash_number(hash, length);
    hash_add(hash, text, length);
}

static void content_hash(const struct index_episode *episode, const struct index_passage *passages, size_t count,
                         char out[INDEX_HASH_SIZE]) {
    struct hash *hash = hash_open(HASH_SHA256);
    hash_number(hash, episode->number);
    hash_number(hash, (uint64_t)episode->published_ms);
    hash_part(hash, episode->podcast_id, strlen(episode->podcast_id));
    hash_part(hash, episode->podcast_title, strlen(episode->podcast_title));
    hash_part(hash, episode->title, strlen(episode->title));
    hash_part(hash, episode->file_key, strlen(episode->file_key));
    hash_number(hash, count);
    for (size_t i = 0; i < count; i++) {
        hash_number(hash, passages[i].start_ms);
        hash_number(hash, passages[i].end_ms);
        hash_part(hash, passages[i].text, passages[i].text_bytes);
    }
    hash_end(hash, out);
    hash_close(hash);
}

static bool episode_valid(const struct index_episode *episode, const struct index_passage *passages, size_t count,
                          struct error *err) {
    const char *fields[] = {episode->podcast_id, episode->podcast_title, episode->title, episode->file_key};
    size_t bytes = 0;
    if (episode->number == 0 || episode->number > LIMIT_EPISODE_NUMBER)
        return error_set(err, ERROR_INVALID, "an episode's number must be 1 to %d", LIMIT_EPISODE_NUMBER);
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        if (strlen(fields[i]) > LIMIT_EPISODE_FIELD_BYTES)
            return error_set(err, ERROR_LIMIT, "episode %u: a title or key is longer than %zu bytes", episode->number,
                             LIMIT_EPISODE_FIELD_BYTES);
    }
    if (count > LIMIT_EPISODE_PASSAGES)
        return error_set(err, ERROR_LIMIT, "episode %u has %zu passages; at most %d", episode->number, count,
                         LIMIT_EPISODE_PASSAGES);
    for (size_t i = 0; i < count; i++) {
        bytes += passages[i].text_bytes;
        if (passages[i].text_bytes > LIMIT_PASSAGE_BYTES || bytes > LIMIT_EPISODE_TEXT_BYTES)
            return error_set(err, ERROR_LIMIT, "episode %u, passage %zu: too much text (a passage: %zu bytes)",
                             episode->number, i + 1, LIMIT_PASSAGE_BYTES);
        if (passages[i].start_ms > INT32_MAX || passages[i].end_ms > INT32_MAX)
            return error_set(err, ERROR_LIMIT, "episode %u, passage %zu: a time beyond 24 days", episode->number,
                             i + 1);
    }
    return true;
}

/* Fills layout, text and lengths and hands each word to the builder. */
static uint32_t passages_gather(struct index_writer *writer, const struct index_passage *passages, size_t count) {
    int64_t start = 0;
    uint32_t words = 0;
    writer->layout.length = writer->text.length = writer->lengths.length = 0;
    for (size_t i = 0; i < count; i++) {
        const struct index_passage *passage = &passages[i];
        bytes_append_varint(&writer->layout, zigzag((int64_t)passage->start_ms - start));
        bytes_append_varint(&writer->layout, zigzag((int64_t)passage->end_ms - (int64_t)passage->start_ms));
        bytes_append_varint(&writer->layout, passage->text_bytes);
        start = passage->start_ms;
        bytes_append(&writer->text, passage->text, passage->text_bytes);
        tokenizer_run(writer->tokenizer, passage->text, passage->text_bytes, &writer->tokens);
        for (size_t t = 0; t < writer->tokens.count; t++) {
            const struct token *token = &writer->tokens.list[t];
            run_builder_word(writer->builder, token_term(&writer->tokens, token), token->term_bytes, (uint32_t)i,
                             token->position);
        }
        bytes_append_varint(&writer->lengths, writer->tokens.positions);
        words += writer->tokens.positions;
    }
    return words;
}

static bool scratch_append(struct index_writer *writer, const struct bytes *bytes, struct error *err) {
    if (!run_write(writer->scratch, writer->scratch_at, bytes->data, bytes->length, err))
        return false;
    writer->scratch_at += bytes->length;
    return true;
}

static bool writer_spill(struct index_writer *writer, struct error *err) {
    struct run run;
    if (!run_spill(writer->builder, writer->scratch, &writer->scratch_at, &run, err))
        return false;
    writer->runs = memory_grow(writer->runs, writer->run_count, &writer->run_capacity, sizeof(*writer->runs));
    writer->runs[writer->run_count++] = run;
    return true;
}

/* Remembers a put that is not live yet. */
static struct put *put_add(struct index_writer *writer, const struct index_episode *episode) {
    writer->puts = memory_grow(writer->puts, writer->put_count, &writer->put_capacity, sizeof(*writer->puts));
    struct put *put = &writer->puts[writer->put_count++];
    *put = (struct put){.entry.episode = *episode, .dead = true};
    put->entry.episode.podcast_id = arena_text(writer->arena, episode->podcast_id);
    put->entry.episode.podcast_title = arena_text(writer->arena, episode->podcast_title);
    put->entry.episode.title = arena_text(writer->arena, episode->title);
    put->entry.episode.file_key = arena_text(writer->arena, episode->file_key);
    return put;
}

/* Makes the last put the one that counts. */
static void put_enliven(struct index_writer *writer) {
    bool found;
    struct put *put = &writer->puts[writer->put_count - 1];
    size_t place = live_place(writer, put->entry.episode.number, &found);
    writer->live = memory_grow(writer->live, writer->live_count, &writer->live_capacity, sizeof(*writer->live));
    memmove(writer->live + place + 1, writer->live + place, (writer->live_count - place) * sizeof(*writer->live));
    writer->live[place] = writer->put_count - 1;
    writer->live_count++;
    put->dead = false;
}

bool index_writer_put(struct index_writer *writer, const struct index_episode *episode,
                      const struct index_passage *passages, size_t count, bool *changed, struct error *err) {
    char hash[INDEX_HASH_SIZE];
    if (!episode_valid(episode, passages, count, err))
        return false;
    content_hash(episode, passages, count, hash);
    const struct index_entry *now = entry_now(writer, episode->number);
    if (now && strcmp(now->hash, hash) == 0) {
        if (changed)
            *changed = false;
        return true;
    }
    if (!scratch_open(writer, err))
        return false;
    if (run_builder_memory(writer->builder) > writer->memory_most && !writer_spill(writer, err))
        return false;
    /* A put that fails has used its serial up: its words are in the builder and stay dead. */
    struct put *put = put_add(writer, episode);
    put->scratch = writer->scratch_at;
    put->entry.words = passages_gather(writer, passages, count);
    put->entry.passages = (uint32_t)count;
    put->layout_bytes = writer->layout.length;
    put->text_bytes = writer->text.length;
    put->lengths_bytes = writer->lengths.length;
    memcpy(put->entry.hash, hash, sizeof(hash));
    run_builder_end_episode(writer->builder, (uint32_t)writer->put_count);
    if (!scratch_append(writer, &writer->layout, err) || !scratch_append(writer, &writer->text, err) ||
        !scratch_append(writer, &writer->lengths, err))
        return false;
    entry_drop(writer, episode->number);
    put_enliven(writer);
    writer->changed = true;
    if (changed)
        *changed = true;
    return true;
}

bool index_writer_remove(struct index_writer *writer, uint32_t number, bool *removed, struct error *err) {
    (void)err;
    bool dropped = entry_drop(writer, number);
    writer->changed |= dropped;
    if (removed)
        *removed = dropped;
    return true;
}

struct held *writer_held(struct arena *arena, const struct index_writer *writer, size_t *count) {
    size_t old_count = writer->old ? writer->old->entry_count : 0;
    struct held *list = arena_alloc_array(arena, old_count + writer->live_count + 1, sizeof(*list));
    size_t n = 0;
    size_t next = 0;
    for (size_t i = 0; i < old_count; i++) {
        if (writer->old_gone[i])
            continue;
        const struct index_entry *entry = &writer->old->entries[i];
        for (; next < writer->live_count; next++) {
            const struct put *put = &writer->puts[writer->live[next]];
            if (put->entry.episode.number > entry->episode.number)
                break;
            list[n++] = (struct held){.entry = &put->entry, .put = put};
        }
        list[n++] = (struct held){.entry = entry};
    }
    for (; next < writer->live_count; next++) {
        const struct put *put = &writer->puts[writer->live[next]];
        list[n++] = (struct held){.entry = &put->entry, .put = put};
    }
    *count = n;
    return list;
}

void index_writer_entries(struct arena *arena, const struct index_writer *writer, const struct index_entry **entries,
                          size_t *count) {
    struct held *held = writer_held(arena, writer, count);
    struct index_entry *list = arena_alloc_array(arena, *count + 1, sizeof(*list));
    for (size_t i = 0; i < *count; i++)
        list[i] = *held[i].entry;
    *entries = list;
}

static bool file_sync(const char *path, struct error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0644) != 0 || fsync(fd) != 0) {
        int os = errno;
        if (fd >= 0)
            close(fd);
        return error_set_os(err, os, "cannot write the index");
    }
    close(fd);
    return true;
}

/* The changes are in the file now: start again from it. */
static bool writer_settle(struct index_writer *writer, struct error *err) {
    index_reader_close(writer->old);
    writer->old = NULL;
    writer->changed = false;
    writer->put_count = writer->live_count = writer->run_count = 0;
    arena_reset(writer->arena);
    writer->scratch_at = 0;
    if (writer->scratch >= 0 && ftruncate(writer->scratch, 0) != 0)
        return error_set_os(err, errno, "cannot empty the scratch file of the index");
    return old_open(writer, err);
}

bool index_writer_commit(struct index_writer *writer, bool *written, struct error *err) {
    if (!writer->changed) {
        if (written)
            *written = false;
        return true;
    }
    TEXT_OWNED char *part = part_name(writer->path, "");
    bool done = file_remove(part, err) && (run_builder_memory(writer->builder) == 0 || writer_spill(writer, err)) &&
                publish_write(writer, part, err) && file_sync(part, err) && file_rename(part, writer->path, err);
    if (!done) {
        unlink(part);
        return error_context(err, "index %s", writer->path);
    }
    if (written)
        *written = true;
    return writer_settle(writer, err);
}
