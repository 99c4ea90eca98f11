#include "http/catalog_site.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/compress.h"
#include "podcast/index_site.h"
#include "store/object/directory.h"

enum { READERS_KEPT = 4 }; /* as many as the server has threads: more would only hold memory */

struct shared_manifest {
    struct catalog_manifest shown; /* first: what others see of it */
    struct manifest *manifest;
    pthread_mutex_t lock; /* guards the making of the text; made once, it never changes */
    struct arena *arena;
    struct catalog_text text;
    uint64_t podcasts; /* of the configuration it was made with: which podcasts, from which addresses */
    char stamp[OBJECT_ETAG_SIZE];
    atomic_size_t users;
};

struct catalog_site {
    char *folder;
    atomic_size_t users;
    pthread_mutex_t lock; /* guards all below */
    unsigned idle_ticks;  /* since the last use */
    struct object_store *files;
    struct shared_manifest *manifest;
    struct catalog_facts facts; /* of the manifest with this stamp */
    char facts_stamp[OBJECT_ETAG_SIZE];
    bool facts_known;
    struct index_reader *readers[READERS_KEPT]; /* not in use now */
    size_t reader_count;
};

struct catalog_site *catalog_site_open(const char *files) {
    struct catalog_site *live = memory_alloc(sizeof(*live));
    live->folder = memory_text(files);
    atomic_init(&live->users, 1);
    pthread_mutex_init(&live->lock, NULL);
    return live;
}

struct catalog_site *catalog_site_share(struct catalog_site *live) {
    atomic_fetch_add(&live->users, 1);
    return live;
}

void catalog_site_give(struct catalog_site *live) {
    if (!live || atomic_fetch_sub(&live->users, 1) > 1)
        return;
    catalog_manifest_give(live->manifest ? &live->manifest->shown : NULL);
    for (size_t i = 0; i < live->reader_count; i++)
        index_reader_close(live->readers[i]);
    object_store_close(live->files);
    pthread_mutex_destroy(&live->lock);
    free(live->folder);
    free(live);
}

bool catalog_site_is_at(const struct catalog_site *live, const char *files) {
    return strcmp(live->folder, files) == 0;
}

struct object_store *catalog_files(struct catalog_site *live, struct error *err) {
    pthread_mutex_lock(&live->lock);
    if (!live->files)
        live->files = directory_store_open(live->folder, err);
    struct object_store *files = live->files;
    pthread_mutex_unlock(&live->lock);
    return files;
}

/* ---- the manifest ---- */

/* A feed whose address holds a secret has audio addresses that do, too. */
static bool podcast_is_private(const struct site *site, const char *podcast_id) {
    char shown[2048];
    const struct site_podcast *podcast = site_podcast_find(site, podcast_id);
    return podcast && podcast->url && strcmp(redact_url(podcast->url, shown, sizeof(shown)), podcast->url) != 0;
}

static uint64_t podcasts_hash(const struct site *site) {
    uint64_t hash = site->podcast_count;
    for (size_t i = 0; i < site->podcast_count; i++) {
        const struct site_podcast *podcast = &site->podcasts[i];
        hash = hash * 31 + hash_fnv1a(podcast->id, strlen(podcast->id));
        hash = hash * 31 + (podcast->url ? hash_fnv1a(podcast->url, strlen(podcast->url)) : 0);
    }
    return hash;
}

static json_t *served_row(const struct site *site, const struct episode *episode) {
    json_t *row = episode_json(episode);
    char file[1024];
    if (!episode->audio_file) {
        snprintf(file, sizeof(file), "%s.mp3", episode->file_key);
        json_object_set_new(row, "audioFile", json_string(file));
    }
    if (podcast_is_private(site, episode->podcast_id))
        json_object_set_new(row, "originalAudioURL", json_string(""));
    return row;
}

static void write_text(struct shared_manifest *shared, const struct site *site) {
    const struct manifest *manifest = shared->manifest;
    JSON_OWNED json_t *root = json_object();
    json_t *rows = json_array();
    char date[CLOCK_ISO_SIZE], digest[HASH_TEXT_SIZE];
    for (size_t i = 0; i < manifest->count; i++)
        json_array_append_new(rows, served_row(site, manifest->episodes[i]));
    json_object_set_new(root, "lastUpdated",
                        manifest->updated_ms < 0 ? json_null() : json_string(clock_iso(manifest->updated_ms, date)));
    json_object_set_new(root, "episodes", rows);
    TEXT_OWNED char *text = json_text(root, 0);
    struct catalog_text *made = &shared->text;
    made->length = strlen(text);
    made->gzip = compress_gzip(shared->arena, text, made->length, &made->gzip_length);
    snprintf(made->etag, sizeof(made->etag), "\"%.32s\"", hash_text(HASH_SHA256, text, made->length, digest));
    made->text = arena_text_part(shared->arena, text, made->length);
}

const struct catalog_text *catalog_manifest_text(struct catalog_manifest *manifest, const struct site *site) {
    struct shared_manifest *shared = (struct shared_manifest *)(void *)manifest;
    pthread_mutex_lock(&shared->lock);
    if (!shared->text.text)
        write_text(shared, site);
    pthread_mutex_unlock(&shared->lock);
    return &shared->text;
}

static struct shared_manifest *read_manifest(struct object_store *files, const struct site *site, const char *stamp,
                                             struct error *err) {
    struct manifest *manifest = files ? manifest_load(files, err) : manifest_open();
    if (!manifest)
        return NULL;
    struct shared_manifest *shared = memory_alloc(sizeof(*shared));
    shared->manifest = manifest;
    shared->shown.manifest = manifest;
    shared->arena = arena_open();
    pthread_mutex_init(&shared->lock, NULL);
    shared->podcasts = podcasts_hash(site);
    memcpy(shared->stamp, stamp, sizeof(shared->stamp));
    atomic_init(&shared->users, 1);
    return shared;
}

void catalog_manifest_give(struct catalog_manifest *manifest) {
    struct shared_manifest *shared = (struct shared_manifest *)(void *)manifest;
    if (!shared || atomic_fetch_sub(&shared->users, 1) > 1)
        return;
    manifest_close(shared->manifest);
    arena_close(shared->arena);
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

/* What the file is now: its entity tag, or "" while there is none. */
static bool manifest_stamp(struct object_store *files, char stamp[OBJECT_ETAG_SIZE], struct error *err) {
    struct object_facts facts;
    struct error why = {0};
    stamp[0] = 0;
    if (!files)
        return true;
    if (object_head(files, MANIFEST_KEY, &facts, &why))
        memcpy(stamp, facts.etag, OBJECT_ETAG_SIZE);
    else if (why.code != ERROR_ABSENT)
        return error_copy(err, &why);
    return true;
}

/* The files (NULL while there is none) and the manifest's stamp. */
static bool look_at_manifest(struct catalog_site *live, struct object_store **files, char stamp[OBJECT_ETAG_SIZE],
                             struct error *err) {
    struct error why = {0};
    *files = catalog_files(live, &why);
    if (!*files && why.code != ERROR_ABSENT)
        return error_copy(err, &why);
    return manifest_stamp(*files, stamp, err);
}

static void remember_facts(struct catalog_site *live, const struct manifest *manifest, const char *stamp) {
    live->facts = (struct catalog_facts){manifest->count, manifest->updated_ms};
    memcpy(live->facts_stamp, stamp, sizeof(live->facts_stamp));
    live->facts_known = true;
}

struct catalog_manifest *catalog_manifest_take(const struct catalog_entry *entry, struct error *err) {
    struct catalog_site *live = entry->live;
    struct object_store *files;
    char stamp[OBJECT_ETAG_SIZE] = "";
    if (!look_at_manifest(live, &files, stamp, err))
        return NULL;
    /* Read under the lock: when it changed, one thread reads it and the others wait for that instead of reading it too.
     */
    pthread_mutex_lock(&live->lock);
    live->idle_ticks = 0;
    struct shared_manifest *shared = live->manifest;
    if (!shared || strcmp(shared->stamp, stamp) != 0 || shared->podcasts != podcasts_hash(entry->site)) {
        struct shared_manifest *made = read_manifest(files, entry->site, stamp, err);
        if (made) {
            catalog_manifest_give(shared ? &shared->shown : NULL);
            live->manifest = made;
            remember_facts(live, made->manifest, stamp);
        }
        shared = made;
    }
    if (shared)
        atomic_fetch_add(&shared->users, 1);
    pthread_mutex_unlock(&live->lock);
    return shared ? &shared->shown : NULL;
}

bool catalog_facts(const struct catalog_entry *entry, struct catalog_facts *facts, struct error *err) {
    struct catalog_site *live = entry->live;
    struct object_store *files;
    char stamp[OBJECT_ETAG_SIZE] = "";
    if (!look_at_manifest(live, &files, stamp, err))
        return false;
    pthread_mutex_lock(&live->lock);
    bool known = live->facts_known && strcmp(live->facts_stamp, stamp) == 0;
    if (!known) {
        struct manifest *manifest = files ? manifest_load(files, err) : manifest_open();
        if (manifest)
            remember_facts(live, manifest, stamp);
        known = manifest != NULL;
        manifest_close(manifest);
    }
    *facts = known ? live->facts : *facts;
    pthread_mutex_unlock(&live->lock);
    return known;
}

/* ---- readers of the index ---- */

static struct index_reader *reader_kept(struct catalog_site *live) {
    pthread_mutex_lock(&live->lock);
    struct index_reader *reader = live->reader_count ? live->readers[--live->reader_count] : NULL;
    pthread_mutex_unlock(&live->lock);
    return reader;
}

static struct index_reader *reader_open(struct catalog_site *live, struct error *err) {
    struct object_store *files = catalog_files(live, err);
    if (!files)
        return NULL;
    struct arena *arena = arena_open();
    struct index_reader *reader = NULL;
    const char *path = object_local_path(files, arena, INDEX_KEY);
    if (path)
        reader = index_reader_open(path, err);
    else
        error_set(err, ERROR_UNSUPPORTED, "the index is no plain file");
    arena_close(arena);
    return reader;
}

static struct index_reader *reader_take(struct catalog_site *live, bool *was_kept, struct error *err) {
    struct index_reader *reader = reader_kept(live);
    *was_kept = reader != NULL;
    if (!reader)
        return reader_open(live, err);
    if (index_reader_refresh(reader, NULL, err))
        return reader;
    index_reader_close(reader);
    return NULL;
}

struct index_reader *catalog_reader_take(struct catalog_site *live, struct error *err) {
    bool was_kept;
    pthread_mutex_lock(&live->lock);
    live->idle_ticks = 0;
    pthread_mutex_unlock(&live->lock);
    return reader_take(live, &was_kept, err);
}

bool catalog_index_look(struct catalog_site *live, uint64_t *passages, struct error *err) {
    bool was_kept;
    struct index_reader *reader = reader_take(live, &was_kept, err);
    if (!reader)
        return false;
    size_t count;
    uint64_t sum = 0;
    const struct index_entry *entries = index_reader_entries(reader, &count);
    for (size_t i = 0; i < count; i++)
        sum += entries[i].passages;
    *passages = sum;
    if (was_kept)
        catalog_reader_give(live, reader);
    else
        index_reader_close(reader);
    return true;
}

void catalog_reader_give(struct catalog_site *live, struct index_reader *reader) {
    if (!reader)
        return;
    pthread_mutex_lock(&live->lock);
    bool kept = live->reader_count < READERS_KEPT;
    if (kept)
        live->readers[live->reader_count++] = reader;
    pthread_mutex_unlock(&live->lock);
    if (!kept)
        index_reader_close(reader);
}

bool catalog_site_trim(struct catalog_site *live) {
    struct index_reader *readers[READERS_KEPT];
    struct shared_manifest *manifest = NULL;
    size_t count = 0;
    pthread_mutex_lock(&live->lock);
    if (++live->idle_ticks > CATALOG_KEEP_TICKS) {
        manifest = live->manifest;
        live->manifest = NULL;
        count = live->reader_count;
        for (size_t i = 0; i < count; i++)
            readers[i] = live->readers[i];
        live->reader_count = 0;
    }
    pthread_mutex_unlock(&live->lock);
    for (size_t i = 0; i < count; i++)
        index_reader_close(readers[i]);
    catalog_manifest_give(manifest ? &manifest->shown : NULL);
    return manifest || count > 0;
}
