#include "CLCMS.h"

#include <dlfcn.h>
#include <stdlib.h>

// lcms2.h, of which these names, types and numbers are part of the library's stable interface since version 2.0.
typedef void *cms_profile;
typedef void *cms_transform;

enum {
    cmyk_8 = 6 << 16 | 4 << 3 | 1,               // TYPE_CMYK_8
    cmyk_8_inverted = cmyk_8 | 1 << 13,          // TYPE_CMYK_8_REV
    rgb_8 = 4 << 16 | 3 << 3 | 1,                // TYPE_RGB_8
    perceptual_intent = 0,                       // INTENT_PERCEPTUAL
    black_point_compensation = 0x2000,           // cmsFLAGS_BLACKPOINTCOMPENSATION
};

static struct {
    cms_profile (*open_profile)(const void *bytes, uint32_t count);
    cms_profile (*create_srgb)(void);
    int (*close_profile)(cms_profile profile);
    cms_transform (*create_transform)(
        cms_profile input, uint32_t input_format, cms_profile output, uint32_t output_format, uint32_t intent,
        uint32_t flags);
    void (*convert)(cms_transform transform, const void *input, void *output, uint32_t pixels);
    void (*delete_transform)(cms_transform transform);
} lcms;

bool clcms_load(void) {
    void *library = dlopen("liblcms2.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
#define LOAD(function, name)                                                                                       \
    lcms.function = (__typeof__(lcms.function))dlsym(library, name);                                               \
    if (!lcms.function) return false;
    LOAD(open_profile, "cmsOpenProfileFromMem")
    LOAD(create_srgb, "cmsCreate_sRGBProfile")
    LOAD(close_profile, "cmsCloseProfile")
    LOAD(create_transform, "cmsCreateTransform")
    LOAD(convert, "cmsDoTransform")
    LOAD(delete_transform, "cmsDeleteTransform")
    return true;
}

struct clcms_inks {
    cms_transform straight, inverted;
};

static void make_transforms(clcms_inks *inks, cms_profile input, cms_profile output) {
    inks->straight = lcms.create_transform(input, cmyk_8, output, rgb_8, perceptual_intent, black_point_compensation);
    inks->inverted = lcms.create_transform(
        input, cmyk_8_inverted, output, rgb_8, perceptual_intent, black_point_compensation);
}

clcms_inks *clcms_inks_create(const uint8_t *profile, size_t count) {
    if (count > UINT32_MAX) return NULL;
    clcms_inks *inks = calloc(1, sizeof *inks);
    if (!inks) return NULL;
    // Copies are made of what the transforms need.
    cms_profile input = lcms.open_profile(profile, (uint32_t)count);
    cms_profile output = lcms.create_srgb();
    if (input && output) make_transforms(inks, input, output);
    if (input) lcms.close_profile(input);
    if (output) lcms.close_profile(output);
    if (inks->straight && inks->inverted) return inks;
    clcms_inks_destroy(inks);
    return NULL;
}

void clcms_inks_destroy(clcms_inks *inks) {
    if (!inks) return;
    if (inks->straight) lcms.delete_transform(inks->straight);
    if (inks->inverted) lcms.delete_transform(inks->inverted);
    free(inks);
}

void clcms_inks_convert(clcms_inks *inks, const uint8_t *cmyk, uint8_t *rgb, uint32_t pixels, bool is_inverted) {
    lcms.convert(is_inverted ? inks->inverted : inks->straight, cmyk, rgb, pixels);
}
