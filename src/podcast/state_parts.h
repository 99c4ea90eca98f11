/* Private to podcast/state*.c. */
#ifndef TIDEMILL_PODCAST_STATE_PARTS_H
#define TIDEMILL_PODCAST_STATE_PARTS_H

#include <pthread.h>

#include "base/db.h"
#include "podcast/state.h"

struct podcast_state {
    struct db *db; /* guarded by lock */
    pthread_mutex_t lock;
};

static inline void state_lock(struct podcast_state *state) {
    pthread_mutex_lock(&state->lock);
}

/* Lets go and hands `done` through, so that functions end in one line. */
static inline bool state_unlock(struct podcast_state *state, bool done) {
    pthread_mutex_unlock(&state->lock);
    return done;
}

#endif
