/* The name of an episode's files.
 *
 * New form: {D}_{T}--{M}. D is the UTC day of publication. T is the title: NFC, every UTF-16 unit outside [a-zA-Z0-9]
 * becomes '_', runs collapse, one '_' is trimmed at each end, then the first 50 characters stay (so a cut may end in
 * '_': users have such keys). M is the time of the download, epoch milliseconds in 13 digits. A title without any ASCII
 * letter or digit gives T "episode", for an empty T could not be read back. Legacy form: {D}_{T'}. T' is the title:
 * NFC, each of / \ ? % * : | " < > . becomes '-', runs of white space become '-', then the first 50 UTF-16 units.
 *
 * Two episodes may share day and T ("… Part 1" and "… Part 2", equal in 50 characters). They are told apart by M: no
 * two rows of a manifest have the same key. Which files belong to one episode is said by the manifest's rows, never
 * guessed from the name. */
#ifndef TIDEMILL_PODCAST_FILE_KEY_H
#define TIDEMILL_PODCAST_FILE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct file_key {
    char day[11];          /* "2024-01-31" */
    const char *title;     /* T or T' */
    int64_t downloaded_ms; /* -1 in the legacy form */
};

/* The new form. `title` is UTF-8 (invalid bytes count as U+FFFD); `downloaded_ms` is 0 to 9,999,999,999,999. */
char *file_key_make(struct arena *arena, const char *title, int64_t published_ms, int64_t downloaded_ms);
/* The new form without "--{M}": what the older system compared. */
char *file_key_stem_make(struct arena *arena, const char *title, int64_t published_ms);
/* The legacy form. */
char *file_key_legacy(struct arena *arena, const char *title, int64_t published_ms);

/* Reads either form. ERROR_INVALID `Invalid file key format: "…"`. */
bool file_key_parse(struct arena *arena, const char *key, struct file_key *parsed, struct error *err);
/* The part before the first "--". */
char *file_key_stem(struct arena *arena, const char *key);
/* True when it ends in "--" and 13 digits. */
bool file_key_has_time(const char *key);
/* Above 0 when `a` is the newer download: by time when both have one, else by comparing the texts. */
int file_key_compare(const char *a, const char *b);

/* Unicode Normalization Form C (UAX 15) of valid UTF-8, in `arena`. */
char *text_nfc(struct arena *arena, const char *text);

#endif
