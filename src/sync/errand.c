/* One row of the plan, carried out by a worker. Each way is safe to be broken off anywhere and begun again: what was
 * done already is found to be so (the target has the bytes), and nothing is written over that is not what was listed.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "sync/sync_inside.h"

/* "a/b.mp3" that was changed at 2026-11-26T03:04:05Z: "a/b.conflict-20261126T030405Z-1f2e.mp3". The last part is made
 * of the etag: the same object gets the same name when a run that was killed is made again, another one another name.
 */
char *sync_aside_name(const char *key, int64_t modified_ms, const char *etag) {
    char iso[CLOCK_ISO_SIZE];
    char stamp[CLOCK_ISO_SIZE];
    size_t length = 0;
    clock_iso(modified_ms, iso);
    for (const char *c = iso; *c && *c != '.'; c++) {
        if (*c != '-' && *c != ':')
            stamp[length++] = *c;
    }
    stamp[length] = '\0';
    const char *last = strrchr(key, '/');
    const char *dot = strrchr(last ? last + 1 : key, '.');
    if (dot && (dot == key || dot[-1] == '/'))
        dot = NULL;
    size_t stem = dot ? (size_t)(dot - key) : strlen(key);
    char *name = NULL;
    unsigned tag = (unsigned)(hash_fnv1a(etag, strlen(etag)) & 0xFFFF);
    if (asprintf(&name, "%.*s.conflict-%sZ-%04x%s", (int)stem, key, stamp, tag, dot ? dot : "") < 0)
        abort();
    return name;
}

bool sync_is_aside_name(const char *key) {
    static const char form[] = ".conflict-00000000T000000Z-xxxx";
    const char *last = strrchr(key, '/');
    for (const char *at = last ? last : key; (at = strstr(at, ".conflict-")); at++) {
        size_t i = 0;
        while (form[i] && (form[i] == '0'   ? isdigit((unsigned char)at[i])
                           : form[i] == 'x' ? isxdigit((unsigned char)at[i])
                                            : at[i] == form[i]))
            i++;
        if (!form[i] && (!at[i] || at[i] == '.'))
            return true;
    }
    return false;
}

struct object_store *sync_store(const struct sync *sync, enum sync_side side) {
    return side == SYNC_LEFT ? sync->settings.left : sync->settings.right;
}

const char *sync_side_name(const struct sync *sync, enum sync_side side) {
    return side == SYNC_LEFT ? sync->settings.left_name : sync->settings.right_name;
}

static enum sync_side across(enum sync_side side) {
    return side == SYNC_LEFT ? SYNC_RIGHT : SYNC_LEFT;
}

static struct plan_side *side_of(struct plan_row *row, enum sync_side side) {
    return side == SYNC_LEFT ? &row->left : &row->right;
}

static void take_facts(struct plan_side *side, const struct object_facts *facts) {
    side->there = true;
    side->size = facts->size;
    side->ms = facts->modified_ms;
    snprintf(side->etag, sizeof(side->etag), "%s", facts->etag);
}

/* ---- copying ---- */

static bool transfer(struct sync *sync, const char *key, const struct plan_side *source, enum sync_side to,
                     const struct plan_side *target, struct object_facts *made, struct error *err) {
    const struct sync_settings *settings = &sync->settings;
    const struct object_put_options *given = to == SYNC_LEFT ? settings->put_left : settings->put_right;
    struct object_put_options options = given ? *given : (struct object_put_options){0};
    struct object_store *store = sync_store(sync, to);
    struct object_facts wanted = {.key = key, .size = source->size, .modified_ms = source->ms};
    snprintf(wanted.etag, sizeof(wanted.etag), "%s", source->etag);
    options.expected_size = source->size;
    options.modified_ms = source->ms;
    options.resume = settings->resume;
    options.lazy = true;
    options.cancel = settings->cancel;
    if (settings->cache_control && to == SYNC_RIGHT)
        options.cache_control = settings->cache_control(settings->cache_control_to, key);
    options.if_absent = !target->there && object_store_has(store, OBJECT_IF_ABSENT);
    options.if_match = target->there && object_store_has(store, OBJECT_IF_MATCH) ? target->etag : NULL;
    return object_transfer(sync_store(sync, across(to)), &wanted, store, key, &options, made, err);
}

static void note_agreement(struct errand *errand) {
    const struct plan_row *row = &errand->row;
    errand->agreed = true;
    errand->size = row->left.size;
    memcpy(errand->left_etag, row->left.etag, sizeof(errand->left_etag));
    memcpy(errand->right_etag, row->right.etag, sizeof(errand->right_etag));
}

/* The target is not as it was listed: whether it has the source's bytes by now, from a run that was killed before it
 * noted so. */
static bool has_it_already(struct sync *sync, struct errand *errand, enum sync_side to, struct error *err) {
    struct plan_row *row = &errand->row;
    struct object_facts now;
    if (!object_head(sync_store(sync, to), row->key, &now, err))
        return false;
    struct plan_row both = *row;
    take_facts(side_of(&both, to), &now);
    enum object_match found = OBJECT_DIFFERENT;
    if (both.left.size == both.right.size && !sync_match(sync, &both, &found, err))
        return false;
    if (found != OBJECT_SAME)
        return error_set(err, ERROR_CHANGED, "%s was changed since it was listed; the next run looks at it again",
                         sync_side_name(sync, to));
    take_facts(side_of(row, to), &now);
    /* It may not be on disk yet. */
    errand->wrote_left = errand->wrote_left || to == SYNC_LEFT;
    errand->wrote_right = errand->wrote_right || to == SYNC_RIGHT;
    return true;
}

/* The source changed after it was listed, and before or while it was read: its new self is as good. */
static bool take_newer_source(struct sync *sync, struct plan_row *row, enum sync_side from, struct error *err) {
    struct object_facts now;
    struct plan_side *source = side_of(row, from);
    if (!object_head(sync_store(sync, from), row->key, &now, err) || strcmp(now.etag, source->etag) == 0)
        return false;
    take_facts(source, &now);
    return true;
}

static bool copy(struct sync *sync, struct errand *errand, enum sync_side to, struct error *err) {
    struct plan_row *row = &errand->row;
    struct object_facts made;
    enum sync_side from = across(to);
    struct error why = {0};
    bool done = transfer(sync, row->key, side_of(row, from), to, side_of(row, to), &made, &why);
    if (!done && why.code == ERROR_CHANGED && take_newer_source(sync, row, from, NULL)) {
        error_clear(&why);
        done = transfer(sync, row->key, side_of(row, from), to, side_of(row, to), &made, &why);
        if (!done && why.code == ERROR_CHANGED && take_newer_source(sync, row, from, NULL))
            return error_copy(err, &why); /* it is being written to */
    }
    if (done) {
        take_facts(side_of(row, to), &made);
        errand->wrote_left = errand->wrote_left || to == SYNC_LEFT;
        errand->wrote_right = errand->wrote_right || to == SYNC_RIGHT;
    } else {
        struct error now = {0};
        bool may_be = why.code == ERROR_CHANGED || why.code == ERROR_EXISTS;
        if (!may_be || !has_it_already(sync, errand, to, &now))
            return error_copy(err, why.code == ERROR_CHANGED || now.code == ERROR_CHANGED ? &now : &why);
    }
    note_agreement(errand);
    return true;
}

/* A copy on one side, of the time given. Where times are kept, it goes the way of a transfer: with its time, never over
 * something that is new there (`fresh`), and without a wait for the disk. */
static bool copy_within(struct sync *sync, enum sync_side side, const struct object_facts *from, const char *key,
                        int64_t modified_ms, bool fresh, struct object_facts *made, struct error *err) {
    struct object_store *store = sync_store(sync, side);
    if (!object_store_has(store, OBJECT_KEEPS_TIME))
        return object_copy(store, from->key, key, err) && object_head(store, key, made, err);
    struct object_put_options options = {.modified_ms = modified_ms,
                                         .lazy = true,
                                         .if_absent = fresh && object_store_has(store, OBJECT_IF_ABSENT),
                                         .cancel = sync->settings.cancel};
    return object_transfer(store, from, store, key, &options, made, err);
}

/* ---- renaming: the other side has the bytes under the old name ---- */

static bool rename_there(struct sync *sync, struct errand *errand, enum sync_side to, struct error *err) {
    struct plan_row *row = &errand->row;
    struct object_store *store = sync_store(sync, to);
    struct object_facts old;
    struct object_facts made;
    bool there = true;
    if (!object_exists(store, row->key, &there, err))
        return false;
    enum object_match found = OBJECT_UNKNOWN;
    struct plan_row both = *row;
    if (!there && object_head(store, row->from, &old, NULL) &&
        copy_within(sync, to, &old, row->key, side_of(row, across(to))->ms, true, &made, NULL)) {
        take_facts(side_of(&both, to), &made);
        if (both.left.size == both.right.size && sync_match(sync, &both, &found, NULL) && found != OBJECT_DIFFERENT) {
            take_facts(side_of(row, to), &made);
            errand->wrote_left = to == SYNC_LEFT;
            errand->wrote_right = to == SYNC_RIGHT;
            note_agreement(errand);
            return true;
        }
        /* Not what it was taken for: the copy makes way for the real bytes. */
        take_facts(side_of(row, to), &made);
    }
    return copy(sync, errand, to, err);
}

/* ---- both are kept ---- */

/* The loser's bytes move aside on its own side, and (both ways) are brought to the other; then the winner's bytes take
 * the name. */
static bool split(struct sync *sync, struct errand *errand, enum sync_side loser, struct error *err) {
    struct plan_row *row = &errand->row;
    struct object_store *store = sync_store(sync, loser);
    struct object_facts now;
    struct object_facts moved;
    free(row->from);
    row->from = sync_aside_name(row->key, side_of(row, loser)->ms, side_of(row, loser)->etag);
    if (!object_head(store, row->key, &now, err))
        return false;
    if (strcmp(now.etag, side_of(row, loser)->etag) != 0)
        return error_set(err, ERROR_CHANGED, "%s was changed since it was listed; the next run looks at it again",
                         sync_side_name(sync, loser));
    if (!copy_within(sync, loser, &now, row->from, now.modified_ms, false, &moved, err))
        return error_context(err, "moving aside as %s", row->from);
    if (moved.size != now.size)
        return error_set(err, ERROR_IO, "moving aside as %s: it has another size", row->from);
    errand->wrote_left = errand->wrote_left || loser == SYNC_LEFT;
    errand->wrote_right = errand->wrote_right || loser == SYNC_RIGHT;
    if (sync->settings.direction == SYNC_BOTH) {
        struct errand aside = {.row = {.key = row->from}};
        take_facts(side_of(&aside.row, loser), &moved);
        /* A run that was killed may have brought it there: it is asked before all is sent in vain. */
        if (has_it_already(sync, &aside, across(loser), NULL))
            note_agreement(&aside);
        else if (!copy(sync, &aside, across(loser), err))
            return error_context(err, "bringing %s to the other side", row->from);
        errand->wrote_left = errand->wrote_left || aside.wrote_left;
        errand->wrote_right = errand->wrote_right || aside.wrote_right;
        errand->aside_agreed = true;
        errand->aside_size = aside.size;
        memcpy(errand->aside_left, aside.left_etag, sizeof(errand->aside_left));
        memcpy(errand->aside_right, aside.right_etag, sizeof(errand->aside_right));
    }
    return copy(sync, errand, loser, err);
}

/* ---- removing ---- */

/* What is removed is what was listed, and is still not on the other side. The removal itself is done for many at once
 * (carry.c). */
static bool may_remove(struct sync *sync, struct errand *errand, enum sync_side from, struct error *err) {
    struct plan_row *row = &errand->row;
    struct object_facts now;
    struct error why = {0};
    bool elsewhere = false;
    if (!object_head(sync_store(sync, from), row->key, &now, &why))
        return why.code == ERROR_ABSENT || error_copy(err, &why);
    if (strcmp(now.etag, side_of(row, from)->etag) != 0)
        return error_set(err, ERROR_CHANGED, "it was changed since it was listed, and is not removed");
    if (!object_exists(sync_store(sync, across(from)), row->key, &elsewhere, err))
        return false;
    return !elsewhere ||
           error_set(err, ERROR_CHANGED, "%s has it again; it is not removed", sync_side_name(sync, across(from)));
}

void sync_errand_run(struct sync *sync, struct errand *errand) {
    struct error *err = &errand->error;
    switch (errand->row.kind) {
    case SYNC_COPY_RIGHT:
        errand->done = copy(sync, errand, SYNC_RIGHT, err);
        break;
    case SYNC_COPY_LEFT:
        errand->done = copy(sync, errand, SYNC_LEFT, err);
        break;
    case SYNC_RENAME_RIGHT:
        errand->done = rename_there(sync, errand, SYNC_RIGHT, err);
        break;
    case SYNC_RENAME_LEFT:
        errand->done = rename_there(sync, errand, SYNC_LEFT, err);
        break;
    case SYNC_SPLIT_RIGHT:
        errand->done = split(sync, errand, SYNC_RIGHT, err);
        break;
    case SYNC_SPLIT_LEFT:
        errand->done = split(sync, errand, SYNC_LEFT, err);
        break;
    case SYNC_REMOVE_RIGHT:
        errand->done = may_remove(sync, errand, SYNC_RIGHT, err);
        break;
    case SYNC_REMOVE_LEFT:
        errand->done = may_remove(sync, errand, SYNC_LEFT, err);
        break;
    default:
        errand->done = true;
        break;
    }
    if (!errand->done && !err->code)
        error_set(err, ERROR_IO, "it failed without a reason");
}
