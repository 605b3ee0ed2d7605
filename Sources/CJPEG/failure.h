// How decoder and encoder turn libjpeg's way of failing into an outcome.

#ifndef CJPEG_FAILURE_H
#define CJPEG_FAILURE_H

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include "CJPEG.h"

/// libjpeg's error manager, and beside it where to land and what to report.
typedef struct {
    struct jpeg_error_mgr manager;  // first, so that a pointer to it is a pointer to the whole
    jmp_buf landing;
    picture_failure failure;
} failure_manager;

/// Sets up `failures`; the caller hands its `manager` to libjpeg. A warning is a failure, unless the caller sets another
/// `emit_message`.
void failure_manager_prepare(failure_manager *failures);

/// Notes a failure that libjpeg does not know of, and jumps to the landing.
_Noreturn void failure_manager_fail(
    failure_manager *failures, picture_outcome outcome, int system_error, const char *message);

#endif
