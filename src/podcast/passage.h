/* From cues to passages: the searchable runs of a transcript.
 *
 * Cues are added up, in their order. After each, the passage ends if it is the last cue, or the passage lasts at least
 * 15,000 ms, or it lasts at least 7,000 ms and the cue's text ends in
 * '.', '!' or '?'. Line ends in a cue's text are spaces, its ends are trimmed, empty cues are left out. Gaps between
 * cues end nothing. */
#ifndef TIDEMILL_PODCAST_PASSAGE_H
#define TIDEMILL_PODCAST_PASSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "search/index.h"
#include "speech/srt.h"

enum { PASSAGE_SHORT_MS = 7000, PASSAGE_LONG_MS = 15000 };

/* The passages of `cues`, in `arena`, texts zero-ended; *count of them (0: NULL). Times below 0 count as 0.
 *
 * A passage is known by its start in links and ids ("12_3000"), so no two may share one. Where two would (cues that
 * start in the same millisecond, in a damaged transcript), the later one starts a millisecond later, or as many as it
 * takes. */
struct index_passage *passages_make(struct arena *arena, const struct cue *cues, size_t cue_count, size_t *count);

#endif
