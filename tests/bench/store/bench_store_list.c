/* A listing of very many keys in bounded memory, beside find and sort on the same folder.
 *
 *   bench_store_list [KEYS]      1,000,000 keys by default: half in one folder, half in a thousand */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "store/object/directory.h"
#include "support/scratch.h"

static void make_file(int folder, const char *name) {
    int fd = openat(folder, name, O_WRONLY | O_CREAT, 0644);
    if (fd < 0) {
        perror(name);
        exit(1);
    }
    close(fd);
}

static void make_keys(int root, size_t keys) {
    mkdirat(root, "one", 0755);
    int one = openat(root, "one", O_RDONLY | O_DIRECTORY);
    for (size_t i = 0; i < keys / 2; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%08zx-a-title-of-usual-length-for-an-episode.srt", i * 2654435761u % 4294967296u);
        make_file(one, name);
    }
    close(one);
    for (size_t i = keys / 2; i < keys; i++) {
        char name[64];
        snprintf(name, sizeof(name), "folder-%zu", i % 1000);
        mkdirat(root, name, 0755);
        snprintf(name, sizeof(name), "folder-%zu/%08zu.json", i % 1000, i);
        make_file(root, name);
    }
}

static bool count_key(void *to, const struct object_facts *facts, struct error *err) {
    (void)facts;
    (void)err;
    ++*(size_t *)to;
    return true;
}

static int list(const char *path, size_t keys) {
    struct error err = {0};
    struct object_store *store = directory_store_open(path, &err);
    size_t count = 0;
    bool done = store && object_list(store, "", count_key, &count, &err) && count == keys;
    if (!done)
        fprintf(stderr, "%zu keys: %s\n", count, err.message);
    object_store_close(store);
    return done ? 0 : 1;
}

static int find_and_sort(const char *path) {
    char command[4096];
    snprintf(command, sizeof(command), "find '%s' -type f -printf '%%P %%s %%T@ %%i\\n' | LC_ALL=C sort >/dev/null",
             path);
    return execl("/bin/sh", "sh", "-c", command, (char *)NULL);
}

struct figure {
    double seconds;
    long peak_kib; /* of the largest process */
};

static struct figure measure(const char *path, size_t keys, bool ours) {
    int64_t before = clock_monotonic_ms(clock_system());
    struct rusage usage;
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(ours ? list(path, keys) : find_and_sort(path));
    if (wait4(child, &status, 0, &usage) < 0 || status) {
        fprintf(stderr, "a measurement failed\n");
        exit(1);
    }
    return (struct figure){(double)(clock_monotonic_ms(clock_system()) - before) / 1000, usage.ru_maxrss};
}

int main(int argc, char **argv) {
    size_t keys = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 1000000;
    struct scratch *scratch = scratch_open();
    int root = open(scratch->path, O_RDONLY | O_DIRECTORY);
    make_keys(root, keys);
    close(root);
    measure(scratch->path, keys, false); /* both find the folders in the cache */
    struct figure peer = measure(scratch->path, keys, false);
    struct figure own = measure(scratch->path, keys, true);
    printf("object_list of %zu keys: %.2f s, peak %ld KiB\n", keys, own.seconds, own.peak_kib);
    printf("find | sort of the same:  %.2f s, peak %ld KiB in its largest process\n", peer.seconds, peer.peak_kib);
    printf("ratio: %.2f of the time\n", own.seconds / peer.seconds);
    scratch_close(scratch);
    return 0;
}
