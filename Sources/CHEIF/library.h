// What is used of libheif, declared as heif.h of version 1.15 has it; later versions keep it.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct heif_error {
    int code;
    int subcode;
    const char *message;
};

enum { heif_error_ok = 0, heif_error_unsupported_filetype = 3, heif_error_unsupported_feature = 4, heif_error_memory = 6 };
// No decoder of this kind is there (from 1.16 on).
enum { heif_error_plugin_loading = 11 };
enum { heif_colorspace_rgb = 1 };
enum { heif_chroma_interleaved_rgb = 10, heif_chroma_interleaved_rgba = 11 };
enum { heif_channel_interleaved = 10 };
enum { heif_size_reached = 0, heif_size_beyond_eof = 2 };

struct heif_reader {
    int version;
    int64_t (*get_position)(void *context);
    int (*read)(void *data, size_t count, void *context);
    int (*seek)(int64_t position, void *context);
    int (*wait_for_file_size)(int64_t size, void *context);
};

// The fields up to those that are used.
struct heif_nclx {
    uint8_t version;
    int primaries;
    int transfer;
    int matrix;
    uint8_t is_full_range;
};

struct heif_decoding_options {
    uint8_t version;
    uint8_t ignore_transformations;
    void (*start_progress)(int, int, void *);
    void (*on_progress)(int, int, void *);
    void (*end_progress)(int, void *);
    void *progress_context;
    uint8_t convert_hdr_to_8bit;
};

typedef struct heif_context heif_context;
typedef struct heif_image_handle heif_image_handle;
typedef struct heif_image heif_image;

// Name, type of the result, arguments.
#define EACH_FUNCTION(DO)                                                                                          \
    DO(context_alloc, heif_context *, (void))                                                                     \
    DO(context_free, void, (heif_context *))                                                                      \
    DO(context_read_from_reader, struct heif_error, (heif_context *, const struct heif_reader *, void *, const void *)) \
    DO(context_get_primary_image_handle, struct heif_error, (heif_context *, heif_image_handle **))               \
    DO(image_handle_release, void, (const heif_image_handle *))                                                   \
    DO(image_handle_has_alpha_channel, int, (const heif_image_handle *))                                          \
    DO(image_handle_get_raw_color_profile_size, size_t, (const heif_image_handle *))                              \
    DO(image_handle_get_raw_color_profile, struct heif_error, (const heif_image_handle *, void *))                \
    DO(image_handle_get_nclx_color_profile, struct heif_error, (const heif_image_handle *, struct heif_nclx **))  \
    DO(nclx_color_profile_free, void, (struct heif_nclx *))                                                       \
    DO(decoding_options_alloc, struct heif_decoding_options *, (void))                                            \
    DO(decoding_options_free, void, (struct heif_decoding_options *))                                             \
    DO(decode_image, struct heif_error,                                                                           \
       (const heif_image_handle *, heif_image **, int colorspace, int chroma, const struct heif_decoding_options *)) \
    DO(image_release, void, (const heif_image *))                                                                 \
    DO(image_get_width, int, (const heif_image *, int channel))                                                   \
    DO(image_get_height, int, (const heif_image *, int channel))                                                  \
    DO(image_get_plane_readonly, const uint8_t *, (const heif_image *, int channel, int *stride))

// Older versions lack these.
#define EACH_OPTIONAL_FUNCTION(DO)                                                                                 \
    DO(init, struct heif_error, (void *))                                                                         \
    DO(context_set_max_decoding_threads, void, (heif_context *, int))                                             \
    DO(image_handle_is_premultiplied_alpha, int, (const heif_image_handle *))
