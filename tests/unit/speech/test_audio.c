#include <math.h>

#include "speech/audio.h"
#include "unit/speech/sound.h"

static struct scratch *scratch;

static int begin(void **state) {
    (void)state;
    scratch = scratch_open();
    return 0;
}

static int end(void **state) {
    (void)state;
    scratch_close(scratch);
    return 0;
}

/* Reads all of it, `step` samples at a time. */
static float *read_all(struct audio_reader *reader, size_t step, size_t *count) {
    float *samples = NULL;
    *count = 0;
    for (;;) {
        samples = realloc(samples, (*count + step) * sizeof(float));
        size_t got = 0;
        assert_true(audio_read(reader, samples + *count, step, &got, NULL));
        *count += got;
        if (got < step)
            return samples;
    }
}

static double loudness(const float *samples, size_t from, size_t to) {
    double sum = 0;
    for (size_t i = from; i < to; i++)
        sum += (double)samples[i] * (double)samples[i];
    return sqrt(sum / (double)(to - from));
}

static void assert_probe_fails(const char *path, enum error_code code, const char *says) {
    struct audio_info info;
    struct error err = {0};
    assert_false(audio_probe(path, true, NULL, &info, &err));
    if (err.code != code || !strstr(err.message, says))
        print_message("%s: %s\n", error_name(err.code), err.message);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.message, says));
    struct error other = {0};
    struct audio_reader *reader = audio_open(path, NULL, &other);
    assert_null(reader);
    assert_int_equal(other.code, code);
}

static void test_wav_is_exact(void **state) {
    (void)state;
    const char *path = sound_wav(scratch, "a.wav", AUDIO_RATE, SOUND(1000, 500, 1500));
    struct audio_info info;
    assert_true(audio_probe(path, true, NULL, &info, NULL));
    assert_string_equal(info.container, "wav");
    assert_string_equal(info.codec, "pcm_s16le");
    assert_string_equal(info.extension, ".wav");
    assert_int_equal(info.duration_ms, 3000);
    assert_int_equal(info.stated_ms, 3000);
    assert_int_equal(info.channels, 1);
    assert_int_equal(info.sample_rate, AUDIO_RATE);
    assert_false(info.truncated || info.is_video);
    struct audio_reader *reader = audio_open(path, NULL, NULL);
    size_t count = 0;
    float *samples = read_all(reader, 1000, &count);
    assert_int_equal(count, 3 * AUDIO_RATE);
    assert_true(loudness(samples, 0, 16000) > 0.1);
    assert_true(loudness(samples, 16000, 24000) == 0);
    assert_true(loudness(samples, 24000, 48000) > 0.1);
    assert_int_equal(audio_position(reader), count);
    assert_int_equal(audio_broken(reader), 0);
    free(samples);
    audio_close(reader);
}

static void test_a_skip_changes_nothing_behind_it(void **state) {
    (void)state;
    const char *wav = sound_wav(scratch, "b.wav", 44100, SOUND(3000, 700, 4000));
    static const char *const names[] = {"b.mp3", "b.m4a", "b.ogg", "b.opus", "b.flac"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *path = sound_convert(scratch, wav, names[i], NULL, NULL);
        struct audio_reader *reader = audio_open(path, NULL, NULL);
        assert_non_null(reader);
        size_t count = 0;
        float *all = read_all(reader, 7777, &count);
        audio_close(reader);
        /* The length is the original's to a few hundredths of a second, and the pause lies where it was. */
        assert_true(llabs((long long)count - 7700LL * 16) < 100 * 16);
        assert_true(loudness(all, 3100 * 16, 3600 * 16) < 0.01);
        assert_true(loudness(all, 2000 * 16, 2900 * 16) > 0.05);
        assert_true(loudness(all, 3800 * 16, 5000 * 16) > 0.05);
        reader = audio_open(path, NULL, NULL);
        uint64_t reached = 0;
        assert_true(audio_skip(reader, 50003, &reached, NULL));
        assert_int_equal(reached, 50003);
        size_t rest_count = 0;
        float *rest = read_all(reader, 4096, &rest_count);
        assert_int_equal(rest_count, count - 50003);
        assert_memory_equal(rest, all + 50003, rest_count * sizeof(float));
        assert_true(audio_skip(reader, 1U << 30, &reached, NULL));
        assert_int_equal(reached, count);
        audio_close(reader);
        free(rest);
        free(all);
    }
}

static void test_forms(void **state) {
    (void)state;
    const char *wav = sound_wav(scratch, "c.wav", 22050, SOUND(4000));
    static const struct {
        const char *name;
        const char *container;
        const char *codec;
        const char *extension;
    } rows[] = {{"c.mp3", "mp3", "mp3", ".mp3"},     {"c.m4a", "mov", "aac", ".m4a"},
                {"c.ogg", "ogg", "vorbis", ".ogg"},  {"c.opus", "ogg", "opus", ".opus"},
                {"c.flac", "flac", "flac", ".flac"}, {"c.aac", "aac", "aac", ".aac"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *path = sound_convert(scratch, wav, rows[i].name, NULL, NULL);
        struct audio_info info;
        assert_true(audio_probe(path, true, NULL, &info, NULL));
        assert_string_equal(info.container, rows[i].container);
        assert_string_equal(info.codec, rows[i].codec);
        assert_string_equal(info.extension, rows[i].extension);
        assert_true(llabs((long long)info.duration_ms - 4000) < 150);
        assert_true(info.counted);
        assert_false(info.truncated || info.is_video);
    }
}

static void test_video_with_sound(void **state) {
    (void)state;
    const char *wav = sound_wav(scratch, "d.wav", 44100, SOUND(3000));
    const char *path = scratch_path(scratch, "d.mp4");
    const char *const make[] = {
        "ffmpeg", "-nostdin", "-v",   "error", "-y",        "-f", "lavfi", "-i", "color=size=64x64:duration=3",
        "-i",     wav,        "-c:v", "mpeg4", "-shortest", path, NULL};
    if (!sound_run(make)) {
        print_message("ffmpeg makes no video here\n");
        skip();
    }
    struct audio_info info;
    assert_true(audio_probe(path, true, NULL, &info, NULL));
    assert_true(info.is_video);
    assert_string_equal(info.extension, ".mp4");
    struct audio_reader *reader = audio_open(path, NULL, NULL);
    size_t count = 0;
    float *samples = read_all(reader, 16000, &count);
    assert_true(count > 2800 * 16 && count < 3200 * 16);
    free(samples);
    audio_close(reader);

    const char *silent = scratch_path(scratch, "silent.mp4");
    const char *const mute[] = {
        "ffmpeg", "-nostdin", "-v",   "error", "-y", "-f", "lavfi", "-i", "color=size=64x64:duration=1",
        "-c:v",   "mpeg4",    silent, NULL};
    assert_true(sound_run(mute));
    assert_probe_fails(silent, ERROR_INVALID, "no sound");
}

static void cut(const char *from, const char *to, double share) {
    ARENA_OWNED struct arena *arena = arena_open();
    char *data = NULL;
    size_t length = 0;
    assert_true(file_read(arena, from, 1U << 26, &data, &length, NULL));
    assert_true(file_write(to, data, (size_t)((double)length * share), 0644, NULL));
}

static void test_cut_files(void **state) {
    (void)state;
    const char *wav = sound_wav(scratch, "e.wav", 44100, SOUND(20000));
    static const char *const names[] = {"e.mp3", "e.wav", "e.flac"};
    for (size_t i = 0; i < 3; i++) {
        const char *whole = i == 1 ? wav : sound_convert(scratch, wav, names[i], NULL, NULL);
        const char *path = scratch_path(scratch, arena_format(scratch->arena, "cut-%s", names[i]));
        cut(whole, path, 0.6);
        struct audio_info info;
        assert_true(audio_probe(path, true, NULL, &info, NULL));
        assert_int_equal(llabs((long long)info.stated_ms - 20000) < 100, 1);
        assert_true(info.truncated);
        assert_true(info.duration_ms > 11000 && info.duration_ms < 13000);
        struct audio_measure measure = {0};
        assert_true(audio_measure_file(path, NULL, &measure, NULL));
        assert_true(measure.truncated);
        /* The last packet is cut and may not be decoded. */
        assert_true(llabs((long long)measure.decoded_ms - info.duration_ms) < 200);
        assert_int_equal(measure.seconds, (size_t)(measure.decoded_ms + 999) / 1000);
        assert_true(measure.level[3] > 200);
        audio_measure_close(&measure);
    }
    /* An m4a without its index at the end is no file at all. */
    const char *whole = sound_convert(scratch, wav, "e.m4a", NULL, NULL);
    const char *path = scratch_path(scratch, "cut.m4a");
    cut(whole, path, 0.6);
    assert_probe_fails(path, ERROR_INVALID, "");
}

static void test_broken_in_the_middle(void **state) {
    (void)state;
    const char *wav = sound_wav(scratch, "f.wav", 44100, SOUND(5000, 1000, 5000));
    const char *mp3 = sound_convert(scratch, wav, "f.mp3", NULL, NULL);
    ARENA_OWNED struct arena *arena = arena_open();
    char *data = NULL;
    size_t length = 0;
    assert_true(file_read(arena, mp3, 1U << 24, &data, &length, NULL));
    for (size_t i = length / 3; i < length / 3 + 3000; i++)
        data[i] = (char)(i * 31);
    const char *path = scratch_path(scratch, "broken.mp3");
    assert_true(file_write(path, data, length, 0644, NULL));
    struct audio_reader *reader = audio_open(path, NULL, NULL);
    assert_non_null(reader);
    size_t count = 0;
    float *samples = read_all(reader, 5000, &count);
    assert_true(audio_broken(reader) > 0);
    assert_true(count > 10000 * 16);
    free(samples);
    audio_close(reader);
}

static void test_a_lost_stretch_becomes_silence(void **state) {
    (void)state;
    /* Matroska packets have times: cut seconds 4 to 7 out without moving the rest. */
    const char *wav = sound_wav(scratch, "g.wav", 48000, SOUND(10000));
    const char *path = scratch_path(scratch, "g.mka");
    const char *const make[] = {
        "ffmpeg", "-nostdin",  "-v", "error", "-y", "-i", wav, "-af", "aselect='not(between(t,4,7))'",
        "-c:a",   "pcm_s16le", path, NULL};
    if (!sound_run(make)) {
        print_message("ffmpeg cannot drop packets here\n");
        skip();
    }
    struct audio_reader *reader = audio_open(path, NULL, NULL);
    assert_non_null(reader);
    size_t count = 0;
    float *samples = read_all(reader, 16000, &count);
    assert_true(llabs((long long)count - 10000LL * 16) < 100 * 16);
    assert_true(loudness(samples, 4500 * 16, 6500 * 16) < 0.001);
    assert_true(loudness(samples, 7500 * 16, 9500 * 16) > 0.05);
    free(samples);
    audio_close(reader);
}

static void test_what_is_not_audio(void **state) {
    (void)state;
    assert_probe_fails(scratch_path(scratch, "absent.mp3"), ERROR_ABSENT, "");
    assert_probe_fails(scratch_write(scratch, "zero.mp3", ""), ERROR_INVALID, "0 bytes");
    assert_probe_fails(scratch_write(scratch, "page.mp3", "\n <!DOCTYPE html><html><body>Not found</body></html>"),
                       ERROR_INVALID, "web page");
    assert_probe_fails(scratch_write(scratch, "feed.mp3", "<?xml version=\"1.0\"?><rss/>"), ERROR_INVALID, "XML");
    assert_probe_fails(scratch_write(scratch, "error.mp3", "{\"error\":\"gone\"}"), ERROR_INVALID, "JSON");
    assert_probe_fails(
        scratch_write(scratch, "words.mp3", "These are words and nothing that anybody could play, at some length."),
        ERROR_INVALID, "");
    /* A playlist names other files; its demuxer stays shut. */
    assert_probe_fails(scratch_write(scratch, "list.mp3",
                                     "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n"),
                       ERROR_INVALID, "");
    assert_probe_fails(scratch->path, ERROR_INVALID, "not a file");
}

static void test_cancel(void **state) {
    (void)state;
    const char *path = sound_wav(scratch, "h.wav", AUDIO_RATE, SOUND(60000));
    struct cancel cancel = {0};
    struct audio_reader *reader = audio_open(path, &cancel, NULL);
    float samples[512];
    size_t got = 0;
    assert_true(audio_read(reader, samples, 512, &got, NULL));
    cancel_request(&cancel);
    struct error err = {0};
    uint64_t reached = 0;
    assert_false(audio_skip(reader, 1U << 30, &reached, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
    audio_close(reader);
    struct audio_info info;
    assert_false(audio_probe(path, true, &cancel, &info, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wav_is_exact),
        cmocka_unit_test(test_a_skip_changes_nothing_behind_it),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_video_with_sound),
        cmocka_unit_test(test_cut_files),
        cmocka_unit_test(test_broken_in_the_middle),
        cmocka_unit_test(test_a_lost_stretch_becomes_silence),
        cmocka_unit_test(test_what_is_not_audio),
        cmocka_unit_test(test_cancel),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
