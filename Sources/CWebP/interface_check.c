// Proves that libwebp.h declares what libwebp's own headers declare, where those are installed.

#if __has_include(<webp/encode.h>) && __has_include(<webp/decode.h>) && __has_include(<webp/demux.h>)

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include "libwebp.h"

#define SAME_SIZE(ours, theirs, slack) \
    _Static_assert(sizeof(ours) - (slack) == sizeof(theirs), "the size of " #theirs " is another")
#define SAME_PLACE(ours, field, theirs, name) \
    _Static_assert(offsetof(ours, field) == offsetof(theirs, name), "the place of " #name " is another")

SAME_SIZE(libwebp_features, WebPBitstreamFeatures, 0);
SAME_PLACE(libwebp_features, format, WebPBitstreamFeatures, format);
SAME_SIZE(libwebp_buffer, WebPDecBuffer, 0);
SAME_PLACE(libwebp_buffer, u.rgba.size, WebPDecBuffer, u.RGBA.size);
SAME_PLACE(libwebp_buffer, is_external, WebPDecBuffer, is_external_memory);
SAME_SIZE(libwebp_options, WebPDecoderOptions, 0);
SAME_PLACE(libwebp_options, scaled_height, WebPDecoderOptions, scaled_height);
SAME_SIZE(libwebp_decoding, WebPDecoderConfig, 256);
SAME_PLACE(libwebp_decoding, options, WebPDecoderConfig, options);
SAME_SIZE(libwebp_config, WebPConfig, 256);
SAME_PLACE(libwebp_config, alpha_quality, WebPConfig, alpha_quality);
SAME_PLACE(libwebp_config, is_low_on_memory, WebPConfig, low_memory);
SAME_PLACE(libwebp_picture, argb, WebPPicture, argb);
SAME_PLACE(libwebp_picture, writer, WebPPicture, writer);
SAME_PLACE(libwebp_picture, context, WebPPicture, custom_ptr);
SAME_PLACE(libwebp_picture, error, WebPPicture, error_code);
SAME_PLACE(libwebp_picture, slack, WebPPicture, pad7[2]);
SAME_PLACE(libwebp_iterator, data, WebPIterator, fragment);
SAME_PLACE(libwebp_iterator, is_complete, WebPIterator, complete);
SAME_SIZE(libwebp_iterator, WebPIterator, 256);

#else

typedef int nothing_to_compare;

#endif
