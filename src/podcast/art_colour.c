/* Colours of a picture. Pixels vote for one of 24 hues, strong colours with more weight; the winner's mean is made
 * darker or lighter until it can be read. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "podcast/art.h"

enum { HUES = 24 };

struct colour {
    double red, green, blue; /* 0 to 1 */
};

/* Relative luminance (WCAG 2.1, definition). */
static double luminance(struct colour colour) {
    double parts[3] = {colour.red, colour.green, colour.blue};
    for (size_t i = 0; i < 3; i++)
        parts[i] = parts[i] <= 0.04045 ? parts[i] / 12.92 : pow((parts[i] + 0.055) / 1.055, 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
}

static double contrast(struct colour a, struct colour b) {
    double one = luminance(a), two = luminance(b);
    return (fmax(one, two) + 0.05) / (fmin(one, two) + 0.05);
}

static struct colour colour_of(const char *text) {
    unsigned long value = *text == '#' ? strtoul(text + 1, NULL, 16) : 0;
    return (struct colour){(double)(value >> 16 & 255) / 255, (double)(value >> 8 & 255) / 255,
                           (double)(value & 255) / 255};
}

double art_contrast(const char *a, const char *b) {
    return contrast(colour_of(a), colour_of(b));
}

static void colour_text(struct colour colour, char out[ART_COLOUR_SIZE]) {
    snprintf(out, ART_COLOUR_SIZE, "#%02x%02x%02x", (unsigned)lround(colour.red * 255) & 255u,
             (unsigned)lround(colour.green * 255) & 255u, (unsigned)lround(colour.blue * 255) & 255u);
}

/* 0 to HUES - 1, and how strong the colour is, 0 to 1. */
static size_t hue_of(struct colour c, double *strength) {
    double most = fmax(c.red, fmax(c.green, c.blue)), least = fmin(c.red, fmin(c.green, c.blue));
    double range = most - least;
    *strength = most > 0 ? range * (0.25 + 0.75 * range / most) : 0;
    if (range <= 0)
        return 0;
    double sixth = most == c.red     ? fmod((c.green - c.blue) / range + 6, 6)
                   : most == c.green ? (c.blue - c.red) / range + 2
                                     : (c.red - c.green) / range + 4;
    return (size_t)(sixth / 6 * HUES) % HUES;
}

static struct colour strongest(const struct art *art) {
    double weights[HUES] = {0};
    struct colour sums[HUES] = {{0, 0, 0}};
    size_t pixels = (size_t)art->width * (size_t)art->height;
    size_t step = pixels > 65536 ? pixels / 65536 : 1;
    for (size_t i = 0; i < pixels; i += step) {
        const uint8_t *p = art->pixels + i * 3;
        struct colour c = {p[0] / 255.0, p[1] / 255.0, p[2] / 255.0};
        double weight = 0;
        size_t hue = hue_of(c, &weight);
        weight += 1e-6; /* a grey picture has its grey */
        weights[hue] += weight;
        sums[hue].red += c.red * weight;
        sums[hue].green += c.green * weight;
        sums[hue].blue += c.blue * weight;
    }
    size_t best = 0;
    for (size_t i = 1; i < HUES; i++)
        if (weights[i] > weights[best])
            best = i;
    return (struct colour){sums[best].red / weights[best], sums[best].green / weights[best],
                           sums[best].blue / weights[best]};
}

/* Goes in small steps towards black or white until the contrast to `ground` is enough, as written in eight bits. */
static void until_readable(struct colour colour, double towards, const char *ground, char out[ART_COLOUR_SIZE]) {
    for (int step = 0; step <= 100; step++) {
        double share = step / 100.0;
        struct colour tried = {colour.red + (towards - colour.red) * share,
                               colour.green + (towards - colour.green) * share,
                               colour.blue + (towards - colour.blue) * share};
        colour_text(tried, out);
        if (art_contrast(out, ground) >= 4.5)
            return;
    }
}

void art_colours(const struct art *art, char light[ART_COLOUR_SIZE], char dark[ART_COLOUR_SIZE]) {
    struct colour colour = strongest(art);
    until_readable(colour, 0, "#ffffff", light);
    until_readable(colour, 1, "#121212", dark);
}
