/* Preloaded into a program without sanitizers, this makes one of its calls to the file system go wrong: a full disk, a
 * failing sync, or the end of the process at any instant. Nothing in the program knows of it. What to do comes from the
 * environment:
 *
 *   TIDEMILL_FAULT_UNDER    folder (its real path); only calls on files below it count
 *   TIDEMILL_FAULT_CALL     write, sync, rename, create, truncate, remove, folder, link, or any (default)
 *   TIDEMILL_FAULT_NTH      which call of that kind, from 1 on; unset: none, for counting
 *   TIDEMILL_FAULT_ACTION   fail (default); kill: SIGKILL before the call; half: half of the write, then SIGKILL
 *   TIDEMILL_FAULT_ERRNO    ENOSPC (default), EIO, EDQUOT, EACCES, EROFS, EINTR, EMFILE, or a number
 *   TIDEMILL_FAULT_PERSIST  set: that call and every later one fail
 *   TIDEMILL_FAULT_WHILE    path; calls fail as long as a file is there, whatever their number
 *   TIDEMILL_FAULT_COUNT    file into which the number of calls of each kind is written at exit, a line each
 *
 * Calls are intercepted where programs and libraries call the C library; what the C library calls within itself
 * (fwrite's own write, for one) is not. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { WRITE, SYNC, RENAME, CREATE, TRUNCATE, REMOVE, FOLDER, LINK, ANY };
static const char *const kind_names[] = {"write",  "sync",   "rename", "create", "truncate",
                                         "remove", "folder", "link",   "any"};

enum action { FAIL, KILL, HALF };

static struct {
    char under[PATH_MAX];
    size_t under_length;
    enum kind kind;
    long nth;
    enum action action;
    int error;
    bool persist;
    char gate[PATH_MAX];
    char count[PATH_MAX];
} plan;

static atomic_long calls[ANY + 1];

static int error_of(const char *name) {
    static const struct {
        const char *name;
        int number;
    } rows[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},     {"EDQUOT", EDQUOT}, {"EACCES", EACCES},
                {"EROFS", EROFS},   {"EINTR", EINTR}, {"EMFILE", EMFILE}};
    if (!name)
        return ENOSPC;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].number;
    }
    return (int)strtol(name, NULL, 10);
}

__attribute__((constructor)) static void read_plan(void) {
    const char *under = getenv("TIDEMILL_FAULT_UNDER");
    const char *kind = getenv("TIDEMILL_FAULT_CALL");
    const char *nth = getenv("TIDEMILL_FAULT_NTH");
    const char *action = getenv("TIDEMILL_FAULT_ACTION");
    const char *count = getenv("TIDEMILL_FAULT_COUNT");
    if (!under || !realpath(under, plan.under))
        return;
    plan.under_length = strlen(plan.under);
    plan.kind = ANY;
    for (int i = 0; kind && i < ANY; i++) {
        if (strcmp(kind, kind_names[i]) == 0)
            plan.kind = (enum kind)i;
    }
    plan.nth = nth ? strtol(nth, NULL, 10) : 0;
    plan.action = action && strcmp(action, "kill") == 0 ? KILL : action && strcmp(action, "half") == 0 ? HALF : FAIL;
    plan.error = error_of(getenv("TIDEMILL_FAULT_ERRNO"));
    plan.persist = getenv("TIDEMILL_FAULT_PERSIST") != NULL;
    const char *gate = getenv("TIDEMILL_FAULT_WHILE");
    if (gate)
        snprintf(plan.gate, sizeof(plan.gate), "%s", gate);
    if (count)
        snprintf(plan.count, sizeof(plan.count), "%s", count);
}

__attribute__((destructor)) static void write_count(void) {
    if (!plan.count[0])
        return;
    char text[512];
    size_t used = 0;
    for (int i = 0; i <= ANY; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %ld\n", kind_names[i], atomic_load(&calls[i]));
    long fd = syscall(SYS_openat, AT_FDCWD, plan.count, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd >= 0 && syscall(SYS_write, fd, text, used) >= 0)
        syscall(SYS_close, fd);
}

static bool below(const char *path) {
    return plan.under_length && strncmp(path, plan.under, plan.under_length) == 0 &&
           (path[plan.under_length] == '/' || !path[plan.under_length]);
}

static bool descriptor_below(int fd) {
    char link[64];
    char path[PATH_MAX];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = plan.under_length ? readlink(link, path, sizeof(path) - 1) : -1;
    if (length < 0)
        return false;
    path[length] = 0;
    return below(path);
}

static bool path_below(int folder, const char *path) {
    char whole[2 * PATH_MAX];
    if (!plan.under_length || !path)
        return false;
    if (path[0] == '/')
        return below(path);
    if (folder != AT_FDCWD)
        return descriptor_below(folder);
    if (!getcwd(whole, PATH_MAX))
        return false;
    size_t length = strlen(whole);
    snprintf(whole + length, sizeof(whole) - length, "/%s", path);
    return below(whole);
}

/* Counts a call; true when it is to go wrong. */
static bool strike(enum kind kind, bool counts) {
    if (!counts)
        return false;
    long own = atomic_fetch_add(&calls[kind], 1) + 1;
    long any = atomic_fetch_add(&calls[ANY], 1) + 1;
    long number = plan.kind == ANY ? any : own;
    if (plan.kind != ANY && plan.kind != kind)
        return false;
    if (plan.gate[0]) {
        if (syscall(SYS_faccessat, AT_FDCWD, plan.gate, F_OK) != 0)
            return false;
        errno = plan.error;
        return true;
    }
    if (!plan.nth)
        return false;
    if (plan.persist ? number < plan.nth : number != plan.nth)
        return false;
    if (plan.action == KILL || (plan.action == HALF && kind != WRITE))
        raise(SIGKILL);
    errno = plan.error;
    return true;
}

/* The function of that name in the next library. */
#define NEXT(name) ((__typeof__(&name))next_of(#name))

static void *next_of(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function)
        abort();
    return function;
}

ssize_t write(int fd, const void *data, size_t length) {
    if (strike(WRITE, descriptor_below(fd))) {
        if (plan.action != HALF)
            return -1;
        NEXT(write)(fd, data, length / 2);
        raise(SIGKILL);
    }
    return NEXT(write)(fd, data, length);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    if (strike(WRITE, descriptor_below(fd))) {
        if (plan.action != HALF)
            return -1;
        NEXT(pwrite)(fd, data, length / 2, at);
        raise(SIGKILL);
    }
    return NEXT(pwrite)(fd, data, length, at);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
    return pwrite(fd, data, length, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return strike(WRITE, descriptor_below(fd)) ? -1 : NEXT(writev)(fd, parts, count);
}

ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t length, unsigned flags) {
    return strike(WRITE, descriptor_below(to)) ? -1 : NEXT(copy_file_range)(from, from_at, to, to_at, length, flags);
}

int fsync(int fd) {
    return strike(SYNC, descriptor_below(fd)) ? -1 : NEXT(fsync)(fd);
}

int fdatasync(int fd) {
    return strike(SYNC, descriptor_below(fd)) ? -1 : NEXT(fdatasync)(fd);
}

int rename(const char *from, const char *to) {
    return strike(RENAME, path_below(AT_FDCWD, to)) ? -1 : NEXT(rename)(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    return strike(RENAME, path_below(to_folder, to)) ? -1 : NEXT(renameat)(from_folder, from, to_folder, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    return strike(RENAME, path_below(to_folder, to)) ? -1 : NEXT(renameat2)(from_folder, from, to_folder, to, flags);
}

/* The mode, when there is one. */
#define MODE_OF(flags, mode)                                                                                           \
    do {                                                                                                               \
        if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                         \
            va_list arguments;                                                                                         \
            va_start(arguments, flags);                                                                                \
            (mode) = va_arg(arguments, mode_t);                                                                        \
            va_end(arguments);                                                                                         \
        }                                                                                                              \
    } while (0)

int open(const char *path, int flags, ...) {
    mode_t mode = 0;
    MODE_OF(flags, mode);
    return strike(CREATE, (flags & O_CREAT) && path_below(AT_FDCWD, path)) ? -1 : NEXT(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    mode_t mode = 0;
    MODE_OF(flags, mode);
    return strike(CREATE, (flags & O_CREAT) && path_below(AT_FDCWD, path)) ? -1 : NEXT(open64)(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
    mode_t mode = 0;
    MODE_OF(flags, mode);
    return strike(CREATE, (flags & O_CREAT) && path_below(folder, path)) ? -1 : NEXT(openat)(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
    mode_t mode = 0;
    MODE_OF(flags, mode);
    return strike(CREATE, (flags & O_CREAT) && path_below(folder, path)) ? -1
                                                                         : NEXT(openat64)(folder, path, flags, mode);
}

int ftruncate(int fd, off_t length) {
    return strike(TRUNCATE, descriptor_below(fd)) ? -1 : NEXT(ftruncate)(fd, length);
}

int ftruncate64(int fd, off64_t length) {
    return strike(TRUNCATE, descriptor_below(fd)) ? -1 : NEXT(ftruncate64)(fd, length);
}

int unlink(const char *path) {
    return strike(REMOVE, path_below(AT_FDCWD, path)) ? -1 : NEXT(unlink)(path);
}

int unlinkat(int folder, const char *path, int flags) {
    return strike(REMOVE, path_below(folder, path)) ? -1 : NEXT(unlinkat)(folder, path, flags);
}

int rmdir(const char *path) {
    return strike(REMOVE, path_below(AT_FDCWD, path)) ? -1 : NEXT(rmdir)(path);
}

int mkdir(const char *path, mode_t mode) {
    return strike(FOLDER, path_below(AT_FDCWD, path)) ? -1 : NEXT(mkdir)(path, mode);
}

int mkdirat(int folder, const char *path, mode_t mode) {
    return strike(FOLDER, path_below(folder, path)) ? -1 : NEXT(mkdirat)(folder, path, mode);
}

int link(const char *from, const char *to) {
    return strike(LINK, path_below(AT_FDCWD, to)) ? -1 : NEXT(link)(from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    return strike(LINK, path_below(to_folder, to)) ? -1 : NEXT(linkat)(from_folder, from, to_folder, to, flags);
}
