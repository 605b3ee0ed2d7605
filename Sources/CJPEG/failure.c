#include "failure.h"

#include <string.h>

#include <jerror.h>

static picture_outcome outcome_of_code(int code) {
    switch (code) {
    case JERR_NO_SOI:
        return picture_not_jpeg;
    case JERR_INPUT_EMPTY:
    case JERR_INPUT_EOF:
        return picture_truncated;
    case JERR_OUT_OF_MEMORY:
        return picture_out_of_memory;
    case JERR_IMAGE_TOO_BIG:
        return picture_too_many_pixels;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_SOF_UNSUPPORTED:
        return picture_unsupported;
    default:
        return picture_corrupt;
    }
}

static _Noreturn void fail_with_message(j_common_ptr jpeg) {
    failure_manager *failures = (failure_manager *)jpeg->err;
    char message[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, message);
    failure_manager_fail(failures, outcome_of_code(jpeg->err->msg_code), 0, message);
}

/// A negative level is a warning.
static void take_message(j_common_ptr jpeg, int level) {
    if (level < 0) fail_with_message(jpeg);
}

static void stay_silent(j_common_ptr jpeg) { (void)jpeg; }

void failure_manager_prepare(failure_manager *failures) {
    jpeg_std_error(&failures->manager);
    failures->manager.error_exit = fail_with_message;
    failures->manager.emit_message = take_message;
    failures->manager.output_message = stay_silent;
}

void failure_manager_fail(
    failure_manager *failures, picture_outcome outcome, int system_error, const char *message
) {
    failures->failure.outcome = outcome;
    failures->failure.system_error = system_error;
    strncpy(failures->failure.message, message, sizeof failures->failure.message - 1);
    longjmp(failures->landing, 1);
}
