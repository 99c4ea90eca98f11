/* FFmpeg's libraries, opened when they are first needed.
 *
 * Linked in the usual way they bring a hundred other libraries into every start of the program: 30 ms and 16 MB for
 * `tidemill --version` and for an idle server, which never look at audio. So their headers are included here, their
 * functions are called by their own names, and ffmpeg_load() binds the names with dlopen. Include this header instead
 * of FFmpeg's; call ffmpeg_load() before the first of its functions (the openers in audio.h do). */
#ifndef TIDEMILL_SPEECH_FFMPEG_H
#define TIDEMILL_SPEECH_FFMPEG_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/channel_layout.h>
#include <libavutil/dict.h>
#include <libavutil/error.h>
#include <libavutil/frame.h>
#include <libavutil/imgutils.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/log.h>
#include <libavutil/mathematics.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
#include <stdbool.h>

#include "base/error.h"

/* Library, function. A function that is used and not listed is found by the linker. */
#define FFMPEG_FUNCTIONS(X)                                                                                            \
    X(avutil, av_channel_layout_compare)                                                                               \
    X(avutil, av_channel_layout_copy)                                                                                  \
    X(avutil, av_channel_layout_default)                                                                               \
    X(avutil, av_channel_layout_uninit)                                                                                \
    X(avutil, av_dict_free)                                                                                            \
    X(avutil, av_dict_get)                                                                                             \
    X(avutil, av_dict_set)                                                                                             \
    X(avutil, av_frame_alloc)                                                                                          \
    X(avutil, av_frame_free)                                                                                           \
    X(avutil, av_frame_get_buffer)                                                                                     \
    X(avutil, av_frame_make_writable)                                                                                  \
    X(avutil, av_frame_unref)                                                                                          \
    X(avutil, av_free)                                                                                                 \
    X(avutil, av_freep)                                                                                                \
    X(avutil, av_log_set_callback)                                                                                     \
    X(avutil, av_log_set_level)                                                                                        \
    X(avutil, av_malloc)                                                                                               \
    X(avutil, av_mallocz)                                                                                              \
    X(avutil, av_opt_set)                                                                                              \
    X(avutil, av_opt_set_int)                                                                                          \
    X(avutil, av_rescale_q)                                                                                            \
    X(avutil, av_strerror)                                                                                             \
    X(avutil, av_image_alloc)                                                                                          \
    X(avutil, av_image_get_buffer_size)                                                                                \
    X(avutil, av_image_fill_arrays)                                                                                    \
    X(avutil, av_max_alloc)                                                                                            \
    X(avcodec, av_new_packet)                                                                                          \
    X(avcodec, av_packet_alloc)                                                                                        \
    X(avcodec, av_packet_free)                                                                                         \
    X(avcodec, av_packet_rescale_ts)                                                                                   \
    X(avcodec, av_packet_unref)                                                                                        \
    X(avcodec, avcodec_alloc_context3)                                                                                 \
    X(avcodec, avcodec_find_decoder)                                                                                   \
    X(avcodec, avcodec_find_decoder_by_name)                                                                           \
    X(avcodec, avcodec_find_encoder)                                                                                   \
    X(avcodec, avcodec_find_encoder_by_name)                                                                           \
    X(avcodec, avcodec_flush_buffers)                                                                                  \
    X(avcodec, avcodec_free_context)                                                                                   \
    X(avcodec, avcodec_get_name)                                                                                       \
    X(avcodec, avcodec_open2)                                                                                          \
    X(avcodec, avcodec_parameters_from_context)                                                                        \
    X(avcodec, avcodec_parameters_to_context)                                                                          \
    X(avcodec, avcodec_receive_frame)                                                                                  \
    X(avcodec, avcodec_receive_packet)                                                                                 \
    X(avcodec, avcodec_send_frame)                                                                                     \
    X(avcodec, avcodec_send_packet)                                                                                    \
    X(avformat, av_find_best_stream)                                                                                   \
    X(avformat, av_find_input_format)                                                                                  \
    X(avformat, av_read_frame)                                                                                         \
    X(avformat, av_seek_frame)                                                                                         \
    X(avformat, av_write_frame)                                                                                        \
    X(avformat, av_write_trailer)                                                                                      \
    X(avformat, avformat_alloc_context)                                                                                \
    X(avformat, avformat_alloc_output_context2)                                                                        \
    X(avformat, avformat_close_input)                                                                                  \
    X(avformat, avformat_find_stream_info)                                                                             \
    X(avformat, avformat_free_context)                                                                                 \
    X(avformat, avformat_new_stream)                                                                                   \
    X(avformat, avformat_open_input)                                                                                   \
    X(avformat, avformat_write_header)                                                                                 \
    X(avformat, avio_alloc_context)                                                                                    \
    X(avformat, avio_context_free)                                                                                     \
    X(avformat, avio_flush)                                                                                            \
    X(swresample, swr_alloc_set_opts2)                                                                                 \
    X(swresample, swr_convert)                                                                                         \
    X(swresample, swr_free)                                                                                            \
    X(swresample, swr_get_delay)                                                                                       \
    X(swresample, swr_get_out_samples)                                                                                 \
    X(swresample, swr_init)                                                                                            \
    X(swscale, sws_freeContext)                                                                                        \
    X(swscale, sws_getContext)                                                                                         \
    X(swscale, sws_scale)

/* Filled once by ffmpeg_load, then only read. */
struct ffmpeg_table {
#define X(library, function) __typeof__(function) *function; /* NOLINT(bugprone-macro-parentheses) */
    FFMPEG_FUNCTIONS(X)
#undef X
};
extern struct ffmpeg_table ffmpeg_table;

/* Opens the libraries and binds the functions; any thread, as often as wanted. ERROR_UNSUPPORTED when they are not
 * installed, or of another major version. */
bool ffmpeg_load(struct error *err);

#ifndef FFMPEG_PLAIN_NAMES
#include "speech/ffmpeg_names.h"
#endif

#endif
