// Little CMS 2 for Swift. The library is loaded when the first picture needs it, so most commands do without, and it
// need not be installed. What is used of it is declared in CLCMS.c: building takes no header of it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Loads the library; false if it is not installed. To be called once, before all others.
bool clcms_load(void);

typedef struct clcms_inks clcms_inks;

/// A conversion of rows of CMYK, a byte for each ink, to sRGB, by the ICC profile of the inks. NULL if the library makes
/// nothing of the profile.
clcms_inks *_Nullable clcms_inks_create(const uint8_t *_Nonnull profile, size_t count);
void clcms_inks_destroy(clcms_inks *_Nullable inks);
/// Converts so many pixels: 4 bytes each of `cmyk`, which are 255 less the ink if `is_inverted`, to 3 each of `rgb`.
void clcms_inks_convert(
    clcms_inks *_Nonnull inks, const uint8_t *_Nonnull cmyk, uint8_t *_Nonnull rgb, uint32_t pixels, bool is_inverted);
