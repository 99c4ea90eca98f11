/* The feed that a site offers: RSS 2.0 with the itunes and podcast namespaces. Enclosures are the site's own copies
 * with their true type and length, so that a transcript's times fit; each item links its transcript as SRT, WebVTT and
 * plain text (podcast:transcript). Only episodes whose audio is there are in it, newest first. */
#ifndef TIDEMILL_PODCAST_FEED_OUT_H
#define TIDEMILL_PODCAST_FEED_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "podcast/manifest.h"
#include "podcast/site.h"
#include "store/object/object.h"

/* The feed's text in `arena`. `base` is the site's absolute address with a slash at its end
 * ("https://hardfork.example.org/", "http://localhost:8080/sites/hardfork/"); `podcast_id` NULL is all podcasts of the
 * site. `files` tells which audio and transcripts are there; a failing listing is an error, not an empty feed. */
bool feed_out_write(struct arena *arena, const struct site *site, const struct manifest *manifest,
                    struct object_store *files, const char *base, const char *podcast_id, char **text, size_t *length,
                    struct error *err);

/* The media type of an audio file by its extension ("audio/mpeg" for mp3, …); "application/octet-stream" when unknown.
 */
const char *audio_media_type(const char *file_name);

#endif
