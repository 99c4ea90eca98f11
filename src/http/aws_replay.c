/* A hash table with open addressing. Keys are the first 16 bytes of signatures: as HMACs they are spread evenly, and
 * two that share so many bits are not met. It doubles as it fills, and is cleaned of what has expired before that. */
#include "http/aws_replay.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct entry {
    uint64_t key[2];
    int64_t good_until_ms; /* 0: free */
};

struct aws_replay {
    pthread_mutex_t lock;
    struct entry *entries;
    size_t count, size, most;
    int64_t earliest_ms; /* nothing expires before; known after the table was written anew */
};

enum { FIRST_SIZE = 256 };

struct aws_replay *aws_replay_open(size_t most) {
    struct aws_replay *replay = memory_alloc(sizeof(*replay));
    pthread_mutex_init(&replay->lock, NULL);
    replay->size = FIRST_SIZE;
    replay->most = most;
    replay->entries = memory_alloc_array(replay->size, sizeof(*replay->entries));
    return replay;
}

void aws_replay_close(struct aws_replay *replay) {
    if (!replay)
        return;
    pthread_mutex_destroy(&replay->lock);
    free(replay->entries);
    free(replay);
}

/* The entry with the key, or the free one where it belongs. */
static struct entry *find(const struct aws_replay *replay, const uint64_t key[2]) {
    size_t at = (size_t)key[0] & (replay->size - 1);
    while (replay->entries[at].good_until_ms &&
           (replay->entries[at].key[0] != key[0] || replay->entries[at].key[1] != key[1]))
        at = (at + 1) & (replay->size - 1);
    return &replay->entries[at];
}

static bool is_good(const struct entry *entry, int64_t now_ms) {
    return entry->good_until_ms && entry->good_until_ms >= now_ms;
}

/* Writes the table anew without what has expired, larger if it is still more than half full. */
static void renew(struct aws_replay *replay, int64_t now_ms) {
    struct aws_replay old = *replay;
    size_t good = 0;
    for (size_t i = 0; i < old.size; i++)
        good += is_good(&old.entries[i], now_ms);
    replay->size = good * 2 >= old.size ? old.size * 2 : old.size;
    replay->entries = memory_alloc_array(replay->size, sizeof(*replay->entries));
    replay->count = good;
    replay->earliest_ms = INT64_MAX;
    for (size_t i = 0; i < old.size; i++) {
        const struct entry *entry = &old.entries[i];
        if (!is_good(entry, now_ms))
            continue;
        *find(replay, entry->key) = *entry;
        if (entry->good_until_ms < replay->earliest_ms)
            replay->earliest_ms = entry->good_until_ms;
    }
    free(old.entries);
}

static uint64_t read_hex(const char *text, size_t length) {
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value = value << 4 | (uint64_t)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
    return value;
}

enum aws_replay_answer aws_replay_note(struct aws_replay *replay, const char *signature, int64_t good_until_ms,
                                       int64_t now_ms) {
    uint64_t key[2] = {read_hex(signature, 16), read_hex(signature + 16, 16)};
    enum aws_replay_answer answer = AWS_REPLAY_NEW;
    pthread_mutex_lock(&replay->lock);
    struct entry *entry = find(replay, key);
    if (is_good(entry, now_ms)) {
        answer = AWS_REPLAY_SEEN;
    } else {
        if (!entry->good_until_ms && 4 * (replay->count + 1) > 3 * replay->size) {
            renew(replay, now_ms);
            entry = find(replay, key);
        }
        if (!entry->good_until_ms && replay->count == replay->most && replay->earliest_ms < now_ms) {
            renew(replay, now_ms);
            entry = find(replay, key);
        }
        if (!entry->good_until_ms && replay->count == replay->most) {
            answer = AWS_REPLAY_FULL;
        } else {
            replay->count += !entry->good_until_ms;
            *entry = (struct entry){{key[0], key[1]}, good_until_ms};
            if (good_until_ms < replay->earliest_ms)
                replay->earliest_ms = good_until_ms;
        }
    }
    pthread_mutex_unlock(&replay->lock);
    return answer;
}
