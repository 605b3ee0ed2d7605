#define _GNU_SOURCE
#include "CHEIF.h"

#include "library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// MARK: The library

#define DECLARE(name, result, arguments) result(*name) arguments;
static struct {
    EACH_FUNCTION(DECLARE)
    EACH_OPTIONAL_FUNCTION(DECLARE)
} heif;

bool heif_picture_load(void) {
    void *library = dlopen("libheif.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
#define FIND(name, result, arguments) heif.name = (__typeof__(heif.name))dlsym(library, "heif_" #name);
#define NEED(name, result, arguments) if (!heif.name) return false;
    EACH_FUNCTION(FIND)
    EACH_FUNCTION(NEED)
    EACH_OPTIONAL_FUNCTION(FIND)
    // Loads the decoders where they are files of their own (from 1.16 on, Ubuntu 24.04).
    return !heif.init || heif.init(NULL).code == heif_error_ok;
}

// MARK: Reading

// libheif asks for a few bytes at a time: they come from a window of the file.
enum { window_bytes = 1 << 16 };

struct source {
    int descriptor;
    int64_t position;
    int64_t size;
    int64_t window_start;
    size_t window_count;
    uint8_t window[window_bytes];
};

static int64_t source_position(void *context) { return ((struct source *)context)->position; }

static int read_exactly(int descriptor, uint8_t *bytes, size_t count, int64_t position) {
    for (size_t done = 0; done < count;) {
        const ssize_t some = pread(descriptor, bytes + done, count - done, position + (int64_t)done);
        if (some <= 0) return 1;
        done += (size_t)some;
    }
    return 0;
}

static int source_read(void *data, size_t count, void *context) {
    struct source *source = context;
    if (count > (uint64_t)(source->size - source->position)) return 1;
    if (count >= window_bytes) {
        if (read_exactly(source->descriptor, data, count, source->position)) return 1;
    } else {
        const int64_t behind = source->position - source->window_start;
        if (behind < 0 || (uint64_t)behind + count > source->window_count) {
            const int64_t left = source->size - source->position;
            source->window_start = source->position;
            source->window_count = left < window_bytes ? (size_t)left : window_bytes;
            if (read_exactly(source->descriptor, source->window, source->window_count, source->position)) {
                source->window_count = 0;
                return 1;
            }
        }
        memcpy(data, source->window + (source->position - source->window_start), count);
    }
    source->position += (int64_t)count;
    return 0;
}

static int source_seek(int64_t position, void *context) {
    struct source *source = context;
    if (position < 0 || position > source->size) return 1;
    source->position = position;
    return 0;
}

static int source_wait(int64_t size, void *context) {
    return size <= ((struct source *)context)->size ? heif_size_reached : heif_size_beyond_eof;
}

static const struct heif_reader reader = {1, source_position, source_read, source_seek, source_wait};

// MARK: Decoding

struct heif_picture {
    heif_context *context;
    struct source source;
    heif_image *image;
    const uint8_t *samples;
    size_t stride;
    uint32_t width;
    bool drops_alpha;
    bool has_alpha;
    bool is_premultiplied;
    uint8_t *profile;
};

heif_picture *heif_picture_create(void) {
    heif_picture *picture = calloc(1, sizeof *picture);
    if (!picture) return NULL;
    picture->context = heif.context_alloc();
    if (!picture->context) {
        free(picture);
        return NULL;
    }
    // Threads would take stacks, and hang when there is no memory for them (libheif 1.15).
    if (heif.context_set_max_decoding_threads) heif.context_set_max_decoding_threads(picture->context, 0);
    return picture;
}

void heif_picture_destroy(heif_picture *picture) {
    if (!picture) return;
    if (picture->image) heif.image_release(picture->image);
    heif.context_free(picture->context);
    free(picture->profile);
    free(picture);
}

static heif_picture_outcome outcome(struct heif_error error, char message[200]) {
    if (error.code == heif_error_ok) return heif_picture_fine;
    snprintf(message, 200, "%s", error.message ? error.message : "");
    switch (error.code) {
        case heif_error_unsupported_filetype: return heif_picture_unsupported;
        case heif_error_unsupported_feature: return heif_picture_unsupported;
        case heif_error_plugin_loading: return heif_picture_unsupported;
        case heif_error_memory: return heif_picture_out_of_memory;
        default: return heif_picture_damaged;
    }
}

static heif_picture_outcome refuse(const char *reason, char message[200]) {
    snprintf(message, 200, "%s", reason);
    return heif_picture_damaged;
}

// Colours: a profile, code points, or neither.
static heif_picture_outcome read_colours(
    heif_picture *picture, const heif_image_handle *handle, heif_picture_header *header, char message[200]) {
    const size_t count = heif.image_handle_get_raw_color_profile_size(handle);
    if (count > 0 && count <= 4 << 20) {
        picture->profile = malloc(count);
        if (!picture->profile) return heif_picture_out_of_memory;
        heif_picture_outcome result =
            outcome(heif.image_handle_get_raw_color_profile(handle, picture->profile), message);
        if (result != heif_picture_fine) return result;
        header->profile_count = count;
    }
    header->primaries = header->transfer = 2;
    struct heif_nclx *nclx = NULL;
    if (heif.image_handle_get_nclx_color_profile(handle, &nclx).code == heif_error_ok && nclx) {
        header->primaries = (uint32_t)nclx->primaries;
        header->transfer = (uint32_t)nclx->transfer;
        heif.nclx_color_profile_free(nclx);
    }
    return heif_picture_fine;
}

static bool uses_alpha(const heif_picture *picture, uint32_t height) {
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *row = picture->samples + y * picture->stride;
        for (uint32_t x = 0; x < picture->width; x++)
            if (row[4 * x + 3] != 255) return true;
    }
    return false;
}

static heif_picture_outcome decode_image(
    heif_picture *picture, const heif_image_handle *handle, heif_picture_header *header, char message[200]) {
    struct heif_decoding_options *options = heif.decoding_options_alloc();
    if (!options) return heif_picture_out_of_memory;
    if (options->version >= 2) options->convert_hdr_to_8bit = 1;
    picture->has_alpha = heif.image_handle_has_alpha_channel(handle);
    const int chroma = picture->has_alpha ? heif_chroma_interleaved_rgba : heif_chroma_interleaved_rgb;
    struct heif_error error = heif.decode_image(handle, &picture->image, heif_colorspace_rgb, chroma, options);
    heif.decoding_options_free(options);
    if (error.code != heif_error_ok) return outcome(error, message);

    const int width = heif.image_get_width(picture->image, heif_channel_interleaved);
    const int height = heif.image_get_height(picture->image, heif_channel_interleaved);
    int stride = 0;
    picture->samples = heif.image_get_plane_readonly(picture->image, heif_channel_interleaved, &stride);
    if (!picture->samples || width < 1 || height < 1) return refuse("it has no pixels", message);
    if (stride < width * (picture->has_alpha ? 4 : 3)) return refuse("its rows are too short", message);
    picture->stride = (size_t)stride;
    picture->width = header->width = (uint32_t)width;
    header->height = (uint32_t)height;
    header->components = 3;
    if (picture->has_alpha) {
        picture->drops_alpha = !uses_alpha(picture, header->height);
        picture->is_premultiplied =
            heif.image_handle_is_premultiplied_alpha && heif.image_handle_is_premultiplied_alpha(handle);
        if (!picture->drops_alpha) header->components = 4;
    }
    return heif_picture_fine;
}

heif_picture_outcome heif_picture_decode(
    heif_picture *picture, int descriptor, heif_picture_header *header, char message[200]) {
    memset(header, 0, sizeof *header);
    message[0] = 0;
    const off_t size = lseek(descriptor, 0, SEEK_END);
    if (size < 0) return refuse("its size is not known", message);
    picture->source.descriptor = descriptor;
    picture->source.size = size;
    heif_picture_outcome result =
        outcome(heif.context_read_from_reader(picture->context, &reader, &picture->source, NULL), message);
    if (result != heif_picture_fine) return result;
    heif_image_handle *handle = NULL;
    result = outcome(heif.context_get_primary_image_handle(picture->context, &handle), message);
    if (result != heif_picture_fine) return result;
    result = read_colours(picture, handle, header, message);
    if (result == heif_picture_fine) result = decode_image(picture, handle, header, message);
    heif.image_handle_release(handle);
    return result;
}

const uint8_t *heif_picture_profile(const heif_picture *picture) { return picture->profile; }

// Colours that were multiplied by their alpha, as they were before.
static uint8_t divided(unsigned sample, unsigned alpha) {
    if (alpha == 0) return 0;
    const unsigned straight = (sample * 255 + alpha / 2) / alpha;
    return straight > 255 ? 255 : (uint8_t)straight;
}

const uint8_t *heif_picture_row(const heif_picture *picture, uint32_t index, uint8_t *buffer) {
    const uint8_t *row = picture->samples + index * picture->stride;
    if (picture->drops_alpha) {
        for (uint32_t x = 0; x < picture->width; x++) memcpy(buffer + 3 * x, row + 4 * x, 3);
        return buffer;
    }
    if (!picture->has_alpha || !picture->is_premultiplied) return row;
    for (uint32_t x = 0; x < picture->width; x++) {
        const uint8_t alpha = row[4 * x + 3];
        for (int colour = 0; colour < 3; colour++) buffer[4 * x + colour] = divided(row[4 * x + colour], alpha);
        buffer[4 * x + 3] = alpha;
    }
    return buffer;
}
