#include "COpenSSL.h"

#include <dlfcn.h>
#include <limits.h>

// EVP_CIPHER_CTX, EVP_CIPHER and the controls of EVP_EncryptInit(3), as OpenSSL 1.1 and 3 have them.
enum { set_nonce_count = 0x9, get_tag = 0x10, set_tag = 0x11, tag_count = 16 };

#define EACH_FUNCTION(DO)                                                                                          \
    DO(CIPHER_CTX_new, gcm_stream *, (void))                                                                       \
    DO(CIPHER_CTX_free, void, (gcm_stream *))                                                                      \
    DO(CIPHER_CTX_ctrl, int, (gcm_stream *, int, int, void *))                                                     \
    DO(aes_256_gcm, const void *, (void))                                                                          \
    DO(CipherInit_ex, int, (gcm_stream *, const void *, void *, const uint8_t *, const uint8_t *, int))            \
    DO(CipherUpdate, int, (gcm_stream *, uint8_t *, int *, const uint8_t *, int))                                  \
    DO(CipherFinal_ex, int, (gcm_stream *, uint8_t *, int *))

#define DECLARE(name, result, arguments) result(*name) arguments;
static struct {
    EACH_FUNCTION(DECLARE)
} evp;

bool gcm_load(void) {
    void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
#define LOAD(name, result, arguments)                                                                              \
    evp.name = (__typeof__(evp.name))dlsym(library, "EVP_" #name);                                                 \
    if (!evp.name) return false;
    EACH_FUNCTION(LOAD)
    return true;
}

gcm_stream *gcm_begin(const uint8_t *key, const uint8_t *nonce, size_t nonce_count, bool encrypts) {
    if (nonce_count == 0 || nonce_count > INT_MAX) return NULL;
    gcm_stream *stream = evp.CIPHER_CTX_new();
    if (!stream) return NULL;
    // The cipher, then the length of the nonce, then key and nonce.
    if (evp.CipherInit_ex(stream, evp.aes_256_gcm(), NULL, NULL, NULL, encrypts) == 1
        && evp.CIPHER_CTX_ctrl(stream, set_nonce_count, (int)nonce_count, NULL) == 1
        && evp.CipherInit_ex(stream, NULL, NULL, key, nonce, encrypts) == 1)
        return stream;
    evp.CIPHER_CTX_free(stream);
    return NULL;
}

bool gcm_update(gcm_stream *stream, uint8_t *bytes, size_t count) {
    int done = 0;
    return count <= INT_MAX && evp.CipherUpdate(stream, bytes, &done, bytes, (int)count) == 1 && done == (int)count;
}

static bool finish(gcm_stream *stream) {
    uint8_t nothing[tag_count];
    int done = 0;
    return evp.CipherFinal_ex(stream, nothing, &done) == 1;
}

bool gcm_seal(gcm_stream *stream, uint8_t *tag) {
    return finish(stream) && evp.CIPHER_CTX_ctrl(stream, get_tag, tag_count, tag) == 1;
}

bool gcm_verify(gcm_stream *stream, const uint8_t *tag) {
    return evp.CIPHER_CTX_ctrl(stream, set_tag, tag_count, (void *)tag) == 1 && finish(stream);
}

void gcm_end(gcm_stream *stream) { evp.CIPHER_CTX_free(stream); }
