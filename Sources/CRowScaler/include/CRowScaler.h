// Scales pictures down, row by row. It is in C for its vector types.
//
// Nothing here is safe to use from two threads at once.

#ifndef CROWSCALER_H
#define CROWSCALER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct row_scaler row_scaler;

typedef struct {
    /// Samples in a row, and rows, of input and output.
    uint32_t input_width, input_height, output_width, output_height;
    /// The part of the input that is picture, in input samples: less than the whole if libjpeg rounded an edge up.
    double source_width, source_height;
    /// 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. Alpha is straight, in and out; pixels weigh as much as they can
    /// be seen.
    int components;
    /// Half the width of the Lanczos window, in output samples: 3 for pictures, 2 for the smallest ones.
    int lobes;
} row_scaler_settings;

/// A scaler that takes rows and gives fewer. It averages light, not code values: samples are converted from the sRGB
/// transfer curve (IEC 61966-2-1) before and back after. NULL if out of memory.
row_scaler *_Nullable row_scaler_create(row_scaler_settings settings);
void row_scaler_destroy(row_scaler *_Nullable scaler);
/// Takes the next input row, from top to bottom; false after the last one, or if an output row must be given first.
bool row_scaler_take(row_scaler *_Nonnull scaler, const uint8_t *_Nonnull row);
/// Gives the next output row; false if it needs more input rows.
bool row_scaler_give(row_scaler *_Nonnull scaler, uint8_t *_Nonnull row);

#endif
