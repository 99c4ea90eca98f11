#include "speech/audio_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

/* What podcasts come in. Everything else FFmpeg can open stays shut: playlists (they name other files), game formats,
 * devices. */
#define DEMUXERS "mp3,mov,mp4,ogg,wav,w64,flac,matroska,webm,aac,aiff,caf,asf,amr,mpegts,mp2,ac3,avi,flv,au"

/* Decoders by name, in the order of preference of one codec. */
static const struct {
    enum AVCodecID id;
    const char *name;
} decoders[] = {
    {AV_CODEC_ID_MP3, "mp3float"},     {AV_CODEC_ID_MP2, "mp2float"},  {AV_CODEC_ID_AAC, "aac"},
    {AV_CODEC_ID_OPUS, "opus"},        {AV_CODEC_ID_VORBIS, "vorbis"}, {AV_CODEC_ID_FLAC, "flac"},
    {AV_CODEC_ID_ALAC, "alac"},        {AV_CODEC_ID_PCM_S16LE, NULL},  {AV_CODEC_ID_PCM_S16BE, NULL},
    {AV_CODEC_ID_PCM_S24LE, NULL},     {AV_CODEC_ID_PCM_S24BE, NULL},  {AV_CODEC_ID_PCM_S32LE, NULL},
    {AV_CODEC_ID_PCM_S32BE, NULL},     {AV_CODEC_ID_PCM_U8, NULL},     {AV_CODEC_ID_PCM_S8, NULL},
    {AV_CODEC_ID_PCM_F32LE, NULL},     {AV_CODEC_ID_PCM_F32BE, NULL},  {AV_CODEC_ID_PCM_F64LE, NULL},
    {AV_CODEC_ID_PCM_ALAW, NULL},      {AV_CODEC_ID_PCM_MULAW, NULL},  {AV_CODEC_ID_ADPCM_MS, NULL},
    {AV_CODEC_ID_ADPCM_IMA_WAV, NULL}, {AV_CODEC_ID_AC3, "ac3"},       {AV_CODEC_ID_EAC3, "eac3"},
    {AV_CODEC_ID_AMR_NB, "amrnb"},     {AV_CODEC_ID_AMR_WB, "amrwb"},  {AV_CODEC_ID_WMAV2, "wmav2"},
    {AV_CODEC_ID_WMAV1, "wmav1"},
};

__attribute__((format(printf, 3, 0))) static void log_forward(void *source, int level, const char *format,
                                                              va_list arguments) {
    (void)source;
    if (level > AV_LOG_WARNING || log_level() > LOG_DEBUG)
        return;
    char line[512];
    vsnprintf(line, sizeof(line), format, arguments);
    line[strcspn(line, "\n")] = 0;
    if (*line)
        log_debug("audio", "%s", line);
}

bool audio_library_open(struct error *err) {
    if (!ffmpeg_load(err))
        return false;
    av_log_set_callback(log_forward);
    return true;
}

static int interrupted(void *from) {
    const struct audio_file *file = from;
    return cancel_requested(file->cancel) ? 1 : 0;
}

/* The size that a WAV file's head announces; 0 for other files and for a head written before the end was known. FFmpeg
 * does not tell of it when the file is shorter. */
static uint64_t wav_bytes(const char *head, size_t length) {
    if (length < 12 || memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0)
        return 0;
    uint64_t bytes = 0;
    for (int i = 7; i >= 4; i--)
        bytes = bytes << 8 | (unsigned char)head[i];
    return bytes == 0 || bytes >= 0xFFFFFF00 ? 0 : bytes + 8;
}

/* Looks at the first bytes for what servers send instead of audio. A page must not reach the probing of formats, which
 * would call it mp3 by its name. */
static bool check_start(struct audio_file *file, const char *path, struct error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_os(err, errno, "audio cannot be opened");
    struct stat status;
    char head[512] = {0};
    ssize_t got = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? read(fd, head, sizeof(head) - 1) : -2;
    int os = errno;
    close(fd);
    if (got == -2)
        return error_set(err, ERROR_INVALID, "is not a file");
    if (got < 0)
        return error_set_os(err, os, "audio cannot be read");
    if (got == 0)
        return error_set(err, ERROR_INVALID, "audio is 0 bytes");
    file->bytes = (uint64_t)status.st_size;
    file->announced = wav_bytes(head, (size_t)got);
    const char *start = head;
    if (text_starts(start, "\xEF\xBB\xBF"))
        start += 3;
    start += strspn(start, " \t\r\n");
    if (strncasecmp(start, "<!doctype html", 14) == 0 || strncasecmp(start, "<html", 5) == 0 ||
        strncasecmp(start, "<head", 5) == 0)
        return error_set(err, ERROR_INVALID, "is a web page, not audio");
    if (*start == '<')
        return error_set(err, ERROR_INVALID, "is XML, not audio");
    if (*start == '{' || *start == '[')
        return error_set(err, ERROR_INVALID, "is JSON, not audio");
    return true;
}

static bool av_failed(struct error *err, int code, const char *what) {
    char reason[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(code, reason, sizeof(reason));
    if (code == AVERROR_EXIT)
        return error_set(err, ERROR_CANCELLED, "cancelled");
    if (code == AVERROR(ENOMEM))
        return error_set(err, ERROR_LIMIT, "%s: needs too much memory", what);
    if (code == AVERROR(EIO))
        return error_set(err, ERROR_IO, "%s: %s", what, reason);
    if (code == AVERROR_DEMUXER_NOT_FOUND || code == AVERROR_INVALIDDATA)
        return error_set(err, ERROR_INVALID, "is not audio in a form that is known");
    return error_set(err, ERROR_INVALID, "%s: %s", what, reason);
}

static const AVCodec *decoder_of(enum AVCodecID id) {
    for (size_t i = 0; i < ARRAY_LENGTH(decoders); i++)
        if (decoders[i].id == id) {
            const AVCodec *named = decoders[i].name ? avcodec_find_decoder_by_name(decoders[i].name) : NULL;
            return named ? named : avcodec_find_decoder(id);
        }
    return NULL;
}

static const char *extension_of(const char *container, enum AVCodecID codec, bool is_video) {
    if (text_equal(container, "mov"))
        return is_video ? ".mp4" : ".m4a";
    if (text_equal(container, "ogg"))
        return is_video ? ".ogv" : codec == AV_CODEC_ID_OPUS ? ".opus" : ".ogg";
    if (text_equal(container, "matroska"))
        return is_video ? ".mkv" : ".mka";
    static const char *const rows[][2] = {{"mp3", ".mp3"},   {"mp2", ".mp2"}, {"wav", ".wav"},   {"w64", ".w64"},
                                          {"flac", ".flac"}, {"aac", ".aac"}, {"aiff", ".aiff"}, {"caf", ".caf"},
                                          {"asf", ".wma"},   {"amr", ".amr"}, {"mpegts", ".ts"}, {"ac3", ".ac3"},
                                          {"avi", ".avi"},   {"flv", ".flv"}, {"au", ".au"}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
        if (text_equal(rows[i][0], container))
            return rows[i][1];
    return ".audio";
}

static int64_t to_ms(int64_t value, AVRational base) {
    if (value == AV_NOPTS_VALUE || value <= 0)
        return 0;
    return av_rescale_q(value, base, (AVRational){1, 1000});
}

/* What the container states. An estimate from the bit rate is no statement. */
static int64_t stated_ms(const struct audio_file *file) {
    const AVFormatContext *format = file->format;
    if (file->announced > file->bytes && format->duration > 0)
        return to_ms((int64_t)((double)format->duration * (double)file->announced / (double)file->bytes),
                     AV_TIME_BASE_Q);
    if (format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE)
        return 0;
    int64_t of_stream = to_ms(file->stream->duration, file->stream->time_base);
    return of_stream ? of_stream : to_ms(format->duration, AV_TIME_BASE_Q);
}

static void describe(struct audio_file *file) {
    const AVFormatContext *format = file->format;
    const AVCodecParameters *codec = file->stream->codecpar;
    struct audio_info *info = &file->info;
    const char *name = format->iformat->name;
    snprintf(info->container, sizeof(info->container), "%.*s", (int)strcspn(name, ","), name);
    snprintf(info->codec, sizeof(info->codec), "%s", avcodec_get_name(codec->codec_id));
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVStream *stream = format->streams[i];
        if (stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !(stream->disposition & AV_DISPOSITION_ATTACHED_PIC))
            info->is_video = true;
    }
    info->extension = extension_of(info->container, codec->codec_id, info->is_video);
    info->stated_ms = stated_ms(file);
    info->duration_ms = info->stated_ms ? info->stated_ms : to_ms(format->duration, AV_TIME_BASE_Q);
    info->bit_rate = codec->bit_rate > 0 ? codec->bit_rate : format->bit_rate;
    info->channels = codec->ch_layout.nb_channels;
    info->sample_rate = codec->sample_rate;
}

static bool choose_stream(struct audio_file *file, struct error *err) {
    AVFormatContext *format = file->format;
    int index = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    if (index < 0) {
        for (unsigned i = 0; i < format->nb_streams; i++)
            if (format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO)
                return error_set(err, ERROR_INVALID, "has pictures but no sound");
        return error_set(err, ERROR_INVALID, "has no sound in it");
    }
    file->stream = format->streams[index];
    const AVCodecParameters *codec = file->stream->codecpar;
    file->decoder = decoder_of(codec->codec_id);
    if (!file->decoder)
        return error_set(err, ERROR_UNSUPPORTED, "the codec \"%s\" is not supported",
                         avcodec_get_name(codec->codec_id));
    if (codec->sample_rate < 1000 || codec->sample_rate > 768000 || codec->ch_layout.nb_channels < 1 ||
        codec->ch_layout.nb_channels > 64)
        return error_set(err, ERROR_INVALID, "is not audio in a form that is known");
    for (unsigned i = 0; i < format->nb_streams; i++)
        if ((int)i != index)
            format->streams[i]->discard = AVDISCARD_ALL;
    return true;
}

bool audio_file_open(struct audio_file *file, const char *path, const struct cancel *cancel, struct error *err) {
    if (!audio_library_open(err))
        return false;
    memset(file, 0, sizeof(*file));
    file->cancel = cancel;
    if (!check_start(file, path, err))
        return false;
    char *url = memory_alloc(strlen(path) + 6);
    sprintf(url, "file:%s", path);
    file->format = avformat_alloc_context();
    file->format->interrupt_callback = (AVIOInterruptCB){.callback = interrupted, .opaque = file};
    file->format->flags |= AVFMT_FLAG_DISCARD_CORRUPT;
    AVDictionary *options = NULL;
    av_dict_set(&options, "format_whitelist", DEMUXERS, 0);
    av_dict_set(&options, "protocol_whitelist", "file", 0);
    av_dict_set(&options, "max_streams", "64", 0);
    int code = avformat_open_input(&file->format, url, NULL, &options);
    av_dict_free(&options);
    free(url);
    if (code < 0)
        return av_failed(err, code, "audio cannot be opened");
    code = avformat_find_stream_info(file->format, NULL);
    bool done = code < 0 ? av_failed(err, code, "audio cannot be understood") : choose_stream(file, err);
    if (!done) {
        audio_file_close(file);
        return false;
    }
    describe(file);
    return true;
}

void audio_file_close(struct audio_file *file) {
    avformat_close_input(&file->format);
    file->stream = NULL;
}

bool audio_file_packet(struct audio_file *file, AVPacket *packet, bool *end, uint64_t *broken, struct error *err) {
    *end = false;
    for (unsigned failures = 0; failures < 64;) {
        if (cancel_requested(file->cancel))
            return error_set(err, ERROR_CANCELLED, "cancelled");
        int code = av_read_frame(file->format, packet);
        if (code == AVERROR_EOF)
            break;
        if (code == AVERROR(EIO))
            return error_set(err, ERROR_IO, "audio cannot be read");
        if (code < 0) {
            /* A demuxer that lost its way may find it again, but not for ever. */
            failures++;
            ++*broken;
            continue;
        }
        if (packet->stream_index != file->stream->index) {
            av_packet_unref(packet);
            continue;
        }
        if (packet->flags & AV_PKT_FLAG_CORRUPT)
            ++*broken;
        return true;
    }
    *end = true;
    return true;
}

bool audio_file_short(const struct audio_info *info, int64_t end_ms) {
    int64_t forgiven = info->stated_ms / 200 > 1000 ? info->stated_ms / 200 : 1000;
    return info->stated_ms > 0 && end_ms + forgiven < info->stated_ms;
}

bool audio_probe(const char *path, bool count, const struct cancel *cancel, struct audio_info *info,
                 struct error *err) {
    struct audio_file file;
    if (!audio_file_open(&file, path, cancel, err))
        return false;
    bool done = true;
    if (count) {
        AVPacket *packet = av_packet_alloc();
        int64_t first = AV_NOPTS_VALUE;
        int64_t last = 0;
        int64_t total = 0;
        bool end = false;
        while ((done = audio_file_packet(&file, packet, &end, &file.info.broken, err)) && !end) {
            total += packet->duration;
            if (packet->pts != AV_NOPTS_VALUE) {
                if (first == AV_NOPTS_VALUE)
                    first = packet->pts < 0 ? 0 : packet->pts;
                last = packet->pts + packet->duration > last ? packet->pts + packet->duration : last;
            }
            av_packet_unref(packet);
        }
        av_packet_free(&packet);
        int64_t length = first == AV_NOPTS_VALUE ? total : last - first;
        file.info.duration_ms = to_ms(length, file.stream->time_base);
        file.info.counted = true;
        file.info.truncated = audio_file_short(&file.info, file.info.duration_ms);
        if (done && file.info.duration_ms == 0)
            done = error_set(err, ERROR_INVALID, "has no sound in it");
    }
    if (done)
        *info = file.info;
    audio_file_close(&file);
    return done;
}
