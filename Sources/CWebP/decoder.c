#include "library.h"

static cwebp_outcome outcome_of(int status) {
    switch (status) {
    case libwebp_ok: return cwebp_fine;
    case libwebp_no_memory: return cwebp_out_of_memory;
    case libwebp_unsupported: return cwebp_unsupported;
    case libwebp_cut_short: return cwebp_truncated;
    default: return cwebp_corrupt;
    }
}

cwebp_outcome cwebp_read_features(const uint8_t *bytes, size_t count, cwebp_features *features) {
    libwebp_features read;
    int status = webp.GetFeaturesInternal(bytes, count, &read, libwebp_decoder_abi);
    if (status != libwebp_ok) return outcome_of(status);
    if (read.width <= 0 || read.height <= 0) return cwebp_corrupt;
    features->width = (uint32_t)read.width;
    features->height = (uint32_t)read.height;
    features->has_alpha = read.has_alpha;
    features->is_animated = read.has_animation;
    features->is_lossless = read.format == 2;
    return cwebp_fine;
}

cwebp_outcome cwebp_decode(
    const uint8_t *bytes, size_t count, bool has_alpha, uint32_t width, uint32_t height, bool is_scaled,
    uint8_t *pixels
) {
    if (width > libwebp_longest_edge + 1 || height > libwebp_longest_edge + 1) return cwebp_unsupported;
    libwebp_decoding decoding;
    if (!webp.InitDecoderConfigInternal(&decoding, libwebp_decoder_abi)) return cwebp_unsupported;
    decoding.options.scales = is_scaled;
    decoding.options.scaled_width = (int)width;
    decoding.options.scaled_height = (int)height;
    decoding.output.colours = has_alpha;
    decoding.output.is_external = 1;
    decoding.output.u.rgba.pixels = pixels;
    decoding.output.u.rgba.stride = (int)width * (has_alpha ? 4 : 3);
    decoding.output.u.rgba.size = (size_t)decoding.output.u.rgba.stride * height;
    int status = webp.Decode(bytes, count, &decoding);
    webp.FreeDecBuffer(&decoding.output);
    return outcome_of(status);
}

cwebp_outcome cwebp_first_frame(const uint8_t *bytes, size_t count, cwebp_frame *frame) {
    libwebp_data data = {.bytes = bytes, .count = count};
    void *demuxer = webp_demux.DemuxInternal(&data, 0, NULL, libwebp_demux_abi);
    if (!demuxer) return cwebp_corrupt;
    libwebp_iterator iterator;
    cwebp_outcome outcome = cwebp_corrupt;
    if (webp_demux.DemuxGetFrame(demuxer, 1, &iterator)) {
        if (iterator.is_complete && iterator.x >= 0 && iterator.y >= 0 && iterator.width > 0 && iterator.height > 0) {
            *frame = (cwebp_frame){
                .x = (uint32_t)iterator.x,
                .y = (uint32_t)iterator.y,
                .width = (uint32_t)iterator.width,
                .height = (uint32_t)iterator.height,
                .offset = (size_t)(iterator.data.bytes - bytes),
                .count = iterator.data.count,
            };
            outcome = cwebp_fine;
        }
        webp_demux.DemuxReleaseIterator(&iterator);
    }
    webp_demux.DemuxDelete(demuxer);
    return outcome;
}
