/* What a media task may ask of the kernel (seccomp(2), through libseccomp).
 *
 * The list says what is allowed; all else is refused with EPERM, so that a library which tries something optional goes
 * on without it. A task may use memory, threads of its own, clocks, the descriptors it has, and files for reading. It
 * cannot start a program, make a process, open a socket, trace or signal another process, change limits, or write a
 * file, unless its row in the task table says that it needs the network or files.
 *
 * Arguments behind a pointer cannot be looked at. Calls that hide their flags there are not on the list (openat2,
 * io_uring); clone3 is answered with ENOSYS, upon which the C library uses clone, whose flags can be seen. */
#include "run/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"
#include "run/landlock.h"
#include "run/task.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#define CALL(name)                                                                                                     \
    { SCMP_SYS(name), #name }
struct call {
    int number;
    const char *name;
};

static const struct call always[] = {
    /* memory */
    CALL(brk), CALL(mmap), CALL(munmap), CALL(mremap), CALL(mprotect), CALL(madvise), CALL(mincore), CALL(msync),
    CALL(mlock), CALL(munlock), CALL(membarrier), CALL(get_mempolicy),
    /* threads and waiting */
    CALL(futex), CALL(futex_waitv), CALL(set_robust_list), CALL(get_robust_list), CALL(rseq), CALL(set_tid_address),
    CALL(sched_yield), CALL(sched_getaffinity), CALL(sched_setaffinity), CALL(sched_getparam), CALL(sched_getscheduler),
    CALL(sched_get_priority_max), CALL(sched_get_priority_min), CALL(getcpu), CALL(getpriority), CALL(nanosleep),
    CALL(clock_nanosleep), CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(epoll_create1), CALL(epoll_ctl),
    CALL(epoll_wait), CALL(epoll_pwait), CALL(eventfd2), CALL(pipe2), CALL(exit), CALL(exit_group),
    CALL(restart_syscall),
    /* clocks and chance */
    CALL(clock_gettime), CALL(clock_getres), CALL(gettimeofday), CALL(time), CALL(times), CALL(getrusage),
    CALL(getrandom),
    /* signals to itself */
    CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(rt_sigpending), CALL(rt_sigtimedwait),
    CALL(sigaltstack),
    /* who and where it is */
    CALL(getpid), CALL(gettid), CALL(getppid), CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid), CALL(getpgrp),
    CALL(uname), CALL(sysinfo), CALL(getrlimit), CALL(getcwd),
    /* descriptors that it has */
    CALL(read), CALL(readv), CALL(pread64), CALL(preadv), CALL(preadv2), CALL(write), CALL(writev), CALL(pwrite64),
    CALL(pwritev), CALL(pwritev2), CALL(close), CALL(close_range), CALL(lseek), CALL(dup), CALL(dup2), CALL(dup3),
    CALL(fcntl), CALL(fadvise64), CALL(readahead), CALL(sendto), CALL(recvfrom), CALL(sendmsg), CALL(recvmsg),
    CALL(shutdown),
    /* looking at files */
    CALL(stat), CALL(lstat), CALL(fstat), CALL(newfstatat), CALL(statx), CALL(statfs), CALL(fstatfs), CALL(access),
    CALL(faccessat), CALL(faccessat2), CALL(readlink), CALL(readlinkat), CALL(getdents64)};

static const struct call for_network[] = {CALL(connect),     CALL(bind),        CALL(getsockopt), CALL(setsockopt),
                                          CALL(getsockname), CALL(getpeername), CALL(socketpair), CALL(sendmmsg),
                                          CALL(recvmmsg),    CALL(ioctl)};

static const struct call for_write[] = {CALL(open),    CALL(openat),          CALL(creat),           CALL(mkdir),
                                        CALL(mkdirat), CALL(rmdir),           CALL(unlink),          CALL(unlinkat),
                                        CALL(rename),  CALL(renameat),        CALL(renameat2),       CALL(link),
                                        CALL(linkat),  CALL(truncate),        CALL(ftruncate),       CALL(fallocate),
                                        CALL(fsync),   CALL(fdatasync),       CALL(sync_file_range), CALL(chmod),
                                        CALL(fchmod),  CALL(fchmodat),        CALL(utimensat),       CALL(flock),
                                        CALL(umask),   CALL(copy_file_range), CALL(sendfile)};

static struct scmp_arg_cmp equals(unsigned argument, int value) {
    return (struct scmp_arg_cmp){.arg = argument, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)value};
}

/* A call that is allowed when its arguments are as told. */
static int allow_if(scmp_filter_ctx filter, int number, unsigned count, const struct scmp_arg_cmp *arguments) {
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count, arguments);
}

static int allow_all(scmp_filter_ctx filter, const struct call *calls, size_t count) {
    int failed = 0;
    for (size_t i = 0; i < count && !failed; i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i].number, 0);
    return failed;
}

static int allow_reading(scmp_filter_ctx filter) {
    const unsigned long long changing = O_ACCMODE | O_CREAT | O_TRUNC;
    const struct scmp_arg_cmp open_flags = SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, changing, O_RDONLY);
    const struct scmp_arg_cmp openat_flags = SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, changing, O_RDONLY);
    int failed = allow_if(filter, SCMP_SYS(open), 1, &open_flags);
    return failed ? failed : allow_if(filter, SCMP_SYS(openat), 1, &openat_flags);
}

/* TCP and UDP over IP, and the socket by which the C library asks for this machine's addresses. */
static int allow_sockets(scmp_filter_ctx filter) {
    static const struct {
        int domain, type;
    } rows[] = {{AF_INET, SOCK_STREAM}, {AF_INET, SOCK_DGRAM},  {AF_INET6, SOCK_STREAM},
                {AF_INET6, SOCK_DGRAM}, {AF_NETLINK, SOCK_RAW}, {AF_NETLINK, SOCK_DGRAM}};
    int failed = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(rows) && !failed; i++) {
        const struct scmp_arg_cmp arguments[] = {
            equals(0, rows[i].domain),
            SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, 0xF, (scmp_datum_t)rows[i].type),
        };
        failed = allow_if(filter, SCMP_SYS(socket), 2, arguments);
    }
    return failed;
}

/* Threads but no processes, signals to itself, limits for looking, and the two harmless corners of prctl and ioctl. */
static int allow_own_affairs(scmp_filter_ctx filter) {
    const struct scmp_arg_cmp thread = SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
    const struct scmp_arg_cmp self = equals(0, getpid());
    const struct scmp_arg_cmp look[] = {equals(0, 0), equals(2, 0)};
    const struct scmp_arg_cmp terminal = equals(1, TCGETS);
    static const int options[] = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_SET_VMA};
    int failed = allow_if(filter, SCMP_SYS(clone), 1, &thread);
    failed = failed ? failed : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    failed = failed ? failed : allow_if(filter, SCMP_SYS(tgkill), 1, &self);
    failed = failed ? failed : allow_if(filter, SCMP_SYS(prlimit64), 2, look);
    failed = failed ? failed : allow_if(filter, SCMP_SYS(ioctl), 1, &terminal);
    for (size_t i = 0; i < ARRAY_LENGTH(options) && !failed; i++) {
        const struct scmp_arg_cmp option = equals(0, options[i]);
        failed = allow_if(filter, SCMP_SYS(prctl), 1, &option);
    }
    return failed;
}

static int load_filter(unsigned needs) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return -ENOMEM;
    /* For the threads that libraries have started already, too. */
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    failed = failed ? failed : allow_all(filter, always, ARRAY_LENGTH(always));
    failed = failed ? failed : allow_own_affairs(filter);
    if (needs & TASK_NEEDS_NETWORK) {
        failed = failed ? failed : allow_all(filter, for_network, ARRAY_LENGTH(for_network));
        failed = failed ? failed : allow_sockets(filter);
    }
    if (needs & TASK_NEEDS_WRITE)
        failed = failed ? failed : allow_all(filter, for_write, ARRAY_LENGTH(for_write));
    else
        failed = failed ? failed : allow_reading(filter);
    failed = failed ? failed : seccomp_load(filter);
    seccomp_release(filter);
    return failed;
}

static bool limit(int resource, uint64_t bytes, const char *what, struct error *err) {
    struct rlimit both = {.rlim_cur = bytes, .rlim_max = bytes};
    return setrlimit((__rlimit_resource_t)resource, &both) == 0 || error_set_os(err, errno, "cannot limit %s", what);
}

bool confine(unsigned needs, uint64_t memory_bytes, const char *scratch, struct error *err) {
    uint64_t file_bytes = needs & TASK_NEEDS_WRITE ? LIMIT_WORKER_FILE_BYTES : 0;
    if (!SANITIZED && !limit(RLIMIT_DATA, memory_bytes, "its memory", err))
        return false;
    if (!limit(RLIMIT_FSIZE, file_bytes, "its files", err))
        return false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return error_set_os(err, errno, "cannot give up privileges");
    if ((needs & TASK_NEEDS_WRITE) && scratch && !landlock_writes(scratch, err))
        return false;
    int failed = load_filter(needs);
    if (!failed)
        return true;
    error_set(err, ERROR_UNSUPPORTED, "the system refuses to confine a worker (seccomp): %s", strerrordesc_np(-failed));
    return error_hint(err, "run it where seccomp filters are allowed; containers allow them by default");
}
