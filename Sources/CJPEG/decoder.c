#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "damage.h"
#include "failure.h"

enum {
    input_buffer_bytes = 1 << 16,
    /// With less at hand than a unit can take, libjpeg-turbo decodes it bit by bit; its faster way passes over codes that
    /// there are not (`decode_mcu` and `HUFF_DECODE_FAST`).
    careful_buffer_bytes = 1 << 8,
};

struct picture_decoder {
    struct jpeg_decompress_struct jpeg;
    failure_manager failures;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    picture_limits limits;
    damage_log damage;
    /// The file, or -1 where `memory` holds all there is.
    int descriptor;
    /// Where the next read begins, and where reading ends.
    off_t offset, end;
    /// How much is read at once.
    size_t step;
    JOCTET *memory;
    size_t memory_count;
    JOCTET buffer[input_buffer_bytes];
};

// MARK: Source

static void begin_source(j_decompress_ptr jpeg) { (void)jpeg; }
static void end_source(j_decompress_ptr jpeg) { (void)jpeg; }

static ssize_t read_some(picture_decoder *decoder) {
    if (decoder->descriptor < 0 || decoder->offset >= decoder->end) return 0;
    off_t left = decoder->end - decoder->offset;
    size_t wanted = left < (off_t)decoder->step ? (size_t)left : decoder->step;
    ssize_t count;
    do count = pread(decoder->descriptor, decoder->buffer, wanted, decoder->offset);
    while (count < 0 && errno == EINTR);
    return count;
}

/// Beyond the end stand as many ends of the picture as libjpeg asks for.
static boolean fill_source(j_decompress_ptr jpeg) {
    static const JOCTET end_of_image[] = {0xFF, JPEG_EOI};
    picture_decoder *decoder = jpeg->client_data;
    ssize_t count = read_some(decoder);
    if (count < 0) failure_manager_fail(&decoder->failures, picture_read_failed, errno, "the read failed");
    if (count == 0) {
        damage_log_run_out(&decoder->damage, jpeg);
        jpeg->src->next_input_byte = end_of_image;
        jpeg->src->bytes_in_buffer = sizeof end_of_image;
        return TRUE;
    }
    decoder->offset += count;
    jpeg->src->next_input_byte = decoder->buffer;
    jpeg->src->bytes_in_buffer = (size_t)count;
    return TRUE;
}

/// Skips at most a segment, 65,533 bytes: no sum here can overflow.
static void skip_source(j_decompress_ptr jpeg, long count) {
    if (count <= 0) return;
    struct jpeg_source_mgr *source = jpeg->src;
    if ((size_t)count <= source->bytes_in_buffer) {
        source->next_input_byte += count;
        source->bytes_in_buffer -= (size_t)count;
        return;
    }
    picture_decoder *decoder = jpeg->client_data;
    decoder->offset += count - (long)source->bytes_in_buffer;
    source->bytes_in_buffer = 0;
}

// MARK: Limits

/// libjpeg calls this between the rows of every pass, also of those that only read.
static void watch_scans(j_common_ptr jpeg) {
    picture_decoder *decoder = jpeg->client_data;
    damage_log_watch_scan(&decoder->damage, &decoder->jpeg);
    if (decoder->jpeg.input_scan_number > decoder->limits.scans)
        failure_manager_fail(&decoder->failures, picture_too_many_scans, 0, "too many scans");
}

static uint64_t round_up(uint64_t value, int step) { return (value + (uint64_t)step - 1) / (uint64_t)step * (uint64_t)step; }

/// Bytes of coefficients that libjpeg holds at once for a picture in several scans. jmemnobs, the memory manager that
/// distributions build, takes no notice of `max_memory_to_use`, so the sum is made here before it allocates: at most
/// ten components of 8,192 by 8,192 blocks.
static uint64_t coefficient_bytes(j_decompress_ptr jpeg) {
    if (!jpeg_has_multiple_scans(jpeg)) return 0;
    uint64_t blocks = 0;
    for (int index = 0; index < jpeg->num_components; index++) {
        const jpeg_component_info *component = &jpeg->comp_info[index];
        blocks += round_up(component->width_in_blocks, component->h_samp_factor)
            * round_up(component->height_in_blocks, component->v_samp_factor);
    }
    return blocks * sizeof(JBLOCK);
}

static void check_limits(picture_decoder *decoder) {
    j_decompress_ptr jpeg = &decoder->jpeg;
    if ((uint64_t)jpeg->image_width * jpeg->image_height > decoder->limits.pixels)
        failure_manager_fail(&decoder->failures, picture_too_many_pixels, 0, "too many pixels");
    if (coefficient_bytes(jpeg) > decoder->limits.memory_bytes)
        failure_manager_fail(&decoder->failures, picture_out_of_memory, 0, "too many coefficients to hold");
}

// MARK: Life

static void take_message(j_common_ptr jpeg, int level) {
    picture_decoder *decoder = jpeg->client_data;
    damage_log_take(&decoder->damage, &decoder->jpeg, level);
}

static picture_decoder *decoder_create(picture_limits limits) {
    picture_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) return NULL;
    decoder->limits = limits;
    decoder->descriptor = -1;
    failure_manager_prepare(&decoder->failures);
    decoder->jpeg.err = &decoder->failures.manager;
    if (setjmp(decoder->failures.landing)) {
        picture_decoder_destroy(decoder);
        return NULL;
    }
    jpeg_create_decompress(&decoder->jpeg);
    decoder->jpeg.mem->max_memory_to_use = (long)limits.memory_bytes;
    decoder->jpeg.client_data = decoder;
    decoder->failures.manager.emit_message = take_message;
    decoder->progress.progress_monitor = watch_scans;
    decoder->jpeg.progress = &decoder->progress;
    decoder->source = (struct jpeg_source_mgr){
        .init_source = begin_source,
        .fill_input_buffer = fill_source,
        .skip_input_data = skip_source,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = end_source,
    };
    decoder->jpeg.src = &decoder->source;
    return decoder;
}

picture_decoder *picture_decoder_for_file(int descriptor, int64_t end, picture_limits limits, bool is_careful) {
    picture_decoder *decoder = decoder_create(limits);
    if (!decoder) return NULL;
    decoder->descriptor = descriptor;
    decoder->end = (off_t)end;
    decoder->step = is_careful ? careful_buffer_bytes : input_buffer_bytes;
    return decoder;
}

picture_decoder *picture_decoder_for_bytes(const uint8_t *bytes, size_t count, picture_limits limits) {
    picture_decoder *decoder = decoder_create(limits);
    if (!decoder) return NULL;
    decoder->memory = malloc(count ? count : 1);
    if (!decoder->memory) {
        picture_decoder_destroy(decoder);
        return NULL;
    }
    memcpy(decoder->memory, bytes, count);
    decoder->source.next_input_byte = decoder->memory;
    decoder->source.bytes_in_buffer = count;
    return decoder;
}

void picture_decoder_destroy(picture_decoder *decoder) {
    if (!decoder) return;
    jpeg_destroy_decompress(&decoder->jpeg);
    free(decoder->memory);
    free(decoder);
}

void picture_decoder_failure(const picture_decoder *decoder, picture_failure *failure) {
    *failure = decoder->failures.failure;
}

// MARK: Steps

/// What the rows will hold: gray and CMYK as they are, all else as RGB.
static void choose_colours(j_decompress_ptr jpeg) {
    switch (jpeg->num_components) {
    case 1: jpeg->out_color_space = JCS_GRAYSCALE; break;
    case 4: jpeg->out_color_space = JCS_CMYK; break;
    default: jpeg->out_color_space = JCS_RGB; break;
    }
}

picture_outcome picture_decoder_read_header(picture_decoder *decoder, picture_header *header) {
    if (setjmp(decoder->failures.landing)) return decoder->failures.failure.outcome;
    j_decompress_ptr jpeg = &decoder->jpeg;
    jpeg_read_header(jpeg, TRUE);
    check_limits(decoder);
    choose_colours(jpeg);
    header->width = jpeg->image_width;
    header->height = jpeg->image_height;
    header->components = jpeg->out_color_space == JCS_RGB ? 3 : jpeg->num_components;
    header->inverted = jpeg->num_components == 4 && jpeg->saw_Adobe_marker;
    header->full_chroma = true;
    for (int index = 1; index < jpeg->num_components; index++) {
        const jpeg_component_info *component = &jpeg->comp_info[index];
        if (component->h_samp_factor < jpeg->max_h_samp_factor || component->v_samp_factor < jpeg->max_v_samp_factor)
            header->full_chroma = false;
    }
    return picture_fine;
}

picture_outcome picture_decoder_start(picture_decoder *decoder, int eighths, uint32_t *width, uint32_t *height) {
    if (setjmp(decoder->failures.landing)) return decoder->failures.failure.outcome;
    j_decompress_ptr jpeg = &decoder->jpeg;
    jpeg->scale_num = (unsigned)eighths;
    jpeg->scale_denom = 8;
    jpeg_start_decompress(jpeg);
    *width = jpeg->output_width;
    *height = jpeg->output_height;
    return picture_fine;
}

picture_outcome picture_decoder_read_row(picture_decoder *decoder, uint8_t *row) {
    if (setjmp(decoder->failures.landing)) return decoder->failures.failure.outcome;
    JSAMPROW rows[] = {row};
    jpeg_read_scanlines(&decoder->jpeg, rows, 1);
    return picture_fine;
}

/// Failures of the file or of a limit, as against those of a picture.
static bool is_of_picture(picture_outcome outcome) {
    return outcome == picture_corrupt || outcome == picture_unsupported || outcome == picture_truncated
        || outcome == picture_not_jpeg;
}

picture_outcome picture_decoder_finish(picture_decoder *decoder) {
    if (setjmp(decoder->failures.landing)) {
        const picture_failure *failure = &decoder->failures.failure;
        if (!is_of_picture(failure->outcome)) return failure->outcome;
        damage_log_notice(&decoder->damage, failure->message);
        return picture_fine;
    }
    damage_log_conclude(&decoder->damage, &decoder->jpeg);
    jpeg_finish_decompress(&decoder->jpeg);
    return picture_fine;
}

void picture_decoder_damage(const picture_decoder *decoder, picture_damage *damage) {
    damage_log_report(&decoder->damage, damage);
}
