#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/engine_private.h"

enum { RESOLVED = 64 };

struct resolved {
    char *arn, *name;
    struct machine_ref ref;
    uint64_t registry;
};

/* Aliases are not kept: chance has a say in what they stand for. */
bool engine_resolve(struct engine *engine, struct operation_call *call, const char *arn, struct machine_ref *ref,
                    struct api_error *error) {
    if (!engine->resolved)
        engine->resolved = memory_alloc_array(RESOLVED, sizeof(*engine->resolved));
    struct resolved *kept = &engine->resolved[hash_fnv1a(arn, strlen(arn)) % RESOLVED];
    if (kept->arn && kept->registry == engine->registry && strcmp(kept->arn, arn) == 0) {
        *ref = kept->ref;
        return true;
    }
    if (!machine_resolve(call, arn, ref, error))
        return false;
    if (ref->alias)
        return true;
    free(kept->arn);
    free(kept->name);
    kept->arn = memory_text(arn);
    kept->name = memory_text(ref->name);
    kept->ref = *ref;
    kept->ref.name = kept->name;
    kept->registry = engine->registry;
    return true;
}

void engine_resolved_close(struct engine *engine) {
    for (size_t i = 0; engine->resolved && i < RESOLVED; i++) {
        free(engine->resolved[i].arn);
        free(engine->resolved[i].name);
    }
    free(engine->resolved);
    engine->resolved = NULL;
}
