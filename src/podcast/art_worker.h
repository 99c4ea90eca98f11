/* Decoding a stranger's picture in a worker process. */
#ifndef TIDEMILL_PODCAST_ART_WORKER_H
#define TIDEMILL_PODCAST_ART_WORKER_H

#include "podcast/art.h"
#include "run/worker.h"

/* As art_decode, in `worker` (whose table has podcast.picture). The bytes go there as a file in `scratch`, removed
 * afterwards. Errors in addition: those of worker_call. */
bool art_decode_apart(struct arena *arena, struct worker *worker, const char *scratch, const void *bytes, size_t length,
                      struct art *art, struct error *err);

/* The task podcast.picture: {"path"} -> {"width","height","pixels"}, the pixels in base64. */
bool art_task(struct task_call *call, const json_t *input, json_t **output, struct error *err);

#endif
