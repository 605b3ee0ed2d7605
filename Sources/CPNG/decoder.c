#include "CPNG.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <png.h>

enum {
    input_buffer_bytes = 1 << 16,
    /// What one chunk may make libpng allocate. Those that it reads are short.
    chunk_bytes = 1 << 20,
};

struct cpng_decoder {
    png_structp png;
    png_infop info;
    jmp_buf landing;
    cpng_failure failure;
    cpng_limits limits;
    int descriptor;
    /// Where the next read begins.
    off_t offset;
    size_t buffered, used;
    size_t row_bytes;
    uint32_t height, rows_given;
    /// All rows of an interlaced picture.
    uint8_t *rows;
    bool is_interlaced;
    uint8_t buffer[input_buffer_bytes];
};

// MARK: Failing

static _Noreturn void fail(cpng_decoder *decoder, cpng_outcome outcome, int system_error, const char *message) {
    decoder->failure.outcome = outcome;
    decoder->failure.system_error = system_error;
    strncpy(decoder->failure.message, message, sizeof decoder->failure.message - 1);
    longjmp(decoder->landing, 1);
}

static _Noreturn void take_error(png_structp png, png_const_charp message) {
    cpng_outcome outcome = strcmp(message, "Not a PNG file") == 0 ? cpng_not_png
        : strstr(message, "emory")                                ? cpng_out_of_memory
                                                                  : cpng_corrupt;
    fail(png_get_error_ptr(png), outcome, 0, message);
}

/// What libpng warns of does not change a pixel: more data than rows need, or a chunk that it skips.
static void take_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

// MARK: Reading

static void fill(cpng_decoder *decoder) {
    ssize_t count;
    do count = pread(decoder->descriptor, decoder->buffer, sizeof decoder->buffer, decoder->offset);
    while (count < 0 && errno == EINTR);
    if (count < 0) fail(decoder, cpng_read_failed, errno, "the read failed");
    if (count == 0) fail(decoder, cpng_truncated, 0, "the file ends before the picture does");
    decoder->offset += count;
    decoder->buffered = (size_t)count;
    decoder->used = 0;
}

static void read_bytes(png_structp png, png_bytep bytes, size_t count) {
    cpng_decoder *decoder = png_get_io_ptr(png);
    while (count > 0) {
        if (decoder->used == decoder->buffered) fill(decoder);
        size_t some = decoder->buffered - decoder->used;
        if (some > count) some = count;
        memcpy(bytes, decoder->buffer + decoder->used, some);
        decoder->used += some;
        bytes += some;
        count -= some;
    }
}

// MARK: Life

/// Skips all ancillary chunks but tRNS: fewer bytes from outside reach libpng's code.
static void skip_ancillary_chunks(png_structp png) {
    static const png_byte names[] = "bKGD\0cHRM\0cICP\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0"
                                    "sPLT\0sRGB\0tEXt\0tIME\0zTXt";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, sizeof names / 5);
}

cpng_decoder *cpng_decoder_create(int descriptor, cpng_limits limits) {
    cpng_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) return NULL;
    decoder->descriptor = descriptor;
    decoder->limits = limits;
    if (setjmp(decoder->landing)) {
        cpng_decoder_destroy(decoder);
        return NULL;
    }
    decoder->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, decoder, take_error, take_warning);
    if (decoder->png) decoder->info = png_create_info_struct(decoder->png);
    if (!decoder->info) {
        cpng_decoder_destroy(decoder);
        return NULL;
    }
    png_set_read_fn(decoder->png, decoder, read_bytes);
    // The limits below are checked as soon as the header is read.
    png_set_user_limits(decoder->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(decoder->png, chunk_bytes);
    // The checks of chunks were verified when the file was cleaned; that of the coded data is still made by zlib.
    png_set_crc_action(decoder->png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    skip_ancillary_chunks(decoder->png);
    return decoder;
}

void cpng_decoder_destroy(cpng_decoder *decoder) {
    if (!decoder) return;
    png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
    free(decoder->rows);
    free(decoder);
}

void cpng_decoder_failure(const cpng_decoder *decoder, cpng_failure *failure) { *failure = decoder->failure; }

// MARK: Steps

static void check_limits(cpng_decoder *decoder) {
    uint32_t width = png_get_image_width(decoder->png, decoder->info);
    uint32_t height = png_get_image_height(decoder->png, decoder->info);
    if ((uint64_t)width * height > decoder->limits.pixels)
        fail(decoder, cpng_too_many_pixels, 0, "too many pixels");
    if (width > decoder->limits.edge || height > decoder->limits.edge)
        fail(decoder, cpng_unsupported, 0, "it has an edge of more pixels than a message can tell");
}

/// Any PNG as samples of 8 bits, without a palette.
static void choose_samples(cpng_decoder *decoder) {
    png_set_expand(decoder->png);
    png_set_scale_16(decoder->png);
    decoder->is_interlaced = png_set_interlace_handling(decoder->png) > 1;
    png_read_update_info(decoder->png, decoder->info);
}

cpng_outcome cpng_decoder_read_header(cpng_decoder *decoder, cpng_header *header) {
    if (setjmp(decoder->landing)) return decoder->failure.outcome;
    png_read_info(decoder->png, decoder->info);
    check_limits(decoder);
    choose_samples(decoder);
    header->width = png_get_image_width(decoder->png, decoder->info);
    header->height = png_get_image_height(decoder->png, decoder->info);
    header->components = png_get_channels(decoder->png, decoder->info);
    decoder->height = header->height;
    decoder->row_bytes = png_get_rowbytes(decoder->png, decoder->info);
    if (png_get_bit_depth(decoder->png, decoder->info) != 8
        || decoder->row_bytes != (size_t)header->width * (size_t)header->components)
        fail(decoder, cpng_unsupported, 0, "its samples have no form that is known");
    return cpng_fine;
}

/// Every pass over every row; a pass fills in its own pixels alone.
static void read_interlaced(cpng_decoder *decoder) {
    uint64_t bytes = (uint64_t)decoder->row_bytes * decoder->height;
    if (bytes > decoder->limits.memory_bytes) fail(decoder, cpng_out_of_memory, 0, "too many rows to hold");
    decoder->rows = malloc((size_t)bytes);
    if (!decoder->rows) fail(decoder, cpng_out_of_memory, 0, "no memory for its rows");
    for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; pass++)
        for (uint32_t row = 0; row < decoder->height; row++)
            png_read_row(decoder->png, decoder->rows + row * decoder->row_bytes, NULL);
}

cpng_outcome cpng_decoder_read_row(cpng_decoder *decoder, uint8_t *row) {
    if (setjmp(decoder->landing)) return decoder->failure.outcome;
    if (decoder->rows_given == decoder->height) fail(decoder, cpng_corrupt, 0, "it has no more rows");
    if (!decoder->is_interlaced) {
        png_read_row(decoder->png, row, NULL);
    } else {
        if (!decoder->rows) read_interlaced(decoder);
        memcpy(row, decoder->rows + decoder->rows_given * decoder->row_bytes, decoder->row_bytes);
    }
    decoder->rows_given++;
    return cpng_fine;
}

cpng_outcome cpng_decoder_finish(cpng_decoder *decoder) {
    if (setjmp(decoder->landing)) return decoder->failure.outcome;
    png_read_end(decoder->png, NULL);
    return cpng_fine;
}
