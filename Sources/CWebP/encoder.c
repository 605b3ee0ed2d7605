#include <stdlib.h>
#include <string.h>

#include "library.h"

/// Beyond this many pixels a lossy picture is encoded in twice the time and half the memory: 16 million pixels of noise
/// take 120 MB instead of 460.
enum { many_pixels = 2560 * 2560 };

struct cwebp_encoder {
    libwebp_picture picture;
    /// What was encoded, in a buffer that grows up to the limit.
    uint8_t *bytes;
    size_t count, capacity, limit;
    bool ran_out;
};

static bool make_room(cwebp_encoder *encoder, size_t count) {
    if (count <= encoder->capacity) return true;
    size_t capacity = encoder->capacity < 1 << 15 ? 1 << 16 : 2 * encoder->capacity;
    if (capacity < count) capacity = count;
    uint8_t *bytes = realloc(encoder->bytes, capacity);
    if (!bytes) {
        encoder->ran_out = true;
        return false;
    }
    encoder->bytes = bytes;
    encoder->capacity = capacity;
    return true;
}

static int write_bytes(const uint8_t *bytes, size_t count, const libwebp_picture *picture) {
    cwebp_encoder *encoder = picture->context;
    if (count > encoder->limit - encoder->count) return 0;
    if (!make_room(encoder, encoder->count + count)) return 0;
    memcpy(encoder->bytes + encoder->count, bytes, count);
    encoder->count += count;
    return 1;
}

cwebp_encoder *cwebp_encoder_create(uint32_t width, uint32_t height) {
    if (width == 0 || height == 0 || width > libwebp_longest_edge || height > libwebp_longest_edge) return NULL;
    cwebp_encoder *encoder = calloc(1, sizeof *encoder);
    if (!encoder) return NULL;
    if (!webp.PictureInitInternal(&encoder->picture, libwebp_encoder_abi)) {
        free(encoder);
        return NULL;
    }
    encoder->picture.uses_argb = 1;
    encoder->picture.width = (int)width;
    encoder->picture.height = (int)height;
    encoder->picture.writer = write_bytes;
    encoder->picture.context = encoder;
    if (!webp.PictureAlloc(&encoder->picture)) {
        cwebp_encoder_destroy(encoder);
        return NULL;
    }
    return encoder;
}

void cwebp_encoder_destroy(cwebp_encoder *encoder) {
    if (!encoder) return;
    webp.PictureFree(&encoder->picture);
    free(encoder->bytes);
    free(encoder);
}

void cwebp_encoder_put(cwebp_encoder *encoder, uint32_t index, const uint8_t *row, int components) {
    uint32_t *target = encoder->picture.argb + (size_t)index * (size_t)encoder->picture.argb_stride;
    int green = components >= 3 ? 1 : 0, blue = components >= 3 ? 2 : 0;
    bool has_alpha = components % 2 == 0;
    for (int x = 0; x < encoder->picture.width; x++, row += components) {
        uint32_t alpha = has_alpha ? row[components - 1] : 0xFF;
        target[x] = alpha << 24 | (uint32_t)row[0] << 16 | (uint32_t)row[green] << 8 | row[blue];
    }
}

static cwebp_outcome encode(cwebp_encoder *encoder, const libwebp_config *config, size_t limit) {
    encoder->count = 0;
    encoder->limit = limit;
    encoder->ran_out = false;
    if (webp.Encode(config, &encoder->picture)) return cwebp_fine;
    switch (encoder->picture.error) {
    case libwebp_encoder_no_memory:
    case libwebp_encoder_no_memory_for_bits: return cwebp_out_of_memory;
    case libwebp_encoder_bad_write: return encoder->ran_out ? cwebp_out_of_memory : cwebp_full;
    default: return cwebp_unsupported;
    }
}

cwebp_outcome cwebp_encoder_encode_lossless(cwebp_encoder *encoder, int level, size_t limit) {
    libwebp_config config;
    if (!webp.ConfigInitInternal(&config, 0, 75, libwebp_encoder_abi) || !webp.ConfigLosslessPreset(&config, level))
        return cwebp_unsupported;
    return encode(encoder, &config, limit);
}

cwebp_outcome cwebp_encoder_encode_lossy(cwebp_encoder *encoder, int quality, size_t limit) {
    libwebp_config config;
    if (!webp.ConfigInitInternal(&config, 0, (float)quality, libwebp_encoder_abi)) return cwebp_unsupported;
    config.is_low_on_memory = (size_t)encoder->picture.width * (size_t)encoder->picture.height > many_pixels;
    return encode(encoder, &config, limit);
}

const uint8_t *cwebp_encoder_bytes(const cwebp_encoder *encoder) { return encoder->bytes; }
size_t cwebp_encoder_count(const cwebp_encoder *encoder) { return encoder->count; }
