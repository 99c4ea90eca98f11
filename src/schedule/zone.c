#include "schedule/zone.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "schedule/zone_rule.h"

/* Where Debian's tzdata and nearly every other system keep the compiled database. */
#define ZONE_FOLDER "/usr/share/zoneinfo"

enum { HEADER_SIZE = 44, OFFSET_MOST = 26 * 3600 };

struct zone_type {
    int64_t offset;
    const char *abbreviation; /* into `names` */
};

struct zone {
    size_t count; /* of moments */
    int64_t *moments;
    unsigned char *kinds; /* the type that begins at each moment */
    size_t type_count;
    struct zone_type *types;
    char *names;
    bool has_rule;
    struct zone_rule rule;
};

/* The counts of a TZif header (RFC 9636 section 3.1). */
struct counts {
    uint32_t isutc, isstd, leap, time, type, name;
};

static uint32_t be32(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t be64(const unsigned char *at) {
    return (int64_t)((uint64_t)be32(at) << 32 | be32(at + 4));
}

static bool header(const unsigned char *data, size_t length, struct counts *counts) {
    if (length < HEADER_SIZE || memcmp(data, "TZif", 4) != 0 || data[4] < '2')
        return false;
    *counts = (struct counts){be32(data + 20), be32(data + 24), be32(data + 28),
                              be32(data + 32), be32(data + 36), be32(data + 40)};
    /* A file is at most LIMIT_ZONE_BYTES long, so larger counts are lies that could overflow the sums below. */
    const uint32_t all[] = {counts->isutc, counts->isstd, counts->leap, counts->time, counts->type, counts->name};
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        if (all[i] > LIMIT_ZONE_BYTES)
            return false;
    }
    return counts->type > 0 && counts->type <= 256 && counts->name > 0;
}

static size_t block_size(const struct counts *c, size_t time_size) {
    return c->time * time_size + c->time + c->type * (size_t)6 + c->name + c->leap * (time_size + 4) + c->isstd +
           c->isutc;
}

static bool read_types(struct zone *zone, const unsigned char *at, const struct counts *c) {
    zone->names = memory_text_part((const char *)at + c->type * (size_t)6, c->name);
    zone->types = memory_alloc_array(c->type, sizeof(*zone->types));
    zone->type_count = c->type;
    for (size_t i = 0; i < c->type; i++, at += 6) {
        int64_t offset = (int32_t)be32(at);
        if (offset < -OFFSET_MOST || offset > OFFSET_MOST || at[4] > 1 || at[5] >= c->name)
            return false;
        zone->types[i] = (struct zone_type){offset, zone->names + at[5]};
    }
    return true;
}

static bool read_moments(struct zone *zone, const unsigned char *at, const struct counts *c) {
    zone->count = c->time;
    zone->moments = memory_alloc_array(c->time, sizeof(*zone->moments));
    zone->kinds = memory_alloc_array(c->time, 1);
    for (size_t i = 0; i < c->time; i++) {
        zone->moments[i] = be64(at + i * 8);
        zone->kinds[i] = at[(size_t)c->time * 8 + i];
        if (zone->kinds[i] >= c->type || (i && zone->moments[i] <= zone->moments[i - 1]))
            return false;
    }
    return true;
}

static bool read_footer(struct zone *zone, const unsigned char *at, size_t length) {
    if (length < 2 || at[0] != '\n')
        return false;
    const unsigned char *end = memchr(at + 1, '\n', length - 1);
    if (!end)
        return false;
    size_t size = (size_t)(end - at) - 1;
    if (!size)
        return true; /* nothing is known of later years: the last offset stays */
    zone->has_rule = zone_rule_parse((const char *)at + 1, size, &zone->rule);
    return zone->has_rule;
}

/* The first block is for readers of the past (32-bit times); the second holds the truth. */
static bool read_all(struct zone *zone, const unsigned char *data, size_t length) {
    struct counts first;
    if (!header(data, length, &first))
        return false;
    size_t skip = HEADER_SIZE + block_size(&first, 4);
    struct counts second;
    if (skip > length || !header(data + skip, length - skip, &second))
        return false;
    const unsigned char *at = data + skip + HEADER_SIZE;
    size_t size = block_size(&second, 8);
    size_t left = length - skip - HEADER_SIZE;
    /* Leap seconds mean a file of the "right/" kind, whose clock is not the one that we have. */
    return size <= left && !second.leap && read_types(zone, at + second.time * (size_t)9, &second) &&
           read_moments(zone, at, &second) && read_footer(zone, at + size, left - size);
}

/* Version 1 files have no second block; "2" and later do. */
struct zone *zone_read(const void *data, size_t length, struct error *err) {
    struct zone *zone = memory_alloc(sizeof(*zone));
    if (length <= LIMIT_ZONE_BYTES && read_all(zone, data, length))
        return zone;
    zone_close(zone);
    error_set(err, ERROR_CORRUPT, "not a time zone file that can be read (TZif version 2 or later)");
    return NULL;
}

void zone_close(struct zone *zone) {
    if (!zone)
        return;
    free(zone->moments);
    free(zone->kinds);
    free(zone->types);
    free(zone->names);
    free(zone);
}

static struct zone *utc_zone(void) {
    struct zone *zone = memory_alloc(sizeof(*zone));
    zone->has_rule = zone_rule_parse("UTC0", 4, &zone->rule);
    return zone;
}

/* Names have the characters of file names in the database and lead nowhere else. */
static bool name_is_sound(const char *name) {
    size_t length = strlen(name);
    size_t good = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/");
    return length > 0 && length <= LIMIT_ZONE_NAME && good == length && name[0] != '/' && name[length - 1] != '/' &&
           !text_starts(name, "posix/") && !text_starts(name, "right/");
}

static bool absent(const char *name, struct error *err) {
    if (!file_is_folder(ZONE_FOLDER)) {
        error_set(err, ERROR_CONFIG, "time zone %s: this system has no time zone database (%s)", name, ZONE_FOLDER);
        return error_hint(err, "install Debian's package tzdata");
    }
    error_set(err, ERROR_ABSENT, "there is no time zone \"%.60s\"", name);
    return error_hint(err, "names are those of the IANA database, as Europe/Berlin");
}

struct zone *zone_open(const char *name, struct error *err) {
    if (strcmp(name, "UTC") == 0)
        return utc_zone();
    ARENA_OWNED struct arena *arena = arena_open();
    struct error why = {0};
    const char *path = name_is_sound(name) ? file_join(arena, ZONE_FOLDER, name) : NULL;
    if (!path || file_is_folder(path)) {
        absent(name, err);
        return NULL;
    }
    char *data = NULL;
    size_t length = 0;
    if (!file_read(arena, path, LIMIT_ZONE_BYTES, &data, &length, &why)) {
        if (why.code == ERROR_ABSENT || why.code == ERROR_LIMIT)
            absent(name, err);
        else
            error_copy(err, &why);
        return NULL;
    }
    struct zone *zone = zone_read(data, length, err);
    if (!zone)
        error_context(err, "%s", path);
    return zone;
}

void zone_period_at(const struct zone *zone, int64_t utc, struct zone_period *period) {
    int64_t last = zone->count ? zone->moments[zone->count - 1] : INT64_MIN;
    if (zone->has_rule && (!zone->count || utc >= last)) {
        zone_rule_period(&zone->rule, utc, period);
        if (period->start < last)
            period->start = last;
        return;
    }
    size_t low = 0;
    size_t high = zone->count; /* the first moment behind utc */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->moments[middle] <= utc)
            low = middle + 1;
        else
            high = middle;
    }
    const struct zone_type *type = &zone->types[low ? zone->kinds[low - 1] : 0];
    *period =
        (struct zone_period){low ? zone->moments[low - 1] : INT64_MIN,
                             low < zone->count ? zone->moments[low] : INT64_MAX, type->offset, type->abbreviation};
}

/* No clock is more than OFFSET_MOST away from UTC, so one of the periods around shows the time, or none does. */
bool zone_utc(const struct zone *zone, int64_t local, int64_t *utc) {
    struct zone_period period;
    int64_t at = local - OFFSET_MOST;
    int64_t otherwise = local;
    do {
        zone_period_at(zone, at, &period);
        int64_t found = local - period.offset;
        if (found >= period.start && found < period.end) {
            *utc = found;
            return true;
        }
        if (found >= period.end)
            otherwise = found; /* by the offset before the jump: RFC 5545 section 3.3.5 reads such times so */
        at = period.end;
    } while (at <= local + OFFSET_MOST);
    *utc = otherwise;
    return false;
}
