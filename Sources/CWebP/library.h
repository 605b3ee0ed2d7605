#ifndef CWEBP_LIBRARY_H
#define CWEBP_LIBRARY_H

#include "CWebP.h"
#include "libwebp.h"

/// The functions of libwebp, filled in by `cwebp_load`.
extern struct cwebp_library {
    int (*GetFeaturesInternal)(const uint8_t *, size_t, libwebp_features *, int);
    int (*InitDecoderConfigInternal)(libwebp_decoding *, int);
    int (*Decode)(const uint8_t *, size_t, libwebp_decoding *);
    void (*FreeDecBuffer)(libwebp_buffer *);
    int (*ConfigInitInternal)(libwebp_config *, int, float, int);
    int (*ConfigLosslessPreset)(libwebp_config *, int);
    int (*PictureInitInternal)(libwebp_picture *, int);
    int (*PictureAlloc)(libwebp_picture *);
    void (*PictureFree)(libwebp_picture *);
    int (*Encode)(const libwebp_config *, libwebp_picture *);
} webp;

/// Those of libwebpdemux, by `cwebp_load_demux`.
extern struct cwebp_demux_library {
    void *(*DemuxInternal)(const libwebp_data *, int, int *, int);
    void (*DemuxDelete)(void *);
    int (*DemuxGetFrame)(const void *, int, libwebp_iterator *);
    void (*DemuxReleaseIterator)(libwebp_iterator *);
} webp_demux;

#endif
