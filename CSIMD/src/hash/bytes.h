/// Little-endian words in memory, without alignment.
#ifndef CSIMD_HASH_BYTES_H
#define CSIMD_HASH_BYTES_H

#include <stdint.h>

static inline uint64_t load_word64(const uint8_t *p) {
    uint64_t w = 0;
    for (int i = 0; i < 8; i++) w |= (uint64_t)p[i] << 8 * i;
    return w;
}

static inline void store_word64(uint8_t *p, uint64_t w) {
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(w >> 8 * i);
}

#endif
