// What a decoder found wrong with a picture, and whether some of it is lost by that.

#ifndef CJPEG_DAMAGE_H
#define CJPEG_DAMAGE_H

#include <stdio.h>

#include <jpeglib.h>

#include "CJPEG.h"

/// What was seen so far.
typedef struct {
    /// Anything at all is not as it should be.
    bool noticed;
    /// Some of the picture is wrong or missing, and where is not known.
    bool lost_parts;
    /// Coefficients are missing that a progressive picture adds to what is there.
    bool lost_details;
    /// The rows from `open_row` on are missing as long as no restart marker ends that.
    bool open;
    uint32_t open_row;
    /// The number of the restart that libjpeg looked for last.
    int awaited_restart;
    /// The source was asked for more than there is.
    bool ran_out;
    /// A bit for each component that had a scan.
    unsigned scanned;
    char message[256];
} damage_log;

/// Takes any message of libjpeg but an error.
void damage_log_take(damage_log *log, j_decompress_ptr jpeg, int level);
/// Notes something that no message tells.
void damage_log_notice(damage_log *log, const char *message);
/// Notes that the source has no more bytes.
void damage_log_run_out(damage_log *log, j_decompress_ptr jpeg);
/// Notes which components are being read.
void damage_log_watch_scan(damage_log *log, j_decompress_ptr jpeg);
/// To be called once, when the last row is decoded and libjpeg still knows of the scans.
void damage_log_conclude(damage_log *log, j_decompress_ptr jpeg);

void damage_log_report(const damage_log *log, picture_damage *damage);

#endif
