/* For drivers that are more than a row of functions: what lies behind a store. */
#ifndef TIDEMILL_STORE_OBJECT_OBJECT_DRIVER_H
#define TIDEMILL_STORE_OBJECT_OBJECT_DRIVER_H

#include "store/object/object.h"

/* The driver's own state, as given to object_store_open. */
void *object_store_self(const struct object_store *store);

#endif
