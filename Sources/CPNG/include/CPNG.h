// libpng for Swift: it reports errors by longjmp, which must never cross a Swift frame. Every jump starts and lands
// inside one function of this target; what comes out is an outcome and a sentence.
//
// Nothing here is safe to use from two threads at once.

#ifndef CPNG_H
#define CPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How a call went. After anything but `cpng_fine` the decoder can only be asked for its failure, and destroyed.
typedef enum __attribute__((enum_extensibility(closed))) {
    cpng_fine = 0,
    cpng_not_png,
    cpng_truncated,
    cpng_corrupt,
    cpng_unsupported,
    cpng_too_many_pixels,
    cpng_out_of_memory,
    cpng_read_failed,
} cpng_outcome;

/// What went wrong: libpng's own sentence, or the error number of a failed read.
typedef struct {
    cpng_outcome outcome;
    int system_error;
    char message[256];
} cpng_failure;

typedef struct {
    /// Width times height.
    uint64_t pixels;
    /// The longest edge.
    uint32_t edge;
    /// Bytes of an interlaced picture, which is held whole.
    uint64_t memory_bytes;
} cpng_limits;

typedef struct {
    uint32_t width, height;
    /// 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha, each of 8 bits: what the rows will hold.
    int components;
} cpng_header;

typedef struct cpng_decoder cpng_decoder;

/// A decoder that reads the open file `descriptor` from offset 0, by pread. NULL without memory.
cpng_decoder *_Nullable cpng_decoder_create(int descriptor, cpng_limits limits);
void cpng_decoder_destroy(cpng_decoder *_Nullable decoder);

/// Reads up to the coded data and checks the limits. Of the other chunks only the palette and tRNS are read.
cpng_outcome cpng_decoder_read_header(cpng_decoder *_Nonnull decoder, cpng_header *_Nonnull header);
/// Decodes the next row into `row`, which must hold width times components bytes.
cpng_outcome cpng_decoder_read_row(cpng_decoder *_Nonnull decoder, uint8_t *_Nonnull row);
/// Reads the rest of the file after the last row.
cpng_outcome cpng_decoder_finish(cpng_decoder *_Nonnull decoder);
void cpng_decoder_failure(const cpng_decoder *_Nonnull decoder, cpng_failure *_Nonnull failure);

#endif
