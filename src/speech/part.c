#include "speech/part.h"

#include "base/limits.h"
#include "base/text.h"

enum { PART_VERSION = 1 };

json_t *part_to_json(const struct part *part) {
    json_t *cues = json_array();
    for (size_t i = 0; i < part->cues.count; i++) {
        const struct cue *cue = &part->cues.items[i];
        json_array_append_new(cues, json_pack("{s:I, s:I, s:s}", "s", (json_int_t)cue->start_ms, "e",
                                              (json_int_t)cue->end_ms, "t", cue->text));
    }
    json_t *findings = json_array();
    for (size_t i = 0; i < part->findings.count; i++)
        json_array_append_new(findings, gate_finding_to_json(&part->findings.items[i]));
    return json_pack("{s:i, s:I, s:I, s:I, s:b, s:b, s:I, s:s, s:I, s:I, s:s, s:o, s:o, s:o}", "version", PART_VERSION,
                     "index", (json_int_t)part->index, "start_ms", (json_int_t)part->start_ms, "end_ms",
                     (json_int_t)part->end_ms, "last", (int)part->last, "truncated", (int)part->truncated, "broken",
                     (json_int_t)part->broken, "language", part->language, "attempts", (json_int_t)part->attempts,
                     "speech_ms", (json_int_t)part->speech_ms, "settings", part->settings, "cues", cues, "words",
                     words_to_array(part->words.items, part->words.count), "findings", findings);
}

static bool read_cues(struct arena *arena, const json_t *array, struct part *part, struct error *err) {
    if (!json_is_array(array) || json_array_size(array) > LIMIT_CUES)
        return error_set(err, ERROR_INVALID, "its cues are no list");
    size_t count = json_array_size(array);
    struct cue *items = arena_alloc_array(arena, count, sizeof(*items));
    int64_t before = part->start_ms;
    for (size_t i = 0; i < count; i++) {
        const json_t *cue = json_array_get(array, i);
        items[i].start_ms = json_get_int(cue, "s", -1);
        items[i].end_ms = json_get_int(cue, "e", -1);
        items[i].text = arena_text(arena, json_get_text(cue, "t", ""));
        if (items[i].start_ms < before || items[i].end_ms < items[i].start_ms || items[i].end_ms > part->end_ms)
            return error_set(err, ERROR_INVALID, "its cue %zu is out of place", i);
        before = items[i].end_ms;
    }
    part->cues = (struct cue_list){.items = items, .count = count};
    return true;
}

static bool read_findings(struct arena *arena, const json_t *array, struct part *part, struct error *err) {
    if (!json_is_array(array) || json_array_size(array) > LIMIT_GATE_FINDINGS)
        return error_set(err, ERROR_INVALID, "its findings are no list");
    size_t count = json_array_size(array);
    struct gate_finding *items = arena_alloc_array(arena, count, sizeof(*items));
    for (size_t i = 0; i < count; i++)
        if (!gate_finding_from_json(arena, json_array_get(array, i), &items[i]))
            return error_set(err, ERROR_INVALID, "its finding %zu is of no known kind", i);
    part->findings = (struct gate_findings){.items = items, .count = count};
    return true;
}

bool part_from_json(struct arena *arena, const json_t *value, const struct part *before, struct part *part,
                    struct error *err) {
    size_t index = before ? before->index + 1 : 0;
    int64_t version = json_get_int(value, "version", 0);
    if (version > PART_VERSION)
        return error_set(err, ERROR_NEWER, "stored part %zu is of version %lld; %d is known", index, (long long)version,
                         PART_VERSION);
    struct part found = {.index = index,
                         .start_ms = json_get_int(value, "start_ms", -1),
                         .end_ms = json_get_int(value, "end_ms", -1),
                         .last = json_get_bool(value, "last", false),
                         .truncated = json_get_bool(value, "truncated", false),
                         .broken = (uint64_t)json_get_int(value, "broken", 0),
                         .language = arena_text(arena, json_get_text(value, "language", "")),
                         .settings = arena_text(arena, json_get_text(value, "settings", "")),
                         .attempts = (unsigned)json_get_int(value, "attempts", 0),
                         .speech_ms = json_get_int(value, "speech_ms", 0)};
    bool follows = version == PART_VERSION && json_get_int(value, "index", -1) == (int64_t)index &&
                   found.start_ms == (before ? before->end_ms : 0) && found.end_ms >= found.start_ms &&
                   !(before && before->last);
    if (!follows)
        return error_set(err, ERROR_INVALID, "stored part %zu does not follow the one before it", index);
    struct error inner = {0};
    if (!read_cues(arena, json_object_get(value, "cues"), &found, &inner) ||
        !words_from_array(arena, json_object_get(value, "words"), &found.words, &inner) ||
        !read_findings(arena, json_object_get(value, "findings"), &found, &inner)) {
        error_context(&inner, "stored part %zu", index);
        return error_copy(err, &inner);
    }
    *part = found;
    return true;
}
