#include "podcast/art.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "speech/audio.h"
#include "speech/ffmpeg.h"

enum { LARGEST_SIDE = 1024 };

static const struct {
    const char *extension, *magic;
    size_t offset, length;
    enum AVCodecID codec;
} kinds[] = {
    {"jpg", "\xFF\xD8\xFF", 0, 3, AV_CODEC_ID_MJPEG},
    {"png", "\x89PNG\r\n\x1a\n", 0, 8, AV_CODEC_ID_PNG},
    {"webp", "WEBP", 8, 4, AV_CODEC_ID_WEBP},
    {"gif", "GIF8", 0, 4, AV_CODEC_ID_GIF},
};

static int kind_of(const void *bytes, size_t length) {
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (length > kinds[i].offset + kinds[i].length &&
            !memcmp((const char *)bytes + kinds[i].offset, kinds[i].magic, kinds[i].length))
            return (int)i;
    return -1;
}

const char *art_extension(const void *bytes, size_t length) {
    int kind = kind_of(bytes, length);
    return kind < 0 ? NULL : kinds[kind].extension;
}

static struct art art_new(struct arena *arena, int width, int height) {
    return (struct art){width, height, arena_alloc(arena, (size_t)width * (size_t)height * 3 + 64)};
}

/* Scales `width` x `height` pixels of any format to an art of another size. */
static bool scale(const uint8_t *const planes[], const int strides[], int width, int height, enum AVPixelFormat format,
                  struct art *to, struct error *err) {
    if (!ffmpeg_load(err))
        return false;
    struct SwsContext *context =
        sws_getContext(width, height, format, to->width, to->height, AV_PIX_FMT_RGB24, SWS_AREA, NULL, NULL, NULL);
    if (!context)
        return error_set(err, ERROR_UNSUPPORTED, "a picture of this pixel format");
    uint8_t *to_planes[4] = {to->pixels};
    int to_strides[4] = {to->width * 3};
    int rows = sws_scale(context, planes, strides, 0, height, to_planes, to_strides);
    sws_freeContext(context);
    return rows == to->height || error_set(err, ERROR_INVALID, "the picture cannot be scaled");
}

static bool take_frame(struct arena *arena, const AVFrame *frame, struct art *art, struct error *err) {
    int side = frame->width > frame->height ? frame->width : frame->height;
    int divisor = side > LARGEST_SIDE ? side : LARGEST_SIDE;
    int width = (int)((int64_t)frame->width * LARGEST_SIDE / divisor);
    int height = (int)((int64_t)frame->height * LARGEST_SIDE / divisor);
    struct art made = art_new(arena, width > 0 ? width : 1, height > 0 ? height : 1);
    const uint8_t *planes[4] = {frame->data[0], frame->data[1], frame->data[2], frame->data[3]};
    if (!scale(planes, frame->linesize, frame->width, frame->height, frame->format, &made, err))
        return false;
    *art = made;
    return true;
}

bool art_decode(struct arena *arena, const void *bytes, size_t length, struct art *art, struct error *err) {
    int kind = kind_of(bytes, length);
    if (kind < 0)
        return error_set(err, ERROR_UNSUPPORTED, "is no JPEG, PNG, WebP or GIF picture");
    if (length > LIMIT_COVER_BYTES)
        return error_set(err, ERROR_LIMIT, "is %zu bytes; at most %zu", length, LIMIT_COVER_BYTES);
    if (!audio_library_open(err))
        return false;
    const AVCodec *codec = avcodec_find_decoder(kinds[kind].codec);
    AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    bool done = false;
    if (!context || !packet || !frame || av_new_packet(packet, (int)length) < 0) {
        error_set(err, ERROR_UNSUPPORTED, "no decoder for %s pictures", kinds[kind].extension);
        goto end;
    }
    memcpy(packet->data, bytes, length);
    context->max_pixels = LIMIT_COVER_PIXELS;
    context->thread_count = 1;
    if (avcodec_open2(context, codec, NULL) < 0 || avcodec_send_packet(context, packet) < 0 ||
        avcodec_send_packet(context, NULL) < 0 || avcodec_receive_frame(context, frame) < 0)
        error_set(err, ERROR_INVALID, "the picture is damaged, or has more than %d pixels", LIMIT_COVER_PIXELS);
    else
        done = take_frame(arena, frame, art, err);
end:
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&context);
    return done;
}

bool art_resize(struct arena *arena, const struct art *art, int width, int height, struct art *made,
                struct error *err) {
    struct art result = art_new(arena, width, height);
    int taken_width = art->width, taken_height = (int)((int64_t)art->width * height / width);
    if (taken_height > art->height) {
        taken_height = art->height;
        taken_width = (int)((int64_t)art->height * width / height);
    }
    taken_width = taken_width > 0 ? taken_width : 1;
    taken_height = taken_height > 0 ? taken_height : 1;
    size_t skipped =
        ((size_t)((art->height - taken_height) / 2) * (size_t)art->width + (size_t)((art->width - taken_width) / 2)) *
        3;
    const uint8_t *planes[4] = {art->pixels + skipped};
    int strides[4] = {art->width * 3};
    if (!scale(planes, strides, taken_width, taken_height, AV_PIX_FMT_RGB24, &result, err))
        return false;
    *made = result;
    return true;
}

static void parse_colour(const char *colour, uint8_t rgb[3]) {
    unsigned long value = *colour == '#' ? strtoul(colour + 1, NULL, 16) : 0;
    rgb[0] = (uint8_t)(value >> 16);
    rgb[1] = (uint8_t)(value >> 8);
    rgb[2] = (uint8_t)value;
}

bool art_card(struct arena *arena, const struct art *art, const char *colour, int width, int height, struct art *made,
              struct error *err) {
    uint8_t rgb[3];
    parse_colour(colour, rgb);
    struct art card = art_new(arena, width, height), middle;
    int side = height < width ? height : width;
    if (!art_resize(arena, art, side, side, &middle, err))
        return false;
    for (size_t i = 0; i < (size_t)width * (size_t)height; i++)
        memcpy(card.pixels + i * 3, rgb, 3);
    size_t left = (size_t)((width - side) / 2), top = (size_t)((height - side) / 2);
    for (size_t y = 0; y < (size_t)side; y++)
        memcpy(card.pixels + ((top + y) * (size_t)width + left) * 3, middle.pixels + y * (size_t)side * 3,
               (size_t)side * 3);
    *made = card;
    return true;
}

bool art_png(struct arena *arena, const struct art *art, const uint8_t **bytes, size_t *length, struct error *err) {
    if (!ffmpeg_load(err))
        return false;
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
    AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    bool done = false;
    if (!context || !packet || !frame) {
        error_set(err, ERROR_UNSUPPORTED, "no encoder for PNG pictures");
        goto end;
    }
    context->width = frame->width = art->width;
    context->height = frame->height = art->height;
    context->pix_fmt = AV_PIX_FMT_RGB24;
    frame->format = AV_PIX_FMT_RGB24;
    context->time_base = (AVRational){1, 1};
    context->thread_count = 1;
    frame->data[0] = art->pixels;
    frame->linesize[0] = art->width * 3;
    if (avcodec_open2(context, codec, NULL) < 0 || avcodec_send_frame(context, frame) < 0 ||
        avcodec_send_frame(context, NULL) < 0 || avcodec_receive_packet(context, packet) < 0) {
        error_set(err, ERROR_INTERNAL, "a PNG picture of %d by %d cannot be written", art->width, art->height);
        goto end;
    }
    uint8_t *copy = arena_alloc(arena, (size_t)packet->size);
    memcpy(copy, packet->data, (size_t)packet->size);
    *bytes = copy;
    *length = (size_t)packet->size;
    done = true;
end:
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&context);
    return done;
}
