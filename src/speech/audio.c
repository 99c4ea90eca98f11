/* The reader: packets in, 16 kHz mono out, on one clock.
 *
 * The clock. Each decoded frame says when it is heard. `expected` is where the samples made so far end; a frame that
 * comes later leaves a hole, which is filled with silence, so that a lost packet moves nothing. A frame that claims to
 * come earlier, or absurdly late (a joined file, a damaged stamp), moves the origin of the clock instead: sound is
 * never dropped and never delayed by hours. */
#include "speech/audio.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "speech/audio_file.h"

/* Smaller differences of the clock are rounding of stamps. */
enum { SLACK = 30 * AUDIO_PER_MS };

struct audio_reader {
    struct audio_file file;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    SwrContext *swr;
    AVChannelLayout layout; /* what swr was made for */
    int rate;
    enum AVSampleFormat format;

    bool origin_known;
    int64_t origin;   /* of the stamps, in samples at AUDIO_RATE */
    uint64_t made;    /* samples put into `ready` or owed as silence so far */
    uint64_t silence; /* owed before what is in `ready` */

    float *ready;
    size_t ready_count;
    size_t ready_from;
    size_t ready_room;

    bool flushing; /* the container ended */
    bool ended;    /* nothing more will come */
    uint64_t position;
    uint64_t broken;
};

static void ready_reserve(struct audio_reader *reader, size_t more) {
    if (reader->ready_from == reader->ready_count)
        reader->ready_from = reader->ready_count = 0;
    if (reader->ready_count + more > reader->ready_room) {
        reader->ready_room = reader->ready_count + more;
        reader->ready = memory_resize_array(reader->ready, reader->ready_room, sizeof(float));
    }
}

/* Passes a frame (NULL: what the resampler still holds) on to `ready`. */
static bool resample(struct audio_reader *reader, const AVFrame *frame) {
    if (!reader->swr)
        return true;
    int room = swr_get_out_samples(reader->swr, frame ? frame->nb_samples : 0);
    if (room <= 0)
        return true;
    ready_reserve(reader, (size_t)room);
    uint8_t *out = (uint8_t *)(reader->ready + reader->ready_count);
    const uint8_t **in = frame ? (const uint8_t **)(void *)frame->extended_data : NULL;
    int got = swr_convert(reader->swr, &out, room, in, frame ? frame->nb_samples : 0);
    if (got < 0)
        return false;
    for (int i = 0; i < got; i++) {
        float *sample = reader->ready + reader->ready_count + i;
        /* A float file may hold anything. */
        *sample = *sample >= -1.0F && *sample <= 1.0F ? *sample
                  : *sample > 1.0F                    ? 1.0F
                  : *sample < -1.0F                   ? -1.0F
                                                      : 0.0F;
    }
    reader->ready_count += (size_t)got;
    reader->made += (uint64_t)got;
    return true;
}

/* A resampler for the frame's form; a stream may change it on the way. */
static bool resampler_fit(struct audio_reader *reader, const AVFrame *frame) {
    if (reader->swr && reader->rate == frame->sample_rate && reader->format == frame->format &&
        av_channel_layout_compare(&reader->layout, &frame->ch_layout) == 0)
        return true;
    if (reader->swr && !resample(reader, NULL))
        return false;
    swr_free(&reader->swr);
    AVChannelLayout from = {0};
    if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&from, frame->ch_layout.nb_channels);
    else if (av_channel_layout_copy(&from, &frame->ch_layout) < 0)
        return false;
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    int code = swr_alloc_set_opts2(&reader->swr, &mono, AV_SAMPLE_FMT_FLT, AUDIO_RATE, &from, frame->format,
                                   frame->sample_rate, 0, NULL);
    av_channel_layout_uninit(&from);
    if (code < 0 || swr_init(reader->swr) < 0) {
        swr_free(&reader->swr);
        return false;
    }
    av_channel_layout_uninit(&reader->layout);
    reader->rate = frame->sample_rate;
    reader->format = frame->format;
    return av_channel_layout_copy(&reader->layout, &frame->ch_layout) >= 0;
}

/* Where the frame belongs, and what has to lie before it. */
static void clock_follow(struct audio_reader *reader, const AVFrame *frame) {
    int64_t stamp = frame->best_effort_timestamp;
    if (stamp == AV_NOPTS_VALUE)
        return;
    int64_t at = av_rescale_q(stamp, reader->file.stream->time_base, (AVRational){1, AUDIO_RATE});
    int64_t expected = (int64_t)reader->made + (reader->swr ? swr_get_delay(reader->swr, AUDIO_RATE) : 0);
    if (!reader->origin_known) {
        reader->origin_known = true;
        reader->origin = at;
        /* Sound that starts after the picture: the player's clock starts with the picture. */
        const AVFormatContext *format = reader->file.format;
        if (reader->file.info.is_video && format->start_time != AV_NOPTS_VALUE) {
            int64_t start = av_rescale_q(format->start_time, AV_TIME_BASE_Q, (AVRational){1, AUDIO_RATE});
            if (start < at)
                reader->origin = start;
        }
    }
    int64_t late = at - reader->origin - expected;
    if (late > LIMIT_AUDIO_GAP_MS * AUDIO_PER_MS || late < -SLACK) {
        reader->origin += late;
    } else if (late > SLACK && reader->ready_from == reader->ready_count) {
        reader->silence += (uint64_t)late;
        reader->made += (uint64_t)late;
    }
}

/* Decodes until something is ready or the end. */
static bool decode_more(struct audio_reader *reader, struct error *err) {
    for (;;) {
        int code = avcodec_receive_frame(reader->codec, reader->frame);
        if (code == 0) {
            bool fits =
                reader->frame->nb_samples > 0 && reader->frame->sample_rate > 0 && resampler_fit(reader, reader->frame);
            if (fits)
                clock_follow(reader, reader->frame);
            if (!fits || !resample(reader, reader->frame))
                reader->broken++;
            av_frame_unref(reader->frame);
            if (reader->made > (uint64_t)LIMIT_AUDIO_MS * AUDIO_PER_MS)
                return error_set(err, ERROR_LIMIT, "audio is longer than %d hours", (int)(LIMIT_AUDIO_MS / 3600000));
            if (reader->silence || reader->ready_from < reader->ready_count)
                return true;
            continue;
        }
        if (code == AVERROR_EOF) {
            reader->ended = true;
            resample(reader, NULL);
            return true;
        }
        if (code != AVERROR(EAGAIN)) {
            reader->broken++;
            if (reader->flushing) {
                reader->ended = true;
                return true;
            }
        }
        bool end = false;
        if (!audio_file_packet(&reader->file, reader->packet, &end, &reader->broken, err))
            return false;
        if (end) {
            reader->flushing = true;
            avcodec_send_packet(reader->codec, NULL);
            continue;
        }
        code = avcodec_send_packet(reader->codec, reader->packet);
        av_packet_unref(reader->packet);
        if (code < 0 && code != AVERROR(EAGAIN))
            reader->broken++;
    }
}

/* Takes up to `count` samples; `samples` NULL drops them. */
static bool take(struct audio_reader *reader, float *samples, size_t count, size_t *got, struct error *err) {
    size_t done = 0;
    while (done < count) {
        if (!reader->silence && reader->ready_from == reader->ready_count) {
            if (reader->ended)
                break;
            if (!decode_more(reader, err))
                return false;
            continue;
        }
        size_t step = count - done;
        if (reader->silence) {
            step = step < reader->silence ? step : (size_t)reader->silence;
            if (samples)
                memset(samples + done, 0, step * sizeof(float));
            reader->silence -= step;
        } else {
            size_t there = reader->ready_count - reader->ready_from;
            step = step < there ? step : there;
            if (samples)
                memcpy(samples + done, reader->ready + reader->ready_from, step * sizeof(float));
            reader->ready_from += step;
        }
        done += step;
    }
    reader->position += done;
    *got = done;
    return true;
}

struct audio_reader *audio_open(const char *path, const struct cancel *cancel, struct error *err) {
    struct audio_reader *reader = memory_alloc(sizeof(*reader));
    if (!audio_file_open(&reader->file, path, cancel, err)) {
        free(reader);
        return NULL;
    }
    reader->packet = av_packet_alloc();
    reader->frame = av_frame_alloc();
    reader->codec = avcodec_alloc_context3(reader->file.decoder);
    avcodec_parameters_to_context(reader->codec, reader->file.stream->codecpar);
    reader->codec->pkt_timebase = reader->file.stream->time_base;
    reader->codec->thread_count = 1;
    if (avcodec_open2(reader->codec, reader->file.decoder, NULL) < 0) {
        error_set(err, ERROR_INVALID, "the %s in it cannot be decoded", reader->file.info.codec);
        audio_close(reader);
        return NULL;
    }
    return reader;
}

void audio_close(struct audio_reader *reader) {
    if (!reader)
        return;
    swr_free(&reader->swr);
    av_channel_layout_uninit(&reader->layout);
    avcodec_free_context(&reader->codec);
    av_frame_free(&reader->frame);
    av_packet_free(&reader->packet);
    audio_file_close(&reader->file);
    free(reader->ready);
    free(reader);
}

bool audio_read(struct audio_reader *reader, float *samples, size_t count, size_t *got, struct error *err) {
    return take(reader, samples, count, got, err);
}

bool audio_skip(struct audio_reader *reader, uint64_t position, uint64_t *reached, struct error *err) {
    while (reader->position < position) {
        size_t got = 0;
        uint64_t left = position - reader->position;
        if (!take(reader, NULL, left < SIZE_MAX ? (size_t)left : SIZE_MAX, &got, err))
            return false;
        if (got == 0)
            break;
    }
    *reached = reader->position;
    return true;
}

uint64_t audio_position(const struct audio_reader *reader) {
    return reader->position;
}

uint64_t audio_broken(const struct audio_reader *reader) {
    return reader->broken;
}

const struct audio_info *audio_reader_info(const struct audio_reader *reader) {
    return &reader->file.info;
}
