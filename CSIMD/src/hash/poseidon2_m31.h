// Poseidon2 over Mersenne-31, width 16 with x^5, over LANES, TARGET, vec and
//
//   splat(x), add(a, b), sub(a, b), multiply(a, b)
//   times_power(a, k)      2^k a, 0 <= k <= 16, a constant
//   load(p), store(p, v)   LANES words
//
// Elements are always canonical.

#include "bytes.h"
#include "poseidon2_internal.h"

enum { WIDTH = 16, RATE = 8, PARTIAL_ROUNDS = 14, BLOCK_BYTES = 30 };

#include "poseidon2_small.h"

#define add_constant(x, i) add(x, splat(csimd_poseidon2_m31_constants[i]))
#define SBOX_GROUP 8

TARGET static inline __attribute__((always_inline)) void sboxes(vec *s, const int n) {
    vec power[SBOX_GROUP];
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) power[i] = multiply(s[i], s[i]);
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) power[i] = multiply(power[i], power[i]);
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) s[i] = multiply(power[i], s[i]);
}

TARGET static inline __attribute__((always_inline)) void internal(vec s[WIDTH]) {
    // All ones, plus the diagonal -2 and powers of two with these exponents.
    static const int exponents[WIDTH] = {0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 15, 16};
    // The rest is summed up while s[0] is still in its S-box.
    vec rest[WIDTH / 2];
    rest[0] = s[8];
#pragma clang loop unroll(full)
    for (int i = 1; i < WIDTH / 2; i++) rest[i] = add(s[i], s[i + 8]);
#pragma clang loop unroll(full)
    for (int n = WIDTH / 4; n > 0; n /= 2) {
#pragma clang loop unroll(full)
        for (int i = 0; i < n; i++) rest[i] = add(rest[i], rest[i + n]);
    }
    const vec sum = add(rest[0], s[0]);
    s[0] = sub(rest[0], s[0]);
#pragma clang loop unroll(full)
    for (int i = 1; i < WIDTH; i++) s[i] = add(sum, times_power(s[i], exponents[i]));
}

TARGET static inline __attribute__((always_inline)) void capacity(vec s[WIDTH], uint64_t length, uint64_t kind) {
    s[8] = splat((uint32_t)(length & 0x3fffffff));
    s[9] = splat((uint32_t)(length >> 30 & 0x3fffffff));
    s[10] = splat((uint32_t)(length >> 60));
    s[11] = splat((uint32_t)kind);
    for (int i = 12; i < WIDTH; i++) s[i] = splat(0);
}

/// Elements of 30 bits, which all are below p.
TARGET static inline void load_block(vec s[RATE], const uint8_t *const *lane, size_t offset) {
    uint32_t words[RATE][LANES];
    for (int i = 0; i < LANES; i++) {
        for (int half = 0; half < 2; half++) {
            // 15 bytes: the first eight and, one of them twice, the last eight.
            const uint8_t *p = lane[i] + offset + 15 * half;
            const uint64_t low = load_word64(p), high = load_word64(p + 7);
            words[4 * half][i] = (uint32_t)(low & 0x3fffffff);
            words[4 * half + 1][i] = (uint32_t)(low >> 30 & 0x3fffffff);
            words[4 * half + 2][i] = (uint32_t)(high >> 4 & 0x3fffffff);
            words[4 * half + 3][i] = (uint32_t)(high >> 34);
        }
    }
    for (int j = 0; j < RATE; j++) s[j] = load(words[j]);
}

TARGET static inline void load_pairs(vec s[WIDTH], const uint8_t *nodes) {
    uint32_t words[WIDTH][LANES];
    for (int i = 0; i < LANES; i++) {
        for (int j = 0; j < WIDTH; j += 2) {
            const uint64_t two = load_word64(nodes + 64 * i + 4 * j);
            words[j][i] = (uint32_t)two;
            words[j + 1][i] = (uint32_t)(two >> 32);
        }
    }
    for (int j = 0; j < WIDTH; j++) s[j] = load(words[j]);
}

TARGET static inline void store_digests(const vec s[8], uint8_t *out) {
    uint32_t words[8][LANES];
    for (int j = 0; j < 8; j++) store(words[j], s[j]);
    for (int i = 0; i < LANES; i++) {
        for (int j = 0; j < 8; j += 2) {
            store_word64(out + 32 * i + 4 * j, words[j][i] | (uint64_t)words[j + 1][i] << 32);
        }
    }
}

#include "poseidon2_lanes.h"
