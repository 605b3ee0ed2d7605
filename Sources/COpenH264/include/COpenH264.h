// libopenh264 for the process in the cage: one key frame of a film. It is loaded at need, so neither its headers nor the
// library are needed to build. Nothing here is called outside of the cage.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct avc_frame avc_frame;

/// Loads the library; false if it is not installed, or lacks what is used of it.
bool avc_frame_load(void);

/// Makes a decoder. NULL without memory.
avc_frame *_Nullable avc_frame_create(void);
void avc_frame_destroy(avc_frame *_Nullable frame);

/// Decodes a key frame: parameter sets and slices, each behind 0 0 0 1 (ITU-T H.264, annex B). False for what it does not
/// decode.
bool avc_frame_decode(
    avc_frame *_Nonnull frame, const uint8_t *_Nonnull bytes, size_t count, uint32_t *_Nonnull width,
    uint32_t *_Nonnull height);
/// Writes row `index` as RGB, width times three bytes. `matrix` is that of ITU-T H.273: 1 for BT.709, else BT.601.
void avc_frame_row(
    const avc_frame *_Nonnull frame, uint32_t index, int matrix, bool is_full_range, uint8_t *_Nonnull row);
