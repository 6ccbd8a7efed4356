#pragma once
// SHA-256 by the processor's own instructions, where it has them.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool calor_digest_has_sha256(void);
/// Takes whole blocks of 64 bytes into `state`; `keys` are the 64 round constants. Only where calor_digest_has_sha256 says so.
void calor_digest_sha256(uint32_t state[8], const uint32_t keys[64], const uint8_t *bytes, size_t blocks);
