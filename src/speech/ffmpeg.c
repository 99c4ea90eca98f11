#define FFMPEG_PLAIN_NAMES /* the table's own members and the strings are wanted here, not the calls */
#include "speech/ffmpeg.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "base/memory.h"

struct ffmpeg_table ffmpeg_table;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct error failure; /* written once, under `once` */

/* In the order of their needs: each finds the ones before it loaded already. */
static const struct {
    const char *name;
    const char *file;
} libraries[] = {
    {"avutil", "libavutil.so." AV_STRINGIFY(LIBAVUTIL_VERSION_MAJOR)},
    {"swresample", "libswresample.so." AV_STRINGIFY(LIBSWRESAMPLE_VERSION_MAJOR)},
    {"swscale", "libswscale.so." AV_STRINGIFY(LIBSWSCALE_VERSION_MAJOR)},
    {"avcodec", "libavcodec.so." AV_STRINGIFY(LIBAVCODEC_VERSION_MAJOR)},
    {"avformat", "libavformat.so." AV_STRINGIFY(LIBAVFORMAT_VERSION_MAJOR)},
};

static void *handles[ARRAY_LENGTH(libraries)];

static void *handle_of(const char *library) {
    for (size_t i = 0; i < ARRAY_LENGTH(libraries); i++) {
        if (strcmp(libraries[i].name, library) == 0)
            return handles[i];
    }
    return NULL;
}

static const struct {
    const char *library;
    const char *name;
    size_t slot; /* where in the table */
} functions[] = {
#define X(library, function) {#library, #function, offsetof(struct ffmpeg_table, function)},
    FFMPEG_FUNCTIONS(X)
#undef X
};

/* A data pointer from dlsym becomes a function pointer by its bytes, as POSIX has it (dlsym, rationale). */
static bool bind_functions(void) {
    for (size_t i = 0; i < ARRAY_LENGTH(functions); i++) {
        void *address = dlsym(handle_of(functions[i].library), functions[i].name);
        if (!address)
            return error_set(&failure, ERROR_UNSUPPORTED, "FFmpeg's lib%s has no %s", functions[i].library,
                             functions[i].name);
        memcpy((char *)&ffmpeg_table + functions[i].slot, &address, sizeof(address));
    }
    return true;
}

static bool open_libraries(void) {
    for (size_t i = 0; i < ARRAY_LENGTH(libraries); i++) {
        handles[i] = dlopen(libraries[i].file, RTLD_NOW | RTLD_LOCAL);
        if (!handles[i]) {
            error_set(&failure, ERROR_UNSUPPORTED, "cannot open FFmpeg's %s: %s", libraries[i].file, dlerror());
            return error_hint(&failure, "install FFmpeg's libraries (Debian: libavformat, libavcodec, libswresample, "
                                        "libswscale of the version that tidemill was built with)");
        }
    }
    return true;
}

static void load(void) {
    if (open_libraries())
        bind_functions();
}

bool ffmpeg_load(struct error *err) {
    pthread_once(&once, load);
    return failure.code == ERROR_NONE || error_copy(err, &failure);
}
