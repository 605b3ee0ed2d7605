// Two ciphers of OpenSSL's libcrypto: AES-256-GCM, piece by piece, which the library behind Swift's Crypto does not offer,
// and ChaCha20-Poly1305, which is faster there than anywhere else. libcrypto comes with libcurl, and is loaded at need like
// that, so neither its headers nor the library are needed to build; what is used of it is declared in COpenSSL.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// One message on its way through a cipher.
typedef struct cipher_stream cipher_stream;

/// Loads the library; false if it is not installed, or lacks what is used of it. To be called once, before all others.
bool openssl_load(void);

/// Begins with a key of 32 bytes and a nonce of any length from 1 on. NULL if that fails, as it does without memory.
cipher_stream *_Nullable gcm_begin(
    const uint8_t *_Nonnull key, const uint8_t *_Nonnull nonce, size_t nonce_count, bool encrypts);
/// Puts `count` bytes, at most INT32_MAX, through the cipher, where they are.
bool gcm_update(cipher_stream *_Nonnull stream, uint8_t *_Nonnull bytes, size_t count);
/// Ends an encryption; writes the tag of 16 bytes.
bool gcm_seal(cipher_stream *_Nonnull stream, uint8_t *_Nonnull tag);
/// Ends a decryption; false if this is not its tag, of 16 bytes. Compares in constant time.
bool gcm_verify(cipher_stream *_Nonnull stream, const uint8_t *_Nonnull tag);
/// Wipes and frees what belongs to the stream.
void gcm_end(cipher_stream *_Nullable stream);

/// Finds ChaCha20-Poly1305; false if the system's settings leave it out. To be called once, before the next two.
bool chacha_load(void);
/// Seals `count` bytes under a key of 32 bytes and a nonce of 12 (RFC 8439, without associated data), into as many and a tag
/// of 16. False if libcrypto fails, as it does without memory. Leaves no copy of the key.
bool chacha_seal(
    const uint8_t *_Nonnull key, const uint8_t *_Nonnull nonce, const uint8_t *_Nonnull plain, size_t count,
    uint8_t *_Nonnull sealed);
/// Opens `count` bytes and the tag that follows them. False if this is not their tag, or libcrypto fails; then `plain` is
/// to be shown to nobody. Compares in constant time, and leaves no copy of the key.
bool chacha_open(
    const uint8_t *_Nonnull key, const uint8_t *_Nonnull nonce, const uint8_t *_Nonnull sealed, size_t count,
    uint8_t *_Nonnull plain);
