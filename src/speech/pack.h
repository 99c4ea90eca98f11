/* A stream of samples becomes parts: stretches of about part_ms of speech that end in a pause, each with its long
 * pauses taken out, and the map back to file time. Nothing looks ahead of a cut, so what a part holds depends on the
 * file and on where the part starts, not on what was done before: a run that goes on from a stored part sees the same
 * parts. For this room only. */
#ifndef TIDEMILL_SPEECH_PACK_H
#define TIDEMILL_SPEECH_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "speech/activity.h"
#include "speech/audio.h"

/* A stretch of speech. Positions are samples. */
struct pack_span {
    uint64_t file; /* where it lies in the file */
    size_t packed; /* where it lies in the pack */
    size_t count;
};

struct pack {
    uint64_t start; /* in the file; multiples of ACTIVITY_WINDOW, but the end of the last part */
    uint64_t end;
    bool last;      /* the file ends with it */
    float *samples; /* speech only */
    size_t count;
    struct pack_span *spans;
    size_t span_count;
    size_t samples_room; /* the owner's own */
    size_t spans_room;
};

void pack_close(struct pack *pack); /* frees what it holds; a zeroed one is allowed */

struct packer;
/* Reads on from where `reader` stands, which becomes the start of the first part. All is borrowed until close. `rule`
 * NULL takes the defaults. */
struct packer *packer_open(struct audio_reader *reader, struct activity *activity, const struct activity_rule *rule,
                           int64_t part_ms);
void packer_close(struct packer *packer); /* NULL is allowed */

/* `tick` is called for every 20 s of audio with the position in the file, in samples. */
void packer_on_tick(struct packer *packer, void (*tick)(void *to, uint64_t position), void *to);

/* Fills `pack` (its memory is reused) with the next part. Not to be called after the last one. Errors: those of
 * audio_read and activity_feed. */
bool packer_next(struct packer *packer, struct pack *pack, struct error *err);

/* Milliseconds of the file for a position of the pack. `ending` tells which side of a cut-out pause the position
 * belongs to: an end stays before the pause, a start goes behind it. */
int64_t pack_to_ms(const struct pack *pack, int64_t packed, bool ending);

/* The span that holds a position of the pack (the last one for what lies behind it); 0 of an empty pack. */
size_t pack_span_at(const struct pack *pack, int64_t packed);

#endif
