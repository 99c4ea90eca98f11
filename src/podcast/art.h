/* A show's picture: its colours, and the icons and the card that a site needs. Decoding is FFmpeg's; only JPEG, PNG,
 * WebP and GIF are taken. */
#ifndef TIDEMILL_PODCAST_ART_H
#define TIDEMILL_PODCAST_ART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum { ART_COLOUR_SIZE = 8 }; /* "#rrggbb" */

/* 8 bits of red, green, blue a pixel, rows without padding. */
struct art {
    int width, height;
    uint8_t *pixels;
};

/* "jpg", "png", "webp" or "gif" by the first bytes; NULL for anything else. */
const char *art_extension(const void *bytes, size_t length);

/* Decodes a picture, made smaller to at most 1,024 pixels a side, in `arena`. ERROR_UNSUPPORTED, ERROR_LIMIT
 * (LIMIT_COVER_PIXELS), ERROR_INVALID. */
bool art_decode(struct arena *arena, const void *bytes, size_t length, struct art *art, struct error *err);

/* Two colours of the picture's strongest hue: `light` for white ground, `dark` for a dark one (#121212), each with a
 * contrast of at least 4.5 to it (WCAG 2.1, success criterion 1.4.3). */
void art_colours(const struct art *art, char light[ART_COLOUR_SIZE], char dark[ART_COLOUR_SIZE]);

/* (L1 + 0.05) / (L2 + 0.05) of two colours "#rrggbb" (WCAG 2.1, contrast ratio); 1 to 21. */
double art_contrast(const char *a, const char *b);

/* The picture in a size, cut to its middle where the proportions differ. */
bool art_resize(struct arena *arena, const struct art *art, int width, int height, struct art *made, struct error *err);

/* A ground of one colour with the picture in its middle, as high as the ground. */
bool art_card(struct arena *arena, const struct art *art, const char *colour, int width, int height, struct art *made,
              struct error *err);

/* The picture as a PNG file. */
bool art_png(struct arena *arena, const struct art *art, const uint8_t **bytes, size_t *length, struct error *err);

#endif
