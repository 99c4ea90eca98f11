/* whisper.cpp, called so that the same samples always give the same text: each call has a state of its own, because a
 * state carries the random numbers of earlier calls. A state costs some milliseconds; a call takes minutes.
 *
 * The tries. 0: as whisper-cli decodes (beam search, temperatures 0 to 1 on failure, text of the window before as
 * context). 1: no context from window to window, only the site's prompt: a loop feeds on its own text. 2 and later: no
 * prompt either, sampling from a warmer start. */
#include "speech/engine_whisper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <whisper.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "speech/audio.h"
#include "speech/whisper_log.h"
#include "speech/whisper_words.h"

enum {
    SAMPLES_PER_TICK = AUDIO_RATE / 100, /* whisper.cpp counts in hundredths of a second */
    PROMPT_TOKENS = 120,                 /* of the 223 that fit: the site's prompt, its end if longer */
    BEFORE_TOKENS = 100,                 /* what was said before */
    TOKENS_ROOM = 4096,
};

struct engine_whisper {
    struct engine engine; /* first */
    struct whisper_context *context;
    int threads;
    int beam_size;
    int best_of;
    char first[32]; /* the settings of try 0, for people */
};

struct call {
    const struct engine_job *job;
    size_t reached;
};

static bool on_abort(void *to) {
    const struct call *call = to;
    if (call->job->alive)
        call->job->alive(call->job->to, call->reached);
    return cancel_requested(call->job->cancel);
}

static void on_progress(struct whisper_context *context, struct whisper_state *state, int percent, void *to) {
    (void)context;
    (void)state;
    struct call *call = to;
    if (percent >= 0 && percent <= 100)
        call->reached = call->job->count / 100 * (size_t)percent;
    if (call->job->alive)
        call->job->alive(call->job->to, call->reached);
}

/* The last `most` tokens of a text, behind those already in `tokens`; returns the new count. */
static int tokens_add(const struct engine_whisper *whisper, const char *text, int most, whisper_token *tokens,
                      int count) {
    if (!text || !*text)
        return count;
    whisper_token *all = memory_alloc_array(TOKENS_ROOM, sizeof(*all));
    int n = whisper_tokenize(whisper->context, text, all, TOKENS_ROOM);
    if (n > 0) {
        int from = n > most ? n - most : 0;
        memcpy(tokens + count, all + from, (size_t)(n - from) * sizeof(*all));
        count += n - from;
    }
    free(all);
    return count;
}

static struct whisper_full_params params_of(const struct engine_whisper *whisper, const struct engine_job *job,
                                            struct call *call) {
    bool beam = whisper->beam_size > 1 && job->attempt < 2;
    struct whisper_full_params params =
        whisper_full_default_params(beam ? WHISPER_SAMPLING_BEAM_SEARCH : WHISPER_SAMPLING_GREEDY);
    params.n_threads = whisper->threads;
    params.beam_search.beam_size = whisper->beam_size;
    params.greedy.best_of = whisper->best_of;
    params.language = job->language;
    params.print_progress = false;
    params.print_realtime = false;
    params.print_timestamps = false;
    params.print_special = false;
    params.no_context = true; /* of earlier calls; what is needed of them comes as a prompt */
    params.token_timestamps = true;
    params.temperature_inc = 0.2F;
    params.entropy_thold = 2.4F;
    params.logprob_thold = -1.0F;
    params.no_speech_thold = 0.6F;
    if (job->attempt >= 2)
        params.temperature = 0.2F * (float)(job->attempt - 1);
    params.abort_callback = on_abort;
    params.abort_callback_user_data = call;
    params.progress_callback = on_progress;
    params.progress_callback_user_data = call;
    return params;
}

/* Context for the try. `tokens` must live as long as `params`. */
static void prompt_set(const struct engine_whisper *whisper, const struct engine_job *job, whisper_token *tokens,
                       struct whisper_full_params *params) {
    int count = 0;
    if (job->attempt < 2)
        count = tokens_add(whisper, job->prompt, PROMPT_TOKENS, tokens, count);
    if (job->attempt == 0)
        count = tokens_add(whisper, job->before, BEFORE_TOKENS, tokens, count);
    params->prompt_tokens = tokens;
    params->prompt_n_tokens = count;
    if (job->attempt > 0) {
        /* The prompt and nothing else before every window; without one no context at all. */
        params->carry_initial_prompt = count > 0;
        params->n_max_text_ctx = count > 0 ? count + 1 : 0;
    }
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

static void collect(const struct engine_whisper *whisper, struct whisper_state *state, struct arena *arena,
                    const struct engine_job *job, struct engine_output *output) {
    int count = whisper_full_n_segments_from_state(state);
    output->segments = arena_alloc_array(arena, (size_t)count, sizeof(*output->segments));
    struct whisper_words words = {.arena = arena};
    int64_t last = 0;
    for (int i = 0; i < count; i++) {
        const char *text = engine_text(arena, whisper_full_get_segment_text_from_state(state, i));
        if (!*text || strcmp(text, "[BLANK_AUDIO]") == 0)
            continue;
        struct engine_segment *segment = &output->segments[output->segment_count];
        segment->text = text;
        segment->start =
            clamp(whisper_full_get_segment_t0_from_state(state, i) * SAMPLES_PER_TICK, last, (int64_t)job->count);
        segment->end = clamp(whisper_full_get_segment_t1_from_state(state, i) * SAMPLES_PER_TICK, segment->start,
                             (int64_t)job->count);
        whisper_words_segment(&words, output->segment_count, segment->start, segment->end);
        int tokens = whisper_full_n_tokens_from_state(state, i);
        for (int k = 0; k < tokens; k++) {
            whisper_token_data data = whisper_full_get_token_data_from_state(state, i, k);
            if (data.id >= whisper_token_eot(whisper->context))
                continue;
            whisper_words_token(&words, whisper_full_get_token_text_from_state(whisper->context, state, i, k),
                                data.t0 * SAMPLES_PER_TICK, data.t1 * SAMPLES_PER_TICK);
        }
        whisper_words_segment_end(&words);
        last = segment->end;
        output->segment_count++;
    }
    output->words = words.items;
    output->word_count = words.count;
}

/* The language of a job that names none, by its first half minute. */
static bool hear_language(const struct engine_whisper *whisper, struct whisper_state *state,
                          const struct engine_job *job, const char **language, struct error *err) {
    if (!whisper_is_multilingual(whisper->context)) {
        *language = "en";
        return true;
    }
    size_t most = (size_t)30 * AUDIO_RATE;
    int count = (int)(job->count < most ? job->count : most);
    if (whisper_pcm_to_mel_with_state(whisper->context, state, job->samples, count, whisper->threads) != 0)
        return error_set(err, ERROR_INTERNAL, "the language cannot be heard");
    int id = whisper_lang_auto_detect_with_state(whisper->context, state, 0, whisper->threads, NULL);
    const char *name = id >= 0 ? whisper_lang_str(id) : NULL;
    if (!name)
        return error_set(err, ERROR_INTERNAL, "the language cannot be heard");
    *language = name;
    return true;
}

static bool decode(struct engine *engine, struct arena *arena, const struct engine_job *job,
                   struct engine_output *output, struct error *err) {
    const struct engine_whisper *whisper = (const struct engine_whisper *)engine;
    struct whisper_state *state = whisper_init_state(whisper->context);
    if (!state)
        return error_set(err, ERROR_INTERNAL, "the engine has no memory for its state");
    struct call call = {.job = job};
    struct engine_job known = *job;
    bool done = true;
    if (!known.language)
        done = hear_language(whisper, state, job, &known.language, err);
    if (done) {
        whisper_token tokens[PROMPT_TOKENS + BEFORE_TOKENS];
        struct whisper_full_params params = params_of(whisper, &known, &call);
        prompt_set(whisper, job, tokens, &params);
        int code = whisper_full_with_state(whisper->context, state, params, job->samples, (int)job->count);
        if (cancel_requested(job->cancel))
            done = error_set(err, ERROR_CANCELLED, "cancelled");
        else if (code != 0)
            done = error_set(err, ERROR_INTERNAL, "the engine failed with code %d", code);
    }
    if (done) {
        struct engine_output found = {0};
        snprintf(found.language, sizeof(found.language), "%s", known.language ? known.language : "");
        collect(whisper, state, arena, job, &found);
        *output = found;
    }
    whisper_free_state(state);
    return done;
}

static const char *settings_name(const struct engine *engine, unsigned attempt) {
    const struct engine_whisper *whisper = (const struct engine_whisper *)engine;
    return attempt == 0 ? whisper->first : attempt == 1 ? "no context" : "sampling, no prompt";
}

static bool check_language(const struct engine *engine, const char *language, struct error *err) {
    const struct engine_whisper *whisper = (const struct engine_whisper *)engine;
    if (whisper_lang_id(language) < 0)
        return error_set(err, ERROR_UNSUPPORTED, "the language \"%s\" is not known", language);
    if (!whisper_is_multilingual(whisper->context) && whisper_lang_id(language) != whisper_lang_id("en")) {
        error_set(err, ERROR_UNSUPPORTED, "the model knows English only, not \"%s\"", language);
        return error_hint(err, "use a model without \".en\" in its name");
    }
    return true;
}

static void engine_close(struct engine *engine) {
    struct engine_whisper *whisper = (struct engine_whisper *)engine;
    whisper_free(whisper->context);
    free(whisper);
}

struct engine *engine_whisper_open(const struct transcriber_settings *settings, struct error *err) {
    whisper_log_quiet();
    if (!settings->model_path) {
        error_set(err, ERROR_CONFIG, "no speech model is chosen");
        return NULL;
    }
    if (access(settings->model_path, R_OK) != 0) {
        error_set_os(err, errno, "the speech model %s cannot be opened", settings->model_path);
        return NULL;
    }
    struct whisper_context_params params = whisper_context_default_params();
    params.use_gpu = false;
    params.flash_attn = true; /* as whisper-cli */
    struct whisper_context *context = whisper_init_from_file_with_params_no_state(settings->model_path, params);
    if (!context) {
        error_set(err, ERROR_CORRUPT, "%s is not a speech model, or is damaged", settings->model_path);
        return NULL;
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct engine_whisper *whisper = memory_alloc(sizeof(*whisper));
    whisper->engine = (struct engine){
        .decode = decode, .settings = settings_name, .check_language = check_language, .close = engine_close};
    whisper->context = context;
    whisper->threads = settings->threads ? (int)settings->threads
                       : processors < 1  ? 1
                       : processors < 4  ? (int)processors
                                         : 4;
    whisper->beam_size = settings->beam_size ? (int)settings->beam_size : 5;
    whisper->best_of = settings->best_of ? (int)settings->best_of : 5;
    if (whisper->beam_size > 1)
        snprintf(whisper->first, sizeof(whisper->first), "beam %d", whisper->beam_size);
    else
        snprintf(whisper->first, sizeof(whisper->first), "greedy");
    return &whisper->engine;
}
