// The C side of Imaging: libjpeg-turbo reports errors by longjmp, which must never cross a Swift frame. Every jump
// starts and lands inside one function of this target; what comes out is an outcome and a sentence.
//
// Nothing here is safe to use from two threads at once.

#ifndef CJPEG_H
#define CJPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How a call went. After anything but `picture_fine` the object can only be asked for its failure, and destroyed.
typedef enum __attribute__((enum_extensibility(closed))) {
    picture_fine = 0,
    picture_not_jpeg,
    picture_truncated,
    picture_corrupt,
    picture_unsupported,
    picture_too_many_pixels,
    picture_too_many_scans,
    picture_out_of_memory,
    picture_read_failed,
    picture_write_failed,
    picture_full,
} picture_outcome;

/// What went wrong: libjpeg's own sentence, or the error number of a failed read or write.
typedef struct {
    picture_outcome outcome;
    int system_error;
    char message[256];
} picture_failure;

// MARK: Decoding

typedef struct {
    /// Width times height.
    uint64_t pixels;
    /// Scans in one picture.
    int scans;
    /// Bytes that libjpeg may hold for one picture's coefficients.
    uint64_t memory_bytes;
} picture_limits;

typedef struct {
    uint32_t width, height;
    /// 1 gray, 3 RGB, 4 CMYK: what the rows will hold.
    int components;
    /// CMYK samples are stored as 255 less the ink.
    bool inverted;
    /// Each component has as many samples as the first.
    bool full_chroma;
} picture_header;

/// What of a picture is wrong or missing.
typedef enum __attribute__((enum_extensibility(closed))) {
    picture_loss_none = 0,
    /// All rows from one on are missing.
    picture_loss_lowest_rows,
    /// Something somewhere.
    picture_loss_parts,
    /// Nothing but what a progressive picture adds at last.
    picture_loss_details,
} picture_loss;

typedef struct {
    /// The file is not as it should be, whether or not that costs some of the picture.
    bool noticed;
    picture_loss loss;
    /// Of `picture_loss_lowest_rows`, in rows of the whole picture.
    uint32_t first_lost_row;
    /// What was noticed first.
    char message[256];
} picture_damage;

typedef struct picture_decoder picture_decoder;

/// A decoder that reads the open file `descriptor` from offset 0, by pread, and takes it to end at offset `end`. A slower,
/// careful one warns of each code that there is not. NULL without memory.
picture_decoder *_Nullable picture_decoder_for_file(
    int descriptor, int64_t end, picture_limits limits, bool is_careful);
/// A decoder for a copy of `bytes`. NULL without memory.
picture_decoder *_Nullable picture_decoder_for_bytes(
    const uint8_t *_Nonnull bytes, size_t count, picture_limits limits);
void picture_decoder_destroy(picture_decoder *_Nullable decoder);

/// Reads up to the first scan and checks the limits.
picture_outcome picture_decoder_read_header(picture_decoder *_Nonnull decoder, picture_header *_Nonnull header);
/// Starts decoding at `eighths`/8 of the size (1…8); reports the resulting size, each edge rounded up.
picture_outcome picture_decoder_start(
    picture_decoder *_Nonnull decoder, int eighths, uint32_t *_Nonnull width, uint32_t *_Nonnull height);
/// Decodes the next row into `row`, which must hold width times components bytes.
picture_outcome picture_decoder_read_row(picture_decoder *_Nonnull decoder, uint8_t *_Nonnull row);
/// Reads the rest of the picture after the last row. What is wrong there does not fail.
picture_outcome picture_decoder_finish(picture_decoder *_Nonnull decoder);
/// What libjpeg only warned about, once the decoder has finished: no warning fails.
void picture_decoder_damage(const picture_decoder *_Nonnull decoder, picture_damage *_Nonnull damage);
void picture_decoder_failure(const picture_decoder *_Nonnull decoder, picture_failure *_Nonnull failure);

// MARK: Encoding

typedef struct {
    uint32_t width, height;
    /// 1 gray, 3 RGB.
    int components;
    /// 1…100 on libjpeg's scale.
    int quality;
    /// 4:4:4 instead of 4:2:0.
    bool full_chroma;
    bool progressive;
    /// Each row leaves at once, so memory does not grow with the picture; the file is some percent larger.
    bool streamed;
} picture_settings;

typedef struct picture_encoder picture_encoder;

/// An encoder that writes to the open file `descriptor` from offset 0, by pwrite. NULL without memory.
picture_encoder *_Nullable picture_encoder_for_file(int descriptor);
/// An encoder that keeps its output, at most `capacity` bytes of it, in memory. NULL without memory.
picture_encoder *_Nullable picture_encoder_for_bytes(size_t capacity);
void picture_encoder_destroy(picture_encoder *_Nullable encoder);

/// Begins a picture with the EXIF block `exif` and the colour profile `profile`, unless these are empty.
picture_outcome picture_encoder_start(
    picture_encoder *_Nonnull encoder, picture_settings settings, const uint8_t *_Nullable exif, size_t exif_count,
    const uint8_t *_Nullable profile, size_t profile_count);
/// Encodes the next row: width times components bytes.
picture_outcome picture_encoder_write_row(picture_encoder *_Nonnull encoder, const uint8_t *_Nonnull row);
picture_outcome picture_encoder_finish(picture_encoder *_Nonnull encoder);
/// The number of bytes written.
int64_t picture_encoder_count(const picture_encoder *_Nonnull encoder);
/// The bytes of an encoder for bytes; they live as long as the encoder.
const uint8_t *_Nullable picture_encoder_bytes(const picture_encoder *_Nonnull encoder);
void picture_encoder_failure(const picture_encoder *_Nonnull encoder, picture_failure *_Nonnull failure);

#endif
