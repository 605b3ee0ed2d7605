// The pages for browsers, inside the program: the files of Sources/Pages/Resources, byte for byte.
//
// They are in C for #embed (C23 §6.3.1), which the compiler reads as bytes: no list of numbers has to be parsed, and a
// file that changes is compiled again, since the compiler tells the build what it has read. Arrays in Swift take minutes
// at this size, and resources beside the program would have to be found, and could be exchanged.

#ifndef CPAGES_H
#define CPAGES_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    CPAGES_OPEN,
    CPAGES_OPEN_GZIP,
    CPAGES_SEND,
    CPAGES_SEND_GZIP,
    CPAGES_VIDEO,
    CPAGES_VIDEO_GZIP,
    /// What each page may load and run.
    CPAGES_POLICIES,
    /// The digests of the pages of past releases.
    CPAGES_RELEASED,
} cpages_file;

/// Bytes that live as long as the program.
typedef struct {
    const uint8_t *_Nonnull start;
    size_t count;
} cpages_bytes;

/// `file` is one of those above.
cpages_bytes cpages_find(cpages_file file);

#endif
