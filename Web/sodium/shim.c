// The door between JavaScript and libsodium: what a sealed blob needs (docs/sealed-blob.md), on memory of fixed places.
//
// A run is at most 16 chunks (1 MiB). Chunk number `slot` of the run lies at sealed + slot * 65552, its plaintext at
// plain + slot * 65536. JavaScript writes and reads these places itself; lengths and slots that do not fit are its own
// mistakes, and trap.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "crypto_aead_chacha20poly1305.h"
#include "crypto_auth_hmacsha512.h"
#include "crypto_hash_sha256.h"
#include "utils.h"

enum { RUN = 16, CHUNK = 65536, TAG = crypto_aead_chacha20poly1305_IETF_ABYTES, SEALED = CHUNK + TAG };

#define EXPORTED __attribute__((visibility("default"), used))

EXPORTED unsigned char sealed[RUN * SEALED];
EXPORTED unsigned char plain[RUN * CHUNK];
EXPORTED unsigned char key[crypto_aead_chacha20poly1305_IETF_KEYBYTES];
// What is hashed and does not lie in a run.
EXPORTED unsigned char input[CHUNK];
// What a hash or the HMAC has given.
EXPORTED unsigned char digest[64];

// Two hashes at a time: one runs over a whole blob while others are made of its parts.
static crypto_hash_sha256_state hashes[2];

static void require(int holds) {
    if (!holds) __builtin_trap();
}

// 00 00 00 ‖ BE64(index) ‖ 01 for the last chunk
static void make_nonce(unsigned char nonce[12], uint32_t index, uint32_t is_last) {
    memset(nonce, 0, 12);
    for (int i = 0; i < 4; i++) nonce[10 - i] = (unsigned char)(index >> (8 * i));
    nonce[11] = is_last != 0;
}

// Opens a sealed chunk of `length` bytes. 0: it is authentic; else its plaintext is zeros.
EXPORTED int32_t open_chunk(uint32_t slot, uint32_t index, uint32_t is_last, uint32_t length) {
    require(slot < RUN && length >= TAG && length <= SEALED);
    unsigned char nonce[12];
    make_nonce(nonce, index, is_last);
    return crypto_aead_chacha20poly1305_ietf_decrypt(
        plain + slot * CHUNK, NULL, NULL, sealed + slot * SEALED, length, NULL, 0, nonce, key);
}

// Seals `length` bytes of plaintext.
EXPORTED void seal_chunk(uint32_t slot, uint32_t index, uint32_t is_last, uint32_t length) {
    require(slot < RUN && length <= CHUNK);
    unsigned char nonce[12];
    make_nonce(nonce, index, is_last);
    crypto_aead_chacha20poly1305_ietf_encrypt(
        sealed + slot * SEALED, NULL, plain + slot * CHUNK, length, NULL, 0, NULL, nonce, key);
}

EXPORTED void hash_start(uint32_t which) {
    require(which < 2);
    crypto_hash_sha256_init(&hashes[which]);
}

EXPORTED void hash_add(uint32_t which, const unsigned char *bytes, uint32_t count) {
    require(which < 2);
    crypto_hash_sha256_update(&hashes[which], bytes, count);
}

EXPORTED void hash_end(uint32_t which) {
    require(which < 2);
    crypto_hash_sha256_final(&hashes[which], digest);
}

// HMAC-SHA-512 of what lies in `input`: first the key, then the message.
EXPORTED void hmac_sha512(uint32_t key_count, uint32_t count) {
    require(key_count <= CHUNK && count <= CHUNK - key_count);
    crypto_auth_hmacsha512_state state;
    crypto_auth_hmacsha512_init(&state, input, key_count);
    crypto_auth_hmacsha512_update(&state, input + key_count, count);
    crypto_auth_hmacsha512_final(&state, digest);
    sodium_memzero(&state, sizeof state);
}

// Forgets keys and everything that was opened or is to be sealed.
EXPORTED void wipe(void) {
    sodium_memzero(key, sizeof key);
    sodium_memzero(input, sizeof input);
    sodium_memzero(digest, sizeof digest);
    sodium_memzero(plain, sizeof plain);
    sodium_memzero(hashes, sizeof hashes);
}

// What the ciphers take from the parts of libsodium that are left out.

void sodium_memzero(void *const place, const size_t count) {
    memset(place, 0, count);
    __asm__ volatile("" : : "r"(place) : "memory");
}

void sodium_misuse(void) {
    __builtin_trap();
}
