#include "speech/audio_encode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "speech/audio.h"
#include "speech/ffmpeg.h"

/* A file in memory. The muxer goes back to its head at the end, to write the length and the checksum. */
struct memory_file {
    uint8_t *bytes;
    size_t length;
    size_t room;
    size_t at;
    size_t ceiling;
    bool full;
};

static int memory_write(void *to, uint8_t *data, int size) {
    struct memory_file *file = to;
    size_t more = (size_t)size;
    if (more > file->ceiling - file->at) {
        file->full = true;
        return AVERROR(ENOSPC);
    }
    if (file->at + more > file->room) {
        file->room = (file->at + more) * 2;
        file->bytes = memory_resize_array(file->bytes, file->room, 1);
    }
    memcpy(file->bytes + file->at, data, more);
    file->at += more;
    file->length = file->at > file->length ? file->at : file->length;
    return size;
}

static int64_t memory_seek(void *to, int64_t offset, int whence) {
    struct memory_file *file = to;
    if (whence == AVSEEK_SIZE)
        return (int64_t)file->length;
    int64_t at = whence == SEEK_CUR   ? (int64_t)file->at + offset
                 : whence == SEEK_END ? (int64_t)file->length + offset
                                      : offset;
    if (at < 0 || at > (int64_t)file->length)
        return AVERROR(EINVAL);
    file->at = (size_t)at;
    return at;
}

struct encoding {
    struct memory_file file;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
};

static bool encoding_open(struct encoding *encoding) {
    const AVCodec *encoder = avcodec_find_encoder(AV_CODEC_ID_FLAC);
    if (!encoder || avformat_alloc_output_context2(&encoding->format, NULL, "flac", NULL) < 0)
        return false;
    enum { BUFFER = 1 << 16 };
    encoding->format->pb =
        avio_alloc_context(av_malloc(BUFFER), BUFFER, 1, &encoding->file, NULL, memory_write, memory_seek);
    encoding->format->flags |= AVFMT_FLAG_BITEXACT; /* the same samples give the same bytes with any version */
    encoding->codec = avcodec_alloc_context3(encoder);
    encoding->codec->sample_rate = AUDIO_RATE;
    encoding->codec->sample_fmt = AV_SAMPLE_FMT_S16;
    encoding->codec->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_MONO;
    encoding->codec->time_base = (AVRational){1, AUDIO_RATE};
    encoding->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    if (avcodec_open2(encoding->codec, encoder, NULL) < 0)
        return false;
    AVStream *stream = avformat_new_stream(encoding->format, NULL);
    stream->time_base = encoding->codec->time_base;
    encoding->packet = av_packet_alloc();
    encoding->frame = av_frame_alloc();
    encoding->frame->format = AV_SAMPLE_FMT_S16;
    encoding->frame->sample_rate = AUDIO_RATE;
    encoding->frame->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_MONO;
    encoding->frame->nb_samples = encoding->codec->frame_size;
    return avcodec_parameters_from_context(stream->codecpar, encoding->codec) >= 0 &&
           av_frame_get_buffer(encoding->frame, 0) >= 0 && avformat_write_header(encoding->format, NULL) >= 0;
}

static void encoding_close(struct encoding *encoding) {
    av_packet_free(&encoding->packet);
    av_frame_free(&encoding->frame);
    avcodec_free_context(&encoding->codec);
    if (encoding->format && encoding->format->pb) {
        av_freep(&encoding->format->pb->buffer);
        avio_context_free(&encoding->format->pb);
    }
    avformat_free_context(encoding->format);
}

/* Sends a frame (NULL: the end) and writes what comes out. */
static bool encode(struct encoding *encoding, const AVFrame *frame) {
    if (avcodec_send_frame(encoding->codec, frame) < 0)
        return false;
    for (;;) {
        int code = avcodec_receive_packet(encoding->codec, encoding->packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
            return true;
        if (code < 0)
            return false;
        encoding->packet->stream_index = 0;
        av_packet_rescale_ts(encoding->packet, encoding->codec->time_base, encoding->format->streams[0]->time_base);
        if (av_write_frame(encoding->format, encoding->packet) < 0)
            return false;
        av_packet_unref(encoding->packet);
    }
}

static bool encode_all(struct encoding *encoding, const float *samples, size_t count) {
    size_t step = (size_t)encoding->codec->frame_size;
    for (size_t at = 0; at < count; at += step) {
        size_t there = count - at < step ? count - at : step;
        if (av_frame_make_writable(encoding->frame) < 0)
            return false;
        int16_t *out = (int16_t *)(void *)encoding->frame->data[0];
        for (size_t i = 0; i < there; i++)
            out[i] = (int16_t)lrintf(samples[at + i] * 32767.0F);
        encoding->frame->nb_samples = (int)there;
        encoding->frame->pts = (int64_t)at;
        if (!encode(encoding, encoding->frame))
            return false;
    }
    return encode(encoding, NULL) && av_write_trailer(encoding->format) >= 0;
}

bool audio_encode_flac(const float *samples, size_t count, size_t ceiling, uint8_t **bytes, size_t *length,
                       struct error *err) {
    if (!audio_library_open(err))
        return false;
    struct encoding encoding = {.file = {.ceiling = ceiling}};
    bool done = encoding_open(&encoding) && encode_all(&encoding, samples, count);
    if (done)
        avio_flush(encoding.format->pb);
    done = done && !encoding.file.full;
    encoding_close(&encoding);
    if (!done) {
        free(encoding.file.bytes);
        if (encoding.file.full)
            return error_set(err, ERROR_LIMIT, "%zu ms of audio do not fit %zu bytes", count / AUDIO_PER_MS, ceiling);
        return error_set(err, ERROR_INTERNAL, "audio cannot be encoded");
    }
    *bytes = encoding.file.bytes;
    *length = encoding.file.length;
    return true;
}
