/* Landlock (landlock(7), "Documentation/userspace-api/landlock.rst" of the Linux kernel), called directly: the C
 * library has no functions for it. The first version of the interface is all that is asked of the kernel, but for
 * truncation (version 3), without which a file elsewhere could still be emptied. */
#include "run/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

static uint64_t writes_of_version(long version) {
    uint64_t writes = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                      LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                      LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                      LANDLOCK_ACCESS_FS_MAKE_SYM;
    if (version >= 2)
        writes |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        writes |= LANDLOCK_ACCESS_FS_TRUNCATE;
    return writes;
}

static bool restrict_to(int rules, int folder, uint64_t writes) {
    struct landlock_path_beneath_attr below = {.allowed_access = writes, .parent_fd = folder};
    return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0 &&
           syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}

bool landlock_writes(const char *folder, struct error *err) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return true;
    struct landlock_ruleset_attr handled = {.handled_access_fs = writes_of_version(version)};
    long rules = syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
    int fd = rules < 0 ? -1 : open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && restrict_to((int)rules, fd, handled.handled_access_fs);
    int failed = errno;
    if (fd >= 0)
        close(fd);
    if (rules >= 0)
        close((int)rules);
    return done || error_set_os(err, failed, "cannot confine writing to %s", folder);
}
