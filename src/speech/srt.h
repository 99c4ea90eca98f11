/* Cues and their three written forms: SRT, WebVTT, plain text.
 *
 * SRT has no standard. The reader accepts what today's sites accept (srt-parser-2 1.2.3, whose habits the passages were
 * made with): a cue begins at a line of digits that is followed by a line with two times; hours of one to three digits,
 * milliseconds of one to three digits after a comma or a dot; LF, CRLF or CR; blank lines within a text; anything else
 * belongs to the text of the cue before it. The writer is strict. */
#ifndef TIDEMILL_SPEECH_SRT_H
#define TIDEMILL_SPEECH_SRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* A line of text and when it is heard. Times are milliseconds from the start of the audio. */
struct cue {
    int64_t start_ms;
    int64_t end_ms;
    const char *text; /* UTF-8, no control characters but LF; white space cut off both ends */
};

struct cue_list {
    struct cue *items;
    size_t count;
};

/* Reads SRT. Texts and the list are in `arena`. Invalid UTF-8 becomes U+FFFD, a byte order mark is skipped, cues are
 * kept in their order as they stand (empty texts, crossing times and all: the gate judges those). A file without any
 * cue gives count 0. ERROR_LIMIT beyond LIMIT_SRT_BYTES or LIMIT_CUES. */
bool srt_parse(struct arena *arena, const char *bytes, size_t length, struct cue_list *cues, struct error *err);

/* Appends SRT: numbers from 1, LF line ends, "HH:MM:SS,mmm" (three digits of hours from 100 hours on), the text without
 * white space around it, a blank line after each cue. Blank lines within a text are left out, as they would end the cue
 * in most players. "-->" within a text is written "->", so that no text can become a timing line. Times below 0 are
 * written as 0; an end before its start as the start. One form for whatever number of parts: today's systems write LF
 * with a leading space for one part and CRLF without for several, and read both. */
void srt_write(struct text *out, const struct cue *cues, size_t count);

/* Appends WebVTT (W3C WebVTT, section 4): header, cues with "HH:MM:SS.mmm"; & < > escaped, so no text can become a tag,
 * a timing line or a NOTE. */
void vtt_write(struct text *out, const struct cue *cues, size_t count);

/* Appends plain text: paragraphs, a new one after a pause of two seconds or more and at the first end of a sentence
 * after 500 bytes. */
void plain_write(struct text *out, const struct cue *cues, size_t count);

#endif
