#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "web/sniff.h"

#define BYTES(text) text, sizeof(text) - 1

static void kinds_by_their_first_bytes(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        enum sniff_kind kind;
    } cases[] = {
        {BYTES("ID3\x04\x00\x00\x00\x00\x00\x00"), SNIFF_MP3},
        {BYTES("\xFF\xFB\x90\x64\x00\x00"), SNIFF_MP3},
        {BYTES("\xFF\xF3\x40\xC0\x00\x00"), SNIFF_MP3},
        {BYTES("\xFF\xFB\xF0\x64\x00\x00"), SNIFF_UNKNOWN}, /* a bit rate that does not exist */
        {BYTES("\xFF\xF1\x50\x80\x02\x1F\xFC\x00"), SNIFF_AAC},
        {BYTES("\x00\x00\x00\x20"
               "ftypM4A \x00\x00\x00\x00"),
         SNIFF_M4A},
        {BYTES("\x00\x00\x00\x20"
               "ftypisom\x00\x00\x00\x00 hdlr vide"),
         SNIFF_MP4},
        {BYTES("\x00\x00\x00\x20"
               "ftypisom\x00\x00\x00\x00 hdlr soun"),
         SNIFF_M4A},
        {BYTES("OggS\x00\x02........OpusHead"), SNIFF_OPUS},
        {BYTES("OggS\x00\x02........\x01vorbis"), SNIFF_OGG},
        {BYTES("RIFF\x24\x00\x00\x00WAVEfmt "), SNIFF_WAV},
        {BYTES("RIFF\x24\x00\x00\x00WEBPVP8 "), SNIFF_IMAGE},
        {BYTES("fLaC\x00\x00\x00\x22"), SNIFF_FLAC},
        {BYTES("\x1A\x45\xDF\xA3....webm"), SNIFF_WEBM},
        {BYTES("\x1A\x45\xDF\xA3....matroska"), SNIFF_MATROSKA},
        {BYTES(" \n<!DOCTYPE HTML PUBLIC"), SNIFF_HTML},
        {BYTES("\xEF\xBB\xBF<html>"), SNIFF_HTML},
        {BYTES("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"), SNIFF_XML},
        {BYTES("{\"message\":\"no\"}"), SNIFF_JSON},
        {BYTES("Not Found"), SNIFF_TEXT},
        {BYTES("caf\xc3\xa9 \xc3"), SNIFF_TEXT},
        {BYTES("#EXTM3U\n#EXT-X"), SNIFF_PLAYLIST},
        {BYTES("\x1F\x8B\x08"), SNIFF_GZIP},
        {BYTES("PK\x03\x04"), SNIFF_ZIP},
        {BYTES("%PDF-1.4"), SNIFF_PDF},
        {BYTES("GIF89a"), SNIFF_IMAGE},
        {BYTES("\x7F"
               "ELF\x02"),
         SNIFF_PROGRAM},
        {BYTES("\x00\x01\x02\x03\x04"), SNIFF_UNKNOWN},
        {BYTES(" \t\n"), SNIFF_EMPTY},
        {"", 0, SNIFF_EMPTY},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        enum sniff_kind kind = sniff_bytes(cases[i].bytes, cases[i].length);
        if (kind != cases[i].kind)
            fail_msg("case %zu is %s, not %s", i, sniff_name(kind), sniff_name(cases[i].kind));
    }
    assert_true(sniff_is_media(SNIFF_MP3) && sniff_is_media(SNIFF_MP4) && !sniff_is_media(SNIFF_HTML));
}

static void the_true_extension(void **state) {
    (void)state;
    assert_string_equal(audio_extension("audio/mpeg", SNIFF_M4A, "https://e/x.mp3"), "m4a");
    assert_string_equal(audio_extension("Audio/X-M4A; q=1", SNIFF_UNKNOWN, "https://e/x.mp3"), "m4a");
    assert_string_equal(audio_extension("application/octet-stream", SNIFF_UNKNOWN, "https://e/x.OPUS?y=.wav"), "opus");
    assert_string_equal(audio_extension(NULL, SNIFF_UNKNOWN, "https://e/x.m4b#t"), "m4a");
    assert_string_equal(audio_extension(NULL, SNIFF_UNKNOWN, "https://e.mp4/play"), "mp3");
    assert_string_equal(audio_extension(NULL, SNIFF_UNKNOWN, NULL), "mp3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_by_their_first_bytes),
        cmocka_unit_test(the_true_extension),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
