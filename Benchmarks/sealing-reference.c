// What libsodium alone needs for a file: ChaCha20-Poly1305 over chunks of 64 KiB, on one core, nothing read or written
// in the time measured. Prints bytes per second. Built and run by Benchmarks/sealing.py.

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { chunk_bytes = 65536 };

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    if (count != 2 || sodium_init() < 0) return 64;
    const unsigned long long chunks = strtoull(arguments[1], NULL, 10) / chunk_bytes;
    static unsigned char plain[chunk_bytes], sealed[chunk_bytes + crypto_aead_chacha20poly1305_ietf_ABYTES];
    unsigned char key[crypto_aead_chacha20poly1305_ietf_KEYBYTES];
    unsigned char nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {0};
    randombytes_buf(plain, sizeof plain);
    randombytes_buf(key, sizeof key);
    const double start = seconds();
    for (unsigned long long chunk = 0; chunk < chunks; chunk++) {
        for (int byte = 0; byte < 8; byte++) nonce[3 + byte] = (unsigned char)(chunk >> (56 - 8 * byte));
        crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, plain, sizeof plain, NULL, 0, NULL, nonce, key);
    }
    printf("%.0f\n", (double)(chunks * chunk_bytes) / (seconds() - start));
    return 0;
}
