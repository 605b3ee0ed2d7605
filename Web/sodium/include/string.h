// What libsodium's ciphers ask of <string.h>. With -mbulk-memory the compiler turns these into instructions.
#pragma once
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
