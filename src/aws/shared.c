#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "aws/client_parts.h"
#include "base/limits.h"
#include "base/memory.h"

enum { QUOTA_FULL = 500 }; /* "Retry behavior": the tokens of a bucket that nothing was taken from */

/* A text and what is known of it. */
struct entry {
    char *name;
    int64_t value;
    const char *text; /* of a list of texts: interned in `regions` */
};

struct list {
    struct entry *entries;
    size_t count, capacity;
};

struct aws_shared {
    pthread_mutex_t lock; /* guards the rest */
    struct list offsets;  /* by host */
    struct list quotas;   /* by "service/region" */
    struct list buckets;  /* their regions */
    struct list regions;  /* each name once; they stay where they are */
};

struct aws_shared *aws_shared_open(void) {
    struct aws_shared *shared = memory_alloc(sizeof(*shared));
    pthread_mutex_init(&shared->lock, NULL);
    return shared;
}

static void list_close(struct list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->entries[i].name);
    free(list->entries);
}

void aws_shared_close(struct aws_shared *shared) {
    if (!shared)
        return;
    list_close(&shared->offsets);
    list_close(&shared->quotas);
    list_close(&shared->buckets);
    list_close(&shared->regions);
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

static struct entry *find(const struct list *list, const char *name) {
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->entries[i].name, name) == 0)
            return &list->entries[i];
    }
    return NULL;
}

/* NULL when the list is full. */
static struct entry *find_or_add(struct list *list, const char *name, int64_t value) {
    struct entry *found = find(list, name);
    if (found || list->count >= LIMIT_AWS_NAMES)
        return found;
    list->entries = memory_grow(list->entries, list->count, &list->capacity, sizeof(*list->entries));
    list->entries[list->count] = (struct entry){.name = memory_text(name), .value = value};
    return &list->entries[list->count++];
}

int64_t aws_shared_offset(struct aws_shared *shared, const char *host) {
    if (!shared)
        return 0;
    pthread_mutex_lock(&shared->lock);
    const struct entry *found = find(&shared->offsets, host);
    int64_t offset_ms = found ? found->value : 0;
    pthread_mutex_unlock(&shared->lock);
    return offset_ms;
}

void aws_shared_set_offset(struct aws_shared *shared, const char *host, int64_t offset_ms) {
    if (!shared)
        return;
    pthread_mutex_lock(&shared->lock);
    struct entry *found = find_or_add(&shared->offsets, host, 0);
    if (found)
        found->value = offset_ms;
    pthread_mutex_unlock(&shared->lock);
}

static struct entry *quota(struct aws_shared *shared, const char *service, const char *region) {
    ARENA_OWNED struct arena *arena = arena_open();
    return find_or_add(&shared->quotas, arena_format(arena, "%s/%s", service, region), QUOTA_FULL);
}

bool aws_shared_take(struct aws_shared *shared, const char *service, const char *region, unsigned cost) {
    if (!shared)
        return true;
    pthread_mutex_lock(&shared->lock);
    struct entry *found = quota(shared, service, region);
    bool enough = !found || found->value >= cost;
    if (found && enough)
        found->value -= cost;
    pthread_mutex_unlock(&shared->lock);
    return enough;
}

void aws_shared_give(struct aws_shared *shared, const char *service, const char *region, unsigned tokens) {
    if (!shared)
        return;
    pthread_mutex_lock(&shared->lock);
    struct entry *found = quota(shared, service, region);
    if (found)
        found->value = found->value + tokens < QUOTA_FULL ? found->value + tokens : QUOTA_FULL;
    pthread_mutex_unlock(&shared->lock);
}

const char *aws_shared_region(struct aws_shared *shared, const char *bucket) {
    if (!shared)
        return NULL;
    pthread_mutex_lock(&shared->lock);
    const struct entry *found = find(&shared->buckets, bucket);
    const char *region = found ? found->text : NULL;
    pthread_mutex_unlock(&shared->lock);
    return region;
}

void aws_shared_set_region(struct aws_shared *shared, const char *bucket, const char *region) {
    if (!shared || !aws_region_valid(region))
        return;
    pthread_mutex_lock(&shared->lock);
    const struct entry *name = find_or_add(&shared->regions, region, 0);
    struct entry *found = name ? find_or_add(&shared->buckets, bucket, 0) : NULL;
    if (found)
        found->text = name->name;
    pthread_mutex_unlock(&shared->lock);
}
