/* Which keys are one on a file system that folds names. Private to the faulty driver. */
#ifndef TIDEMILL_STORE_OBJECT_FAULTY_FOLD_H
#define TIDEMILL_STORE_OBJECT_FAULTY_FOLD_H

#include "store/object/object.h"

/* Finds the key in `store` that folds as `key` does, and else takes `key` itself. False when the store cannot be
 * listed. */
bool faulty_fold_find(struct object_store *store, const char *key, char found[OBJECT_KEY_LONGEST + 1],
                      struct error *err);

#endif
