#include "damage.h"

#include <string.h>

#include <jerror.h>

// libjpeg's warnings, and whether picture is lost:
//
//   JWRN_JFIF_MAJOR, JWRN_ADOBE_XFORM            no; of markers that say nothing about the data, so not even noticed
//   JWRN_EXTRANEOUS_DATA                         no: bytes between segments, before a restart or after a scan
//   JWRN_NOT_SEQUENTIAL                          no: numbers of a scan that a sequential picture does not need
//   JWRN_BOGUS_ICC, JWRN_TOO_MUCH_DATA           no; neither comes up here
//   JWRN_BOGUS_PROGRESSION                       details, if a scan refines what was not sent; else no
//   JWRN_HIT_MARKER                              all up to the next restart, or to the end without one
//   JWRN_MUST_RESYNC                             what libjpeg then does decides (`take_recovery`)
//   JWRN_HUFF_BAD_CODE, JWRN_ARITH_BAD_CODE      parts: what was wrong may have begun before; a decoder that is not
//                                                careful may say nothing of the first
//   JWRN_JPEG_EOF                                no by itself (`damage_log_run_out`)
//   others, of later versions                    parts
//
// In a picture of several scans no row is whole before the last scan, so no rows can be told. A loss in the first scan
// of a component is a loss of parts; in a later one, of details.

void damage_log_notice(damage_log *log, const char *message) {
    if (!log->noticed) strncpy(log->message, message, sizeof log->message - 1);
    log->noticed = true;
}

static bool is_refining(j_decompress_ptr jpeg) {
    return jpeg->progressive_mode && (jpeg->Ss != 0 || jpeg->Ah != 0);
}

static void lose_something(damage_log *log, j_decompress_ptr jpeg) {
    if (is_refining(jpeg))
        log->lost_details = true;
    else
        log->lost_parts = true;
}

/// At most 65,500 rows, and eight of them for each of at most four blocks.
static uint32_t current_row(j_decompress_ptr jpeg) {
    uint32_t row = jpeg->input_iMCU_row * (uint32_t)(jpeg->max_v_samp_factor * DCTSIZE);
    return row < jpeg->image_height ? row : jpeg->image_height;
}

static void open_loss(damage_log *log, j_decompress_ptr jpeg) {
    if (jpeg_has_multiple_scans(jpeg)) {
        lose_something(log, jpeg);
    } else if (!log->open) {
        log->open = true;
        log->open_row = current_row(jpeg);
    }
}

static void close_loss(damage_log *log) {
    if (log->open) log->lost_parts = true;
    log->open = false;
}

static void take_warning(damage_log *log, j_decompress_ptr jpeg, int code) {
    switch (code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_BOGUS_ICC:
    case JWRN_TOO_MUCH_DATA:
    case JWRN_JPEG_EOF:
        break;
    case JWRN_BOGUS_PROGRESSION:
        if (jpeg->Ah != 0) log->lost_details = true;
        break;
    case JWRN_MUST_RESYNC:
        log->awaited_restart = jpeg->err->msg_parm.i[1];
        break;
    case JWRN_HIT_MARKER:
        open_loss(log, jpeg);
        break;
    default:
        lose_something(log, jpeg);
        break;
    }
}

/// `jpeg_resync_to_restart` found `marker` where a restart was due, and chose what to do:
///
///   1  goes on behind it: nothing is lost by that if it is the right one
///   2  skips to the next marker: nothing is lost if this one has no meaning, because what was due has been decoded
///   3  leaves it, and takes what was due for empty
static void take_recovery(damage_log *log, j_decompress_ptr jpeg, int marker, int action) {
    enum { first_meaningful = 0xC0 };
    switch (action) {
    case 1:
        if (marker != JPEG_RST0 + log->awaited_restart) lose_something(log, jpeg);
        close_loss(log);
        break;
    case 2:
        if (marker >= first_meaningful) lose_something(log, jpeg);
        break;
    default:
        open_loss(log, jpeg);
        break;
    }
}

void damage_log_take(damage_log *log, j_decompress_ptr jpeg, int level) {
    struct jpeg_error_mgr *manager = jpeg->err;
    int code = manager->msg_code;
    if (level >= 0) {
        if (code == JTRC_RST) close_loss(log);
        if (code == JTRC_RECOVERY_ACTION) take_recovery(log, jpeg, manager->msg_parm.i[0], manager->msg_parm.i[1]);
        return;
    }
    if (code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM) return;
    if (!log->noticed) {
        char message[JMSG_LENGTH_MAX];
        manager->format_message((j_common_ptr)jpeg, message);
        damage_log_notice(log, message);
    }
    take_warning(log, jpeg, code);
}

/// A Huffman decoder warns when it lacks bits. An arithmetic one takes a missing end for zeros and goes on.
void damage_log_run_out(damage_log *log, j_decompress_ptr jpeg) {
    if (log->ran_out) return;
    log->ran_out = true;
    damage_log_notice(log, "the file ends before the picture does");
    if (jpeg->arith_code && jpeg->input_scan_number > 0 && jpeg->input_iMCU_row + 1 < jpeg->total_iMCU_rows)
        open_loss(log, jpeg);
}

void damage_log_watch_scan(damage_log *log, j_decompress_ptr jpeg) {
    if (jpeg->input_scan_number < 1) return;
    for (int index = 0; index < jpeg->comps_in_scan; index++)
        if (jpeg->cur_comp_info[index]) log->scanned |= 1u << jpeg->cur_comp_info[index]->component_index;
}

/// Where the file ends early, whole scans may be missing, of which nothing warns.
static void look_for_missing_scans(damage_log *log, j_decompress_ptr jpeg) {
    for (int component = 0; component < jpeg->num_components; component++) {
        if (!jpeg->progressive_mode || !jpeg->coef_bits) {
            if (!(log->scanned >> component & 1)) log->lost_parts = true;
            continue;
        }
        const int *accuracies = jpeg->coef_bits[component];
        if (accuracies[0] < 0) log->lost_parts = true;
        for (int index = 0; index < DCTSIZE2; index++)
            if (accuracies[index] != 0) log->lost_details = true;
    }
}

void damage_log_conclude(damage_log *log, j_decompress_ptr jpeg) {
    if (log->ran_out && jpeg_has_multiple_scans(jpeg)) look_for_missing_scans(log, jpeg);
}

void damage_log_report(const damage_log *log, picture_damage *damage) {
    *damage = (picture_damage){.noticed = log->noticed, .loss = picture_loss_none};
    if (log->lost_parts)
        damage->loss = picture_loss_parts;
    else if (log->open)
        damage->loss = picture_loss_lowest_rows;
    else if (log->lost_details)
        damage->loss = picture_loss_details;
    if (damage->loss == picture_loss_lowest_rows) damage->first_lost_row = log->open_row;
    memcpy(damage->message, log->message, sizeof damage->message);
}
