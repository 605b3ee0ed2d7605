#include "CEmptyICU.h"

#include <stdint.h>

// A table of contents of the kind "ToCP", with no entries (ICU's UDataInfo and what stands around it).
struct table {
    uint16_t header_bytes;
    uint8_t magic[2];
    uint16_t info_bytes, reserved;
    uint8_t is_big_endian, charset, character_bytes, unused;
    uint8_t format[4], format_version[4], data_version[4];
    uint8_t padding[8];
    uint32_t count, also_reserved;
    const void *entries[2];
};

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { big_endian = 1 };
#else
enum { big_endian = 0 };
#endif

extern const struct table icudt76_dat;

// Hidden, so that no shared library takes it for its own.
__attribute__((visibility("hidden"))) const struct table icudt76_dat = {
    .header_bytes = 32,
    .magic = {0xda, 0x27},
    .info_bytes = 20,
    .is_big_endian = big_endian,
    .character_bytes = 2,
    .format = {'T', 'o', 'C', 'P'},
    .format_version = {1},
};
