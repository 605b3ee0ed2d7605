// What a library's cipher alone needs for a file: ChaCha20-Poly1305 over chunks of 64 KiB, on one core, nothing read or
// written in the time measured. Prints bytes per second of processor time. Built and run by Benchmarks/sealing.py:
//
//     sealing-reference sodium|openssl|boringssl BYTES

#include <dlfcn.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { chunk_bytes = 65536, key_bytes = 32, nonce_bytes = 12, tag_bytes = 16 };

static unsigned char plain[chunk_bytes], sealed[chunk_bytes + tag_bytes], key[key_bytes];

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int seal_sodium(const unsigned char *nonce) {
    return crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, plain, sizeof plain, NULL, 0, NULL, nonce, key) == 0;
}

// OpenSSL's libcrypto, loaded as satchel loads it: EVP_EncryptInit(3), with its constant for reading a tag.
enum { get_tag = 0x10 };
static void *(*new_context)(void);
static const void *(*cipher)(void);
static int (*begin)(void *, const void *, void *, const unsigned char *, const unsigned char *);
static int (*update)(void *, unsigned char *, int *, const unsigned char *, int);
static int (*finish)(void *, unsigned char *, int *);
static int (*control)(void *, int, int, void *);
static void *context;

static int load_openssl(void) {
    void *library = dlopen("libcrypto.so.3", RTLD_NOW);
    if (!library) return 0;
    *(void **)&new_context = dlsym(library, "EVP_CIPHER_CTX_new");
    *(void **)&cipher = dlsym(library, "EVP_chacha20_poly1305");
    *(void **)&begin = dlsym(library, "EVP_EncryptInit_ex");
    *(void **)&update = dlsym(library, "EVP_EncryptUpdate");
    *(void **)&finish = dlsym(library, "EVP_EncryptFinal_ex");
    *(void **)&control = dlsym(library, "EVP_CIPHER_CTX_ctrl");
    context = new_context();
    return begin(context, cipher(), NULL, key, NULL);
}

static int seal_openssl(const unsigned char *nonce) {
    int count, rest;
    return begin(context, NULL, NULL, NULL, nonce) && update(context, sealed, &count, plain, sizeof plain)
           && finish(context, sealed + count, &rest) && control(context, get_tag, tag_bytes, sealed + chunk_bytes);
}

// The BoringSSL inside swift-crypto, if the object files of its build were linked: see its openssl/aead.h.
typedef struct {
    const void *aead;
    union { uint8_t opaque[560]; uint64_t alignment; } state;
    uint8_t tag_bytes;
} aead_context;
__attribute__((weak)) const void *CCryptoBoringSSL_EVP_aead_chacha20_poly1305(void);
__attribute__((weak)) int CCryptoBoringSSL_EVP_AEAD_CTX_init(
    aead_context *, const void *, const uint8_t *, size_t, size_t, void *);
__attribute__((weak)) int CCryptoBoringSSL_EVP_AEAD_CTX_seal(
    const aead_context *, uint8_t *, size_t *, size_t, const uint8_t *, size_t, const uint8_t *, size_t, const uint8_t *,
    size_t);
static aead_context boring;

static int load_boringssl(void) {
    if (!CCryptoBoringSSL_EVP_AEAD_CTX_init) return 0;
    return CCryptoBoringSSL_EVP_AEAD_CTX_init(
        &boring, CCryptoBoringSSL_EVP_aead_chacha20_poly1305(), key, sizeof key, 0, NULL);
}

static int seal_boringssl(const unsigned char *nonce) {
    size_t count;
    return CCryptoBoringSSL_EVP_AEAD_CTX_seal(
        &boring, sealed, &count, sizeof sealed, nonce, nonce_bytes, plain, sizeof plain, NULL, 0);
}

int main(int count, char **arguments) {
    if (count != 3 || sodium_init() < 0) return 64;
    const char *name = arguments[1];
    const unsigned long long chunks = strtoull(arguments[2], NULL, 10) / chunk_bytes;
    unsigned char nonce[nonce_bytes] = {0};
    // The same bytes for every library, so that their results can be compared.
    static const unsigned char seed[randombytes_SEEDBYTES] = "a plaintext and a key of satchel";
    randombytes_buf_deterministic(plain, sizeof plain, seed);
    memcpy(key, plain, sizeof key);
    int (*seal)(const unsigned char *) = NULL;
    if (!strcmp(name, "sodium")) seal = seal_sodium;
    if (!strcmp(name, "openssl") && load_openssl()) seal = seal_openssl;
    if (!strcmp(name, "boringssl") && load_boringssl()) seal = seal_boringssl;
    if (!seal) return 69;
    const double start = seconds();
    for (unsigned long long chunk = 0; chunk < chunks; chunk++) {
        for (int byte = 0; byte < 8; byte++) nonce[3 + byte] = (unsigned char)(chunk >> (56 - 8 * byte));
        if (!seal(nonce)) return 1;
    }
    printf("%.0f ", (double)(chunks * chunk_bytes) / (seconds() - start));
    // The last tag, which all libraries must agree on.
    for (int byte = 0; byte < tag_bytes; byte++) printf("%02x", sealed[chunk_bytes + byte]);
    printf("\n");
    return 0;
}
