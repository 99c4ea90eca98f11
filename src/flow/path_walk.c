/* stub */
#include "flow/path.h"
enum path_outcome path_walk_read(struct path_walk *walk, const struct path *path, const json_t *current, json_t **value,
                                 struct path_absence *absence) {
    (void)walk; (void)path; (void)current; (void)value; (void)absence;
    return PATH_ABSENT;
}
