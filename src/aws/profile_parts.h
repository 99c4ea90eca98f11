/* The configuration as it is kept. Private to aws/profile*.c. */
#ifndef TIDEMILL_AWS_PROFILE_PARTS_H
#define TIDEMILL_AWS_PROFILE_PARTS_H

#include "aws/profile.h"

struct aws_property {
    const char *name;
    const char *value;
};

struct aws_section {
    enum aws_section_kind kind;
    const char *name;
    bool prefixed; /* [profile default], which hides [default] */
    struct aws_property *properties;
    size_t count, capacity;
    struct arena *arena;
    struct aws_section *next;
};

struct aws_config {
    struct arena *arena;
    struct aws_section *first, **end; /* in the order of the files; where the next one is hung */
    size_t count;
    struct {
        const char *path;
        bool there, has_secret, readable;
    } files[AWS_FILE_COUNT];
};

#endif
