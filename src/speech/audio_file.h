/* What probing and reading share: an opened container with its audio stream chosen. For this room only. */
#ifndef TIDEMILL_SPEECH_AUDIO_FILE_H
#define TIDEMILL_SPEECH_AUDIO_FILE_H

#include "speech/audio.h"
#include "speech/ffmpeg.h"

struct audio_file {
    AVFormatContext *format;
    AVStream *stream;
    const AVCodec *decoder;
    const struct cancel *cancel;
    uint64_t bytes;     /* of the file */
    uint64_t announced; /* of it, by a WAV head; 0: it says nothing */
    struct audio_info info;
};

/* Opens `path` and describes it in file->info, uncounted. `file` must stay where it is until closed: FFmpeg keeps its
 * address for the cancel check. */
bool audio_file_open(struct audio_file *file, const char *path, const struct cancel *cancel, struct error *err);
void audio_file_close(struct audio_file *file);

/* The next packet of the audio stream. True with *end set at the end; false with ERROR_CANCELLED or ERROR_IO. What the
 * container cannot read is counted in *broken. */
bool audio_file_packet(struct audio_file *file, AVPacket *packet, bool *end, uint64_t *broken, struct error *err);

/* True if `end_ms` falls short of what the container states by more than players forgive. */
bool audio_file_short(const struct audio_info *info, int64_t end_ms);

#endif
