#include "base/parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"

struct crew {
    atomic_size_t next;
    size_t count;
    void (*work)(void *to, size_t index);
    void *to;
};

static void *run(void *of) {
    struct crew *crew = of;
    for (size_t index; (index = atomic_fetch_add(&crew->next, 1)) < crew->count;)
        crew->work(crew->to, index);
    return NULL;
}

void parallel_for(size_t count, unsigned threads, void (*work)(void *to, size_t index), void *to) {
    struct crew crew = {.count = count, .work = work, .to = to};
    unsigned wanted = threads < 1 ? 1 : threads;
    if (wanted > count)
        wanted = count ? (unsigned)count : 1;
    pthread_t *ids = memory_alloc_array(wanted, sizeof(*ids));
    unsigned started = 0;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    /* This thread works too; one that cannot be started only makes it slower. */
    while (started + 1 < wanted && pthread_create(&ids[started], NULL, run, &crew) == 0)
        started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    run(&crew);
    for (unsigned i = 0; i < started; i++)
        pthread_join(ids[i], NULL);
    free(ids);
}
