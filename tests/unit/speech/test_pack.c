/* Parts and pauses, by energy alone: exact. */
#include "speech/pack.h"
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

struct packing {
    struct audio_reader *reader;
    struct activity *activity;
    struct packer *packer;
    struct pack pack;
};

static void start(struct packing *p, const char *path, int64_t part_ms, uint64_t from) {
    *p = (struct packing){.reader = audio_open(path, NULL, NULL), .activity = activity_open(NULL, NULL)};
    assert_non_null(p->reader);
    uint64_t reached = 0;
    assert_true(audio_skip(p->reader, from, &reached, NULL));
    p->packer = packer_open(p->reader, p->activity, NULL, part_ms);
}

static void stop(struct packing *p) {
    pack_close(&p->pack);
    packer_close(p->packer);
    activity_close(p->activity);
    audio_close(p->reader);
}

static void assert_same(const struct pack *a, const struct pack *b) {
    assert_int_equal(a->start, b->start);
    assert_int_equal(a->end, b->end);
    assert_int_equal(a->last, b->last);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->span_count, b->span_count);
    if (a->count)
        assert_memory_equal(a->samples, b->samples, a->count * sizeof(float));
    for (size_t i = 0; i < a->span_count; i++)
        assert_memory_equal(&a->spans[i], &b->spans[i], sizeof(a->spans[i]));
}

/* What must hold of every pack: spans in order, within the part, and their samples those of the file. */
static void assert_sound(const struct pack *pack, const float *file) {
    uint64_t last = pack->start;
    size_t packed = 0;
    for (size_t i = 0; i < pack->span_count; i++) {
        const struct pack_span *span = &pack->spans[i];
        assert_true(span->file >= last);
        assert_true(span->count > 0);
        assert_int_equal(span->packed, packed);
        assert_memory_equal(pack->samples + span->packed, file + span->file, span->count * sizeof(float));
        last = span->file + span->count;
        packed += span->count;
    }
    assert_int_equal(packed, pack->count);
    assert_true(last <= pack->end);
}

static void test_long_pauses_are_cut_out(void **state) {
    (void)state;
    /* 4 s of sound, 1 s of breath, 3 s of sound, 10 s of pause, 2 s of sound, 6 s of silence. */
    const char *path = sound_wav(scratch, "a.wav", AUDIO_RATE, SOUND(4000, 1000, 3000, 10000, 2000, 6000));
    struct packing p;
    start(&p, path, 600000, 0);
    assert_true(packer_next(p.packer, &p.pack, NULL));
    assert_true(p.pack.last);
    assert_int_equal(p.pack.start, 0);
    assert_int_equal(p.pack.end, 26000 * 16);
    assert_int_equal(p.pack.span_count, 2);
    /* Padding is 480 ms, cut points lie on windows of 32 ms. */
    assert_int_equal(p.pack.spans[0].file, 0);
    assert_true(llabs((long long)p.pack.spans[0].count - 8480LL * 16) <= 512);
    assert_true(llabs((long long)p.pack.spans[1].file - (18000 - 480) * 16LL) <= 512);
    assert_true(llabs((long long)p.pack.spans[1].count - (2000 + 960) * 16LL) <= 1024);
    /* Back to file time, on either side of the cut. */
    int64_t join = (int64_t)p.pack.spans[1].packed;
    assert_int_equal(pack_to_ms(&p.pack, 16000, false), 1000);
    assert_int_equal(pack_to_ms(&p.pack, join, true), (int64_t)p.pack.spans[0].count / 16);
    assert_int_equal(pack_to_ms(&p.pack, join, false), (int64_t)p.pack.spans[1].file / 16);
    assert_int_equal(pack_to_ms(&p.pack, join + 16000, false), (int64_t)p.pack.spans[1].file / 16 + 1000);
    assert_int_equal(pack_span_at(&p.pack, join - 1), 0);
    assert_int_equal(pack_span_at(&p.pack, join), 1);
    assert_true(pack_to_ms(&p.pack, INT64_MAX / 2, true) <= 26000);
    stop(&p);
}

static void test_silence_alone_is_an_empty_pack(void **state) {
    (void)state;
    const char *path = sound_wav(scratch, "b.wav", AUDIO_RATE, SOUND(1, 9000));
    struct packing p;
    start(&p, path, 600000, 512);
    assert_true(packer_next(p.packer, &p.pack, NULL));
    assert_true(p.pack.last);
    assert_int_equal(p.pack.count, 0);
    assert_int_equal(pack_to_ms(&p.pack, 5, false), 32);
    stop(&p);
}

static void test_parts_end_in_pauses_and_do_not_depend_on_the_past(void **state) {
    (void)state;
    /* Three minutes: sentences of 7 s, breaths of 700 ms, now and then a long pause. */
    int pieces[64];
    int n = 0;
    for (int i = 0; i < 24; i++) {
        pieces[n++] = 7013;
        pieces[n++] = i % 5 == 4 ? 4000 : 711;
    }
    pieces[n] = 0;
    const char *path = sound_wav(scratch, "c.wav", 22050, pieces);
    struct audio_reader *reader = audio_open(path, NULL, NULL);
    size_t total = 0;
    float *file = malloc(16000 * 300 * sizeof(float));
    assert_true(audio_read(reader, file, 16000 * 300, &total, NULL));
    audio_close(reader);

    struct packing p;
    start(&p, path, 30000, 0);
    uint64_t at = 0;
    size_t parts = 0;
    do {
        assert_true(packer_next(p.packer, &p.pack, NULL));
        assert_int_equal(p.pack.start, at);
        assert_sound(&p.pack, file);
        at = p.pack.end;
        parts++;
        if (!p.pack.last) {
            assert_int_equal(at % ACTIVITY_WINDOW, 0);
            /* In a pause: the last window before the cut is calm. */
            double sum = 0;
            for (uint64_t i = at - ACTIVITY_WINDOW; i < at; i++)
                sum += (double)file[i] * (double)file[i];
            assert_true(sum / ACTIVITY_WINDOW < 5e-6);
            assert_true(p.pack.count >= 22500 * 16 && p.pack.count <= 31500 * 16);
        }
        /* A run that begins here sees the same part. */
        struct packing again;
        start(&again, path, 30000, p.pack.start);
        assert_true(packer_next(again.packer, &again.pack, NULL));
        assert_same(&p.pack, &again.pack);
        stop(&again);
    } while (!p.pack.last);
    assert_int_equal(at, total);
    assert_in_range(parts, 6, 8);
    stop(&p);
    free(file);
}

static void test_sound_without_end_is_cut_all_the_same(void **state) {
    (void)state;
    const char *path = sound_wav(scratch, "d.wav", AUDIO_RATE, SOUND(100000));
    struct packing p;
    start(&p, path, 30000, 0);
    size_t parts = 0;
    do {
        assert_true(packer_next(p.packer, &p.pack, NULL));
        assert_true(p.pack.count <= 31600 * 16);
        parts++;
    } while (!p.pack.last);
    assert_int_equal(parts, 4);
    stop(&p);
}

static void test_hours_of_silence_end_parts_too(void **state) {
    (void)state;
    const char *path = sound_wav(scratch, "e.wav", 8000, SOUND(1000, 400000));
    struct packing p;
    start(&p, path, 30000, 0);
    assert_true(packer_next(p.packer, &p.pack, NULL));
    assert_false(p.pack.last);
    assert_true(p.pack.end >= 180000 * 16 && p.pack.end < 181000 * 16);
    assert_true(p.pack.count < 2000 * 16);
    stop(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_pauses_are_cut_out),
        cmocka_unit_test(test_silence_alone_is_an_empty_pack),
        cmocka_unit_test(test_parts_end_in_pauses_and_do_not_depend_on_the_past),
        cmocka_unit_test(test_sound_without_end_is_cut_all_the_same),
        cmocka_unit_test(test_hours_of_silence_end_parts_too),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
