/// Scalar Goldilocks arithmetic, p = 2^64 - 2^32 + 1, canonical in and out. 2^64 = 2^32 - 1 and 2^96 = -1 modulo p.
#ifndef CSIMD_GOLDILOCKS_SCALAR_H
#define CSIMD_GOLDILOCKS_SCALAR_H

#include <stdint.h>

#define GOLDILOCKS_P 0xffffffff00000001ull
#define GOLDILOCKS_EPSILON 0xffffffffull

static inline uint64_t gl_add(uint64_t a, uint64_t b) {
    uint64_t rest = GOLDILOCKS_P - b;
    return a < rest ? a + b : a - rest;
}

static inline uint64_t gl_sub(uint64_t a, uint64_t b) { return a - b + (a < b ? GOLDILOCKS_P : 0); }

static inline uint64_t gl_reduce128(unsigned __int128 x) {
    uint64_t low = (uint64_t)x, high = (uint64_t)(x >> 64);
    uint64_t t = low - (high >> 32);
    if (low < high >> 32) t -= GOLDILOCKS_EPSILON; // t was at least 2^64 - 2^32 + 1
    uint64_t mid = (high & GOLDILOCKS_EPSILON) * GOLDILOCKS_EPSILON;
    uint64_t sum = t + mid;
    if (sum < mid) sum += GOLDILOCKS_EPSILON; // sum was at most mid - 1 <= (2^32 - 1)^2 - 1
    return sum >= GOLDILOCKS_P ? sum - GOLDILOCKS_P : sum;
}

static inline uint64_t gl_mul(uint64_t a, uint64_t b) { return gl_reduce128((unsigned __int128)a * b); }

/// The image of a signed integer.
static inline uint64_t gl_from_int(int64_t x) { return (uint64_t)x - (x < 0 ? GOLDILOCKS_EPSILON : 0); }

/// The image of a signed 128-bit integer.
static inline uint64_t gl_from_int128(__int128 x) {
    uint64_t r = gl_reduce128((unsigned __int128)x);
    // A negative x was read as x + 2^128, and 2^128 = -2^32.
    return x < 0 ? gl_add(r, 1ull << 32) : r;
}

#endif
