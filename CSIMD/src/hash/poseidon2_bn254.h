// Poseidon2 over the scalar field of BN254, width 3 with x^5, over LANES, TARGET, vec and
//
//   add(a, b)
//   broadcast(w)           four words in each lane
//   trim(a)                the same element with a representative small enough to go into further sums
//   multiply(a, b)
//   from_words(w)          word j of lane i is w[j][i]
//   to_words(a, w)         the reverse, canonical, of a product by one
//
// Elements are in Montgomery form.

#include "bytes.h"
#include "poseidon2_internal.h"

enum { WIDTH = 3, RATE = 2, PARTIAL_ROUNDS = 56, BLOCK_BYTES = 62 };
#define NODES_BY_SPONGE

#define add_constant(x, i) add(x, broadcast(csimd_poseidon2_bn254_constants[i]))
#define SBOX_GROUP 3

TARGET static inline __attribute__((always_inline)) void sboxes(vec *s, const int n) {
    vec power[SBOX_GROUP];
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) {
        s[i] = trim(s[i]);
        power[i] = multiply(s[i], s[i]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) power[i] = multiply(power[i], power[i]);
#pragma clang loop unroll(full)
    for (int i = 0; i < n; i++) s[i] = multiply(s[i], power[i]);
}

/// circ(2, 1, 1).
TARGET static inline __attribute__((always_inline)) void external(vec s[WIDTH]) {
    const vec sum = add(add(s[0], s[1]), s[2]);
    for (int i = 0; i < WIDTH; i++) s[i] = add(s[i], sum);
}

/// All ones, plus the diagonal 1, 1, 2.
TARGET static inline __attribute__((always_inline)) void internal(vec s[WIDTH]) {
    const vec sum = add(add(s[0], s[1]), s[2]);
    s[0] = add(s[0], sum);
    s[1] = trim(add(s[1], sum));
    s[2] = trim(add(add(s[2], s[2]), sum));
}

/// The elements of integers.
TARGET static inline __attribute__((always_inline)) vec from_integers(const uint64_t w[4][LANES]) {
    return multiply(broadcast(bn_r_squared.w), from_words(w));
}

/// The reverse, below r.
TARGET static inline __attribute__((always_inline)) void to_integers(vec a, uint64_t w[4][LANES]) {
    static const uint64_t one[4] = {1, 0, 0, 0};
    to_words(multiply(broadcast(one), trim(a)), w);
}

TARGET static inline void capacity(vec s[WIDTH], uint64_t length, uint64_t kind) {
    uint64_t words[4][LANES];
    for (int i = 0; i < LANES; i++) {
        words[0][i] = length;
        words[1][i] = kind;
        words[2][i] = words[3][i] = 0;
    }
    s[2] = from_integers(words);
}

/// Elements of 31 bytes, which all are below r.
TARGET static inline void load_block(vec s[RATE], const uint8_t *const *lane, size_t offset) {
    uint64_t words[4][LANES];
    for (int j = 0; j < RATE; j++) {
        for (int i = 0; i < LANES; i++) {
            const uint8_t *p = lane[i] + offset + 31 * j;
            for (int k = 0; k < 3; k++) words[k][i] = load_word64(p + 8 * k);
            words[3][i] = load_word64(p + 23) >> 8;
        }
        s[j] = from_integers(words);
    }
}

TARGET static inline void load_pairs(vec s[RATE], const uint8_t *nodes) {
    uint64_t words[4][LANES];
    for (int j = 0; j < RATE; j++) {
        for (int i = 0; i < LANES; i++) {
            for (int k = 0; k < 4; k++) words[k][i] = load_word64(nodes + 64 * i + 32 * j + 8 * k);
        }
        s[j] = from_integers(words);
    }
}

TARGET static inline void store_digests(const vec s[1], uint8_t *out) {
    uint64_t words[4][LANES];
    to_integers(s[0], words);
    for (int i = 0; i < LANES; i++) {
        for (int k = 0; k < 4; k++) store_word64(out + 32 * i + 8 * k, words[k][i]);
    }
}

#include "poseidon2_lanes.h"
