// What is used of libwebp's interface, declared here so that its headers are not needed to build: libwebp.so.7, ABI 2 of
// decoder and encoder, 1 of the demuxer. Sizes and places do not change within an ABI; new fields take the place of
// padding. Where the headers are installed, interface_check.c compares the two.

#ifndef CWEBP_LIBWEBP_H
#define CWEBP_LIBWEBP_H

#include <stddef.h>
#include <stdint.h>

enum {
    libwebp_decoder_abi = 0x0208,
    libwebp_encoder_abi = 0x020e,
    libwebp_demux_abi = 0x0107,
    libwebp_longest_edge = 16383,
};

// MARK: Decoder

typedef struct {
    int width, height, has_alpha, has_animation;
    /// 0 mixed, 1 lossy, 2 lossless.
    int format;
    uint32_t padding[5];
} libwebp_features;

typedef struct {
    /// 0 RGB, 1 RGBA.
    int colours;
    int width, height, is_external;
    union {
        struct {
            uint8_t *pixels;
            int stride;
            size_t size;
        } rgba;
        struct {
            uint8_t *planes[4];
            int strides[4];
            size_t sizes[4];
        } yuva;
    } u;
    uint32_t padding[4];
    uint8_t *memory;
} libwebp_buffer;

typedef struct {
    int skips_filter, skips_fancy_upsampling, crops, left, top, width, height;
    int scales, scaled_width, scaled_height;
    int threads, dithering, flips, alpha_dithering;
    uint32_t padding[5];
} libwebp_options;

typedef struct {
    libwebp_features input;
    libwebp_buffer output;
    libwebp_options options;
    /// Beyond what the library knows.
    uint8_t slack[256];
} libwebp_decoding;

enum { libwebp_ok = 0, libwebp_no_memory = 1, libwebp_unsupported = 4, libwebp_cut_short = 7 };

// MARK: Encoder

typedef struct {
    int is_lossless;
    float quality;
    int method, hint, target_size;
    float target_psnr;
    int segments, sns, filter, sharpness, filter_type, autofilter;
    int alpha_compression, alpha_filtering, alpha_quality, passes;
    int shows_compressed, preprocessing, partitions, partition_limit, emulates_jpeg, threads, is_low_on_memory;
    int others[6];
    uint8_t slack[256];
} libwebp_config;

typedef struct libwebp_picture libwebp_picture;

struct libwebp_picture {
    int uses_argb, colour_space, width, height;
    uint8_t *y, *u, *v;
    int y_stride, uv_stride;
    uint8_t *a;
    int a_stride;
    uint32_t padding1[2];
    uint32_t *argb;
    int argb_stride;
    uint32_t padding2[3];
    int (*writer)(const uint8_t *bytes, size_t count, const libwebp_picture *picture);
    void *context;
    int extra_type;
    uint8_t *extra;
    void *statistics;
    int error;
    int (*progress)(int percent, const libwebp_picture *picture);
    void *user_data;
    uint32_t padding3[3];
    uint8_t *padding4, *padding5;
    uint32_t padding6[8];
    void *memory, *argb_memory;
    void *padding7[2];
    uint8_t slack[256];
};

enum { libwebp_encoder_no_memory = 1, libwebp_encoder_no_memory_for_bits = 2, libwebp_encoder_bad_write = 8 };

// MARK: Demuxer

typedef struct {
    const uint8_t *bytes;
    size_t count;
} libwebp_data;

typedef struct {
    int number, count, x, y, width, height, duration, disposal, is_complete;
    libwebp_data data;
    int has_alpha, blending;
    uint32_t padding[2];
    void *state;
    uint8_t slack[256];
} libwebp_iterator;

#endif
