// AES-256-GCM of OpenSSL's libcrypto, piece by piece, which the library behind Swift's Crypto does not offer. It comes with
// libcurl, and is loaded at need like that, so neither its headers nor the library are needed to build; what is used of it
// is declared in COpenSSL.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// One file on its way through the cipher.
typedef struct gcm_stream gcm_stream;

/// Loads the library; false if it is not installed, or lacks what is used of it. To be called once, before all others.
bool gcm_load(void);

/// Begins with a key of 32 bytes and a nonce of any length from 1 on. NULL if that fails, as it does without memory.
gcm_stream *_Nullable gcm_begin(
    const uint8_t *_Nonnull key, const uint8_t *_Nonnull nonce, size_t nonce_count, bool encrypts);
/// Puts `count` bytes, at most INT32_MAX, through the cipher, where they are.
bool gcm_update(gcm_stream *_Nonnull stream, uint8_t *_Nonnull bytes, size_t count);
/// Ends an encryption; writes the tag of 16 bytes.
bool gcm_seal(gcm_stream *_Nonnull stream, uint8_t *_Nonnull tag);
/// Ends a decryption; false if this is not its tag, of 16 bytes. Compares in constant time.
bool gcm_verify(gcm_stream *_Nonnull stream, const uint8_t *_Nonnull tag);
/// Wipes and frees what belongs to the stream.
void gcm_end(gcm_stream *_Nullable stream);
