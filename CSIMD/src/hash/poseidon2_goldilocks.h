// Poseidon2 over Goldilocks, width 8 with x^7, over LANES, TARGET, vec and
//
//   splat(x), add(a, b), sub(a, b), half(a), multiply(a, b)
//   load(p), store(p, v)   LANES words
//
// Elements are always canonical.

#include "bytes.h"
#include "poseidon2_internal.h"

enum { WIDTH = 8, RATE = 4, PARTIAL_ROUNDS = 22, BLOCK_BYTES = 31 };

#include "poseidon2_small.h"

#define add_constant(x, i) add(x, splat(csimd_poseidon2_goldilocks_constants[i]))
#define SBOX_GROUP 8

TARGET static inline __attribute__((always_inline)) void sboxes(vec *s, const int n) {
    vec square[SBOX_GROUP];
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) square[i] = multiply(s[i], s[i]);
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) s[i] = multiply(square[i], s[i]);
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) square[i] = multiply(square[i], square[i]);
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) s[i] = multiply(square[i], s[i]);
}

/// All ones, plus the diagonal -2, 1, 2, 1/2, 3, -1/2, -3, -4.
TARGET static inline __attribute__((always_inline)) void internal(vec s[WIDTH]) {
    // The rest is summed up while s[0] is still in its S-box.
    const vec rest = add(add(s[1], add(s[2], s[3])), add(add(s[4], s[5]), add(s[6], s[7])));
    const vec sum = add(rest, s[0]);
    const vec twice6 = add(s[6], s[6]), twice7 = add(s[7], s[7]);
    s[0] = sub(rest, s[0]);
    s[1] = add(sum, s[1]);
    s[2] = add(sum, add(s[2], s[2]));
    s[3] = add(sum, half(s[3]));
    s[4] = add(sum, add(s[4], add(s[4], s[4])));
    s[5] = sub(sum, half(s[5]));
    s[6] = sub(sum, add(s[6], twice6));
    s[7] = sub(sum, add(twice7, twice7));
}

TARGET static inline __attribute__((always_inline)) void capacity(vec s[WIDTH], uint64_t length, uint64_t kind) {
    s[4] = splat(length & 0x3fffffffffffffff);
    s[5] = splat(length >> 62);
    s[6] = splat(kind);
    s[7] = splat(0);
}

/// Elements of 62 bits, which all are below p.
TARGET static inline void load_block(vec s[RATE], const uint8_t *const *lane, size_t offset) {
    uint64_t words[RATE][LANES];
    const uint64_t mask = 0x3fffffffffffffff;
    for (int i = 0; i < LANES; i++) {
        const uint8_t *p = lane[i] + offset;
        const uint64_t w0 = load_word64(p), w1 = load_word64(p + 8), w2 = load_word64(p + 16);
        words[0][i] = w0 & mask;
        words[1][i] = (w0 >> 62 | w1 << 2) & mask;
        words[2][i] = (w1 >> 60 | w2 << 4) & mask;
        words[3][i] = load_word64(p + 23) >> 2;
    }
    for (int j = 0; j < RATE; j++) s[j] = load(words[j]);
}

TARGET static inline void load_pairs(vec s[WIDTH], const uint8_t *nodes) {
    uint64_t words[WIDTH][LANES];
    for (int i = 0; i < LANES; i++) {
        for (int j = 0; j < WIDTH; j++) words[j][i] = load_word64(nodes + 64 * i + 8 * j);
    }
    for (int j = 0; j < WIDTH; j++) s[j] = load(words[j]);
}

TARGET static inline void store_digests(const vec s[4], uint8_t *out) {
    uint64_t words[4][LANES];
    for (int j = 0; j < 4; j++) store(words[j], s[j]);
    for (int i = 0; i < LANES; i++) {
        for (int j = 0; j < 4; j++) store_word64(out + 32 * i + 8 * j, words[j][i]);
    }
}

#include "poseidon2_lanes.h"
