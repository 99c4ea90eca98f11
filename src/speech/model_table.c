/* The published models. Names and SHA-1 of the speech models: whisper.cpp 1.9.1, models/README.md; of the detectors:
 * their publisher's SHA-256. Sizes follow from the shapes (model_file.c walks them). Memory: measured for tiny, base
 * and small, else estimated from the size. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "speech/model.h"

#define SPEECH(label, size, digest, spoken, memory)                                                                    \
    {                                                                                                                  \
        .name = (label), .kind = MODEL_SPEECH, .bytes = (size), .hash_kind = HASH_SHA1, .hash = (digest),              \
        .url = "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-" label ".bin", .languages = (spoken),  \
        .licence = "MIT (OpenAI)", .memory_mb = (memory)                                                               \
    }
#define ACTIVITY(label, size, digest)                                                                                  \
    {                                                                                                                  \
        .name = (label), .kind = MODEL_ACTIVITY, .bytes = (size), .hash_kind = HASH_SHA256, .hash = (digest),          \
        .url = "https://huggingface.co/ggml-org/whisper-vad/resolve/main/ggml-" label ".bin", .languages = "any",      \
        .licence = "MIT (Silero)"                                                                                      \
    }

static const struct model rows[] = {
    SPEECH("tiny", 77691713, "bd577a113a864445d4c299885e0cb97d4ba92b5f", "99 languages", 150),
    SPEECH("tiny.en", 77704715, "c78c86eb1a8faa21b369bcd33207cc90d64ae9df", "English", 150),
    SPEECH("base", 147951465, "465707469ff3a37a2b9b8d8f89f2f99de7299dac", "99 languages", 240),
    SPEECH("base.en", 147964211, "137c40403d78fd54d454da0f9bd998f78703390c", "English", 240),
    SPEECH("small", 487601967, "55356645c2b361a969dfd0ef2c5a50d530afd8d5", "99 languages", 640),
    SPEECH("small.en", 487614201, "db8a495a91d927739e50b3fc1cc4c6b8f6c2d022", "English", 640),
    SPEECH("medium", 1533763059, "fd9727b6e1217c2f614f9b698455c4ffd82463b4", "99 languages", 1900),
    SPEECH("medium.en", 1533774781, "8c30f0e44ce9560643ebd10bbe50cd20eafd3723", "English", 1900),
    SPEECH("large-v3-turbo", 1624555275, "4af2b29d7ec73d781377bfd1758ca957a807e941", "100 languages", 2000),
    SPEECH("large-v2", 3094623691, "0f4c8e34f21cf1a914c59d8b3ce882345ad349d6", "99 languages", 3900),
    SPEECH("large-v3", 3095033483, "ad82bf6a9043ceed055076d0fd39f5f186ff8062", "100 languages", 3900),
    ACTIVITY("silero-v6.2.0", 885098, "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987"),
    ACTIVITY("silero-v5.1.2", 885098, "29940d98d42b91fbd05ce489f3ecf7c72f0a42f027e4875919a28fb4c04ea2cf"),
};

const struct model *model_rows(size_t *count) {
    *count = ARRAY_LENGTH(rows);
    return rows;
}

const struct model *model_find(const char *name, struct error *err) {
    size_t length = strlen(name);
    const char *start = name;
    if (text_starts(name, "ggml-") && text_ends(name, ".bin") && length > strlen("ggml-.bin")) {
        start += strlen("ggml-");
        length -= strlen("ggml-.bin");
    }
    if (text_equal(name, "vad")) {
        start = MODEL_VAD_DEFAULT;
        length = strlen(start);
    }
    const char *names[ARRAY_LENGTH(rows)];
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        names[i] = rows[i].name;
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, start, length) == 0)
            return &rows[i];
    }
    error_set(err, ERROR_ABSENT, "there is no model \"%.100s\"", name);
    const char *near = text_nearest(name, names, ARRAY_LENGTH(rows));
    if (near)
        error_hint(err, "did you mean \"%s\"?", near);
    else
        error_hint(err, "\"tidemill model list\" shows all");
    return NULL;
}
