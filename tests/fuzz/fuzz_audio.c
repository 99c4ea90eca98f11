/* Audio files: any bytes are probed and, if they are audio, decoded for a few seconds. The bytes lie in a memory file,
 * which FFmpeg opens by its path. */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "speech/audio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int fd = memfd_create("audio", MFD_CLOEXEC);
    if (fd < 0)
        return 0;
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (write(fd, data, size) == (ssize_t)size) {
        struct audio_info info;
        audio_probe(path, true, NULL, &info, NULL);
        struct audio_reader *reader = audio_open(path, NULL, NULL);
        if (reader) {
            float samples[4096];
            size_t got = sizeof(samples) / sizeof(*samples);
            for (int i = 0; i < 64 && got == sizeof(samples) / sizeof(*samples); i++)
                if (!audio_read(reader, samples, sizeof(samples) / sizeof(*samples), &got, NULL))
                    break;
            audio_close(reader);
        }
    }
    close(fd);
    return 0;
}
