#include "library.h"

#include <dlfcn.h>

struct cwebp_library webp;
struct cwebp_demux_library webp_demux;

#define LOAD(table, name)                                                                                          \
    (table).name = (__typeof__((table).name))dlsym(library, "WebP" #name);                                         \
    if (!(table).name) return false;

bool cwebp_load(void) {
    void *library = dlopen("libwebp.so.7", RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
    LOAD(webp, GetFeaturesInternal)
    LOAD(webp, InitDecoderConfigInternal)
    LOAD(webp, Decode)
    LOAD(webp, FreeDecBuffer)
    LOAD(webp, ConfigInitInternal)
    LOAD(webp, ConfigLosslessPreset)
    LOAD(webp, PictureInitInternal)
    LOAD(webp, PictureAlloc)
    LOAD(webp, PictureFree)
    LOAD(webp, Encode)
    // Each of these refuses an ABI that it does not have.
    libwebp_decoding decoding;
    libwebp_picture picture;
    return webp.InitDecoderConfigInternal(&decoding, libwebp_decoder_abi)
        && webp.PictureInitInternal(&picture, libwebp_encoder_abi);
}

bool cwebp_load_demux(void) {
    void *library = dlopen("libwebpdemux.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
    LOAD(webp_demux, DemuxInternal)
    LOAD(webp_demux, DemuxDelete)
    LOAD(webp_demux, DemuxGetFrame)
    LOAD(webp_demux, DemuxReleaseIterator)
    return true;
}
