#include "COpenSSL.h"

#include <dlfcn.h>
#include <limits.h>

// EVP_CIPHER_CTX, EVP_CIPHER and the controls of EVP_EncryptInit(3), as OpenSSL 1.1 and 3 have them.
enum { set_nonce_count = 0x9, get_tag = 0x10, set_tag = 0x11, tag_count = 16 };

#define EACH_FUNCTION(DO)                                                                                          \
    DO(CIPHER_fetch, const void *, (void *, const char *, const char *))                                           \
    DO(CIPHER_CTX_new, cipher_stream *, (void))                                                                    \
    DO(CIPHER_CTX_free, void, (cipher_stream *))                                                                   \
    DO(CIPHER_CTX_ctrl, int, (cipher_stream *, int, int, void *))                                                  \
    DO(aes_256_gcm, const void *, (void))                                                                          \
    DO(CipherInit_ex, int, (cipher_stream *, const void *, void *, const uint8_t *, const uint8_t *, int))         \
    DO(CipherUpdate, int, (cipher_stream *, uint8_t *, int *, const uint8_t *, int))                               \
    DO(CipherFinal_ex, int, (cipher_stream *, uint8_t *, int *))

#define DECLARE(name, result, arguments) result(*name) arguments;
static struct {
    EACH_FUNCTION(DECLARE)
} evp;

bool openssl_load(void) {
    void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
#define LOAD(name, result, arguments)                                                                              \
    evp.name = (__typeof__(evp.name))dlsym(library, "EVP_" #name);                                                 \
    if (!evp.name) return false;
    EACH_FUNCTION(LOAD)
    return true;
}

cipher_stream *gcm_begin(const uint8_t *key, const uint8_t *nonce, size_t nonce_count, bool encrypts) {
    if (nonce_count == 0 || nonce_count > INT_MAX) return NULL;
    cipher_stream *stream = evp.CIPHER_CTX_new();
    if (!stream) return NULL;
    // The cipher, then the length of the nonce, then key and nonce.
    if (evp.CipherInit_ex(stream, evp.aes_256_gcm(), NULL, NULL, NULL, encrypts) == 1
        && evp.CIPHER_CTX_ctrl(stream, set_nonce_count, (int)nonce_count, NULL) == 1
        && evp.CipherInit_ex(stream, NULL, NULL, key, nonce, encrypts) == 1)
        return stream;
    evp.CIPHER_CTX_free(stream);
    return NULL;
}

bool gcm_update(cipher_stream *stream, uint8_t *bytes, size_t count) {
    int done = 0;
    return count <= INT_MAX && evp.CipherUpdate(stream, bytes, &done, bytes, (int)count) == 1 && done == (int)count;
}

static bool finish(cipher_stream *stream) {
    uint8_t nothing[tag_count];
    int done = 0;
    return evp.CipherFinal_ex(stream, nothing, &done) == 1;
}

bool gcm_seal(cipher_stream *stream, uint8_t *tag) {
    return finish(stream) && evp.CIPHER_CTX_ctrl(stream, get_tag, tag_count, tag) == 1;
}

bool gcm_verify(cipher_stream *stream, const uint8_t *tag) {
    return evp.CIPHER_CTX_ctrl(stream, set_tag, tag_count, (void *)tag) == 1 && finish(stream);
}

void gcm_end(cipher_stream *stream) { evp.CIPHER_CTX_free(stream); }

static const void *chacha20_poly1305;

bool chacha_load(void) {
    chacha20_poly1305 = evp.CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    return chacha20_poly1305 != NULL;
}

// Each message has a stream of its own, which costs a hundredth of sealing 64 KiB: freeing it is what wipes the key.
bool chacha_seal(const uint8_t *key, const uint8_t *nonce, const uint8_t *plain, size_t count, uint8_t *sealed) {
    cipher_stream *stream = evp.CIPHER_CTX_new();
    if (!stream) return false;
    int done = 0;
    bool is_sealed = count <= INT_MAX && evp.CipherInit_ex(stream, chacha20_poly1305, NULL, key, nonce, true) == 1
        && evp.CipherUpdate(stream, sealed, &done, plain, (int)count) == 1 && done == (int)count
        && gcm_seal(stream, sealed + count);
    evp.CIPHER_CTX_free(stream);
    return is_sealed;
}

bool chacha_open(const uint8_t *key, const uint8_t *nonce, const uint8_t *sealed, size_t count, uint8_t *plain) {
    cipher_stream *stream = evp.CIPHER_CTX_new();
    if (!stream) return false;
    int done = 0;
    bool is_open = count <= INT_MAX && evp.CipherInit_ex(stream, chacha20_poly1305, NULL, key, nonce, false) == 1
        && evp.CipherUpdate(stream, plain, &done, sealed, (int)count) == 1 && done == (int)count
        && gcm_verify(stream, sealed + count);
    evp.CIPHER_CTX_free(stream);
    return is_open;
}
