/* The folder that a call has to itself: made before it, removed after it, whatever became of the task. */
#ifndef TIDEMILL_RUN_CALL_FOLDER_H
#define TIDEMILL_RUN_CALL_FOLDER_H

#include <stdbool.h>

#include "base/error.h"

/* Makes a new folder in `scratch`, only for this user, and gives its path in *folder, for call_folder_close. `scratch`
 * NULL gives NULL: such calls have no folder. Missing folders above are made. */
bool call_folder_open(const char *scratch, char **folder, struct error *err);

/* Removes the folder with all in it; NULL is allowed. What cannot be removed is left to the owner's next start, which
 * empties the whole scratch folder. */
void call_folder_close(char *folder);

#endif
