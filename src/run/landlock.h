/* Keeps writing below one folder, by the kernel's Landlock. Private to the room. */
#ifndef TIDEMILL_RUN_LANDLOCK_H
#define TIDEMILL_RUN_LANDLOCK_H

#include <stdbool.h>

#include "base/error.h"

/* From now on this thread and those it starts can create, change and remove files only below `folder`; reading is not
 * touched. Needs no_new_privs. True also where the kernel has no Landlock (before 5.13, or switched off): the folder is
 * a convention there, and the other limits hold. */
bool landlock_writes(const char *folder, struct error *err);

#endif
