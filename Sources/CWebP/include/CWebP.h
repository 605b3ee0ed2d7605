// libwebp for Swift, loaded when the first picture asks for it: most commands need none, and where it is not installed
// everything else works. It reports errors by return values; nothing here jumps.
//
// Nothing here is safe to use from two threads at once, but `cwebp_load` and `cwebp_load_demux`, each of which is to be
// called once, before the others.

#ifndef CWEBP_H
#define CWEBP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Loads libwebp.so.7; false if it is not installed, or not of a kind that is known.
bool cwebp_load(void);
/// Loads libwebpdemux.so.2, which animations need.
bool cwebp_load_demux(void);

typedef enum __attribute__((enum_extensibility(closed))) {
    cwebp_fine = 0,
    cwebp_truncated,
    cwebp_corrupt,
    cwebp_unsupported,
    cwebp_out_of_memory,
    /// The encoded picture exceeds its limit.
    cwebp_full,
} cwebp_outcome;

// MARK: Decoding

typedef struct {
    /// Of the picture, or of the canvas of an animation.
    uint32_t width, height;
    bool has_alpha, is_animated, is_lossless;
} cwebp_features;

/// Reads the start of a WebP; `bytes` may be the start alone.
cwebp_outcome cwebp_read_features(
    const uint8_t *_Nonnull bytes, size_t count, cwebp_features *_Nonnull features);

/// Decodes a still picture as RGB, or as RGBA if it has alpha, scaled to width and height if these are not its own.
/// `pixels` holds width times height times components bytes.
cwebp_outcome cwebp_decode(
    const uint8_t *_Nonnull bytes, size_t count, bool has_alpha, uint32_t width, uint32_t height, bool is_scaled,
    uint8_t *_Nonnull pixels);

typedef struct {
    /// Where the frame lies on the canvas.
    uint32_t x, y, width, height;
    /// A WebP of its own, within the bytes of the animation.
    size_t offset, count;
} cwebp_frame;

/// Finds the first frame of an animation.
cwebp_outcome cwebp_first_frame(const uint8_t *_Nonnull bytes, size_t count, cwebp_frame *_Nonnull frame);

// MARK: Encoding

typedef struct cwebp_encoder cwebp_encoder;

/// A picture to be encoded, whose rows are put first. NULL without memory.
cwebp_encoder *_Nullable cwebp_encoder_create(uint32_t width, uint32_t height);
void cwebp_encoder_destroy(cwebp_encoder *_Nullable encoder);
/// Puts a row of 1 (gray), 2 (gray and alpha), 3 (RGB) or 4 (RGB and alpha) components.
void cwebp_encoder_put(
    cwebp_encoder *_Nonnull encoder, uint32_t index, const uint8_t *_Nonnull row, int components);
/// Encodes the picture without loss, at the given level of 0…9.
cwebp_outcome cwebp_encoder_encode_lossless(cwebp_encoder *_Nonnull encoder, int level, size_t limit);
/// Encodes the picture at the given quality of 0…100, alpha without loss. After it the pixels are gone: it is the last.
cwebp_outcome cwebp_encoder_encode_lossy(cwebp_encoder *_Nonnull encoder, int quality, size_t limit);
/// What was encoded last; it lives as long as the encoder and until the next call.
const uint8_t *_Nullable cwebp_encoder_bytes(const cwebp_encoder *_Nonnull encoder);
size_t cwebp_encoder_count(const cwebp_encoder *_Nonnull encoder);

#endif
