// libheif for the process in the cage. It is loaded at need, so neither its headers nor the library are needed to build;
// what is used of it is declared in CHEIF.c. Nothing here is called outside of the cage.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How a call went.
typedef enum __attribute__((enum_extensibility(closed))) {
    heif_picture_fine = 0,
    heif_picture_damaged,
    heif_picture_unsupported,
    heif_picture_out_of_memory,
} heif_picture_outcome;

/// A decoded picture: turned and cut as it is displayed, 8 bits a sample.
typedef struct {
    uint32_t width, height;
    /// 3 RGB; 4 RGB and straight alpha, if a pixel lets something through.
    uint32_t components;
    /// ITU-T H.273, from the box `colr`; 2 is unspecified.
    uint32_t primaries, transfer;
    /// Bytes of its ICC profile.
    size_t profile_count;
} heif_picture_header;

typedef struct heif_picture heif_picture;

/// Loads the library and its decoders; false if it is not installed, or lacks what is used of it.
bool heif_picture_load(void);

/// Makes what needs no file. NULL without memory.
heif_picture *_Nullable heif_picture_create(void);
void heif_picture_destroy(heif_picture *_Nullable picture);

/// Decodes the first picture of the open file `descriptor`, by pread. `message` gets the library's sentence otherwise.
heif_picture_outcome heif_picture_decode(
    heif_picture *_Nonnull picture, int descriptor, heif_picture_header *_Nonnull header, char message[_Nonnull 200]);
/// The bytes of the profile, as many as were counted; they live as long as the picture.
const uint8_t *_Nullable heif_picture_profile(const heif_picture *_Nonnull picture);
/// Row `index`, width times components bytes; `buffer` has room for as many, and may be used for them.
const uint8_t *_Nonnull heif_picture_row(
    const heif_picture *_Nonnull picture, uint32_t index, uint8_t *_Nonnull buffer);
