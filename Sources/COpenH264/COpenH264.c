#include "COpenH264.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

// MARK: The library, as codec_api.h and codec_def.h of versions 2.3 to 2.5 declare it

struct video_property {
    unsigned size;
    int stream_type;
};

struct decoding_parameters {
    char *file_name;
    unsigned cpu_load;
    unsigned char target_layer;
    int concealment;
    bool parses_only;
    struct video_property property;
};

struct buffer_information {
    int status;
    unsigned long long time_in, time_out;
    struct {
        int width, height, format, stride[2];
    } picture;
    unsigned char *planes[3];
};

typedef struct decoder_calls decoder_calls;
typedef const decoder_calls *decoder;

// The table of a decoder's functions, those that are not used without their types.
struct decoder_calls {
    long (*initialize)(decoder *, const struct decoding_parameters *);
    long (*uninitialize)(decoder *);
    void *decode_frame;
    int (*decode_without_delay)(
        decoder *, const unsigned char *, int, unsigned char **, struct buffer_information *);
    void *decode_frame_2;
    int (*flush)(decoder *, unsigned char **, struct buffer_information *);
    void *decode_parser;
    void *decode_frame_ex;
    long (*set_option)(decoder *, int, void *);
    long (*get_option)(decoder *, int, void *);
};

enum { trace_level = 9, quiet = 0, stream_avc = 0, format_i420 = 23 };

static long (*create_decoder)(decoder **);
static void (*destroy_decoder)(decoder *);

bool avc_frame_load(void) {
    static const char *const names[] = {"libopenh264.so.8", "libopenh264.so.7", "libopenh264.so.6"};
    void *library = NULL;
    for (size_t index = 0; index < sizeof names / sizeof *names && !library; index++)
        library = dlopen(names[index], RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
    create_decoder = (long (*)(decoder **))dlsym(library, "WelsCreateDecoder");
    destroy_decoder = (void (*)(decoder *))dlsym(library, "WelsDestroyDecoder");
    return create_decoder && destroy_decoder;
}

// MARK: A frame

struct avc_frame {
    decoder *decoder;
    struct buffer_information information;
    unsigned char *planes[3];
};

avc_frame *avc_frame_create(void) {
    avc_frame *frame = calloc(1, sizeof *frame);
    if (!frame) return NULL;
    if (create_decoder(&frame->decoder) != 0 || !frame->decoder) {
        free(frame);
        return NULL;
    }
    int level = quiet;
    (*frame->decoder)->set_option(frame->decoder, trace_level, &level);
    struct decoding_parameters parameters = {
        .target_layer = UCHAR_MAX, .property = {.size = sizeof(struct video_property), .stream_type = stream_avc}};
    if ((*frame->decoder)->initialize(frame->decoder, &parameters) != 0) {
        avc_frame_destroy(frame);
        return NULL;
    }
    return frame;
}

void avc_frame_destroy(avc_frame *frame) {
    if (!frame) return;
    (*frame->decoder)->uninitialize(frame->decoder);
    destroy_decoder(frame->decoder);
    free(frame);
}

bool avc_frame_decode(
    avc_frame *frame, const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height) {
    if (count > INT_MAX) return false;
    decoder *decoder = frame->decoder;
    (*decoder)->decode_without_delay(decoder, bytes, (int)count, frame->planes, &frame->information);
    if (frame->information.status != 1) (*decoder)->flush(decoder, frame->planes, &frame->information);
    const struct buffer_information *found = &frame->information;
    if (found->status != 1 || found->picture.format != format_i420) return false;
    if (found->picture.width < 1 || found->picture.height < 1) return false;
    if (found->picture.stride[0] < found->picture.width) return false;
    if (found->picture.stride[1] < (found->picture.width + 1) / 2) return false;
    for (int plane = 0; plane < 3; plane++)
        if (!frame->planes[plane]) return false;
    *width = (uint32_t)found->picture.width;
    *height = (uint32_t)found->picture.height;
    return true;
}

static uint8_t clamped(float value) { return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)(value + 0.5f); }

void avc_frame_row(const avc_frame *frame, uint32_t index, int matrix, bool is_full_range, uint8_t *row) {
    const float red_weight = matrix == 1 ? 0.2126f : 0.299f;
    const float blue_weight = matrix == 1 ? 0.0722f : 0.114f;
    const float green_weight = 1 - red_weight - blue_weight;
    const float luma_scale = is_full_range ? 1 : 255.0f / 219;
    const float chroma_scale = is_full_range ? 1 : 255.0f / 224;
    const float red = 2 * (1 - red_weight) * chroma_scale, blue = 2 * (1 - blue_weight) * chroma_scale;
    const size_t chroma = (size_t)(index / 2) * (size_t)frame->information.picture.stride[1];
    const unsigned char *luma = frame->planes[0] + (size_t)index * (size_t)frame->information.picture.stride[0];
    for (int x = 0; x < frame->information.picture.width; x++) {
        const float light = ((float)luma[x] - (is_full_range ? 0 : 16)) * luma_scale;
        const float to_blue = (float)frame->planes[1][chroma + (size_t)x / 2] - 128;
        const float to_red = (float)frame->planes[2][chroma + (size_t)x / 2] - 128;
        row[3 * x] = clamped(light + red * to_red);
        row[3 * x + 1] = clamped(light - (red_weight * red * to_red + blue_weight * blue * to_blue) / green_weight);
        row[3 * x + 2] = clamped(light + blue * to_blue);
    }
}
