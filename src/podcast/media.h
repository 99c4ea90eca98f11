/* The media tasks of the podcast application: what touches strangers' audio, run in a worker process (run/worker.h).
 *
 *   podcast.probe       {"path"} -> {"container","extension","codec","durationMs","truncated","isVideo","broken"}
 *   podcast.picture     see art_worker.h
 *   speech.transcribe   {"path","prompt","language","parts":[…],"engine":{…}} ->
 * {"language","durationMs","speechMs","truncated","broken","parts","resumed","retried", "srt","words","findings"}; each
 * finished part is emitted as transcribe.h describes it speech.transcribe-service  the same through an
 * OpenAI-compatible service (needs the network)
 *
 * engine: {"model","vad","threads","partMs"} or
 * {"baseUrl","key","model","vad","largestUpload","partMs","allowPrivate"}. */
#ifndef TIDEMILL_PODCAST_MEDIA_H
#define TIDEMILL_PODCAST_MEDIA_H

#include <stddef.h>

#include "run/task.h"

/* The table; *count rows. */
const struct task *podcast_media_tasks(size_t *count);

#endif
