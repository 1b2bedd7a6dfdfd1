// Keccak-256 on LANES messages at once, one message per lane, written once for every instruction set.
//
// Bertoni, Daemen, Peeters, Van Assche, "The Keccak reference", version 3.0 (2011), chapter 1: the permutation, and the
// sponge with rate 1088 bits, capacity 512 bits, padding 10*1. (SHA3-256 of FIPS 202 is the same with two bits more
// before the padding.) The includer defines
//
//   LANES                 the number of lanes
//   TARGET                attributes of every function
//   vec                   a vector of LANES 64-bit words with the operators of C
//   splat(x)              x in every lane
//   load_words(m, lane, offset)    m[j] = little-endian word j of the 64 bytes at lane[i] + offset, for lane i
//   load_word(lane, offset)        the word at lane[i] + offset
//   store_digests(h, out)          word j of lane i to out + 32 i + 8 j

#include <string.h>

#define ROTATE(a, n) ((a) << (n) | (a) >> (64 - (n)))

enum { KECCAK_RATE = 136 };

/// Keccak-f[1600]; the word of coordinates (x, y) is s[x + 5 y].
TARGET static inline __attribute__((always_inline)) void permute(vec s[25]) {
    // Of rho, modulo 64.
    static const int offsets[25] = {0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3,  10, 43,
                                    25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14};
#pragma clang loop unroll(disable)
    for (int round = 0; round < 24; round++) {
        vec column[5], next[25];
#pragma clang loop unroll(full)
        for (int x = 0; x < 5; x++) column[x] = s[x] ^ s[x + 5] ^ s[x + 10] ^ s[x + 15] ^ s[x + 20];
        vec turned[5];
#pragma clang loop unroll(full)
        for (int x = 0; x < 5; x++) turned[x] = ROTATE(column[x], 1);
#pragma clang loop unroll(full)
        for (int row = 0; row < 5; row++) {
            vec b[5];
#pragma clang loop unroll(full)
            for (int x = 0; x < 5; x++) {
                // Pi takes (x', y') to (y', 2x' + 3y'): what comes to (x, row) was at (x + 3 row, x).
                const int from = (x + 3 * row) % 5, i = from + 5 * x;
                const vec theta = s[i] ^ column[(from + 4) % 5] ^ turned[(from + 1) % 5];
                b[x] = i == 0 ? theta : ROTATE(theta, offsets[i]);
            }
#pragma clang loop unroll(full)
            for (int x = 0; x < 5; x++) next[5 * row + x] = b[x] ^ (~b[(x + 1) % 5] & b[(x + 2) % 5]);
        }
        next[0] ^= splat(csimd_keccak_constants[round]);
#pragma clang loop unroll(full)
        for (int i = 0; i < 25; i++) s[i] = next[i];
    }
}

TARGET static inline __attribute__((always_inline)) void clear(vec s[25]) {
    for (int i = 0; i < 25; i++) s[i] = splat(0);
}

TARGET static void messages(const uint8_t *const *input, size_t length, uint8_t *digests) {
    uint8_t last[LANES][KECCAK_RATE];
    const size_t blocks = length / KECCAK_RATE, rest = length % KECCAK_RATE;
    const uint8_t *lane[LANES];
    memset(last, 0, sizeof last);
    for (int i = 0; i < LANES; i++) {
        lane[i] = input[i];
        if (rest > 0) memcpy(last[i], input[i] + blocks * KECCAK_RATE, rest);
        last[i][rest] = 0x01;
        last[i][KECCAK_RATE - 1] |= 0x80;
    }
    vec s[25];
    clear(s);
    for (size_t b = 0; b <= blocks; b++) {
        size_t offset = b * KECCAK_RATE;
        if (b == blocks) {
            for (int i = 0; i < LANES; i++) lane[i] = last[i];
            offset = 0;
        }
        vec m[16];
        load_words(m, lane, offset);
        load_words(m + 8, lane, offset + 64);
        for (int i = 0; i < 16; i++) s[i] ^= m[i];
        s[16] ^= load_word(lane, offset + 128);
        permute(s);
    }
    store_digests(s, digests);
}

TARGET static void pairs(const uint8_t *nodes, uint8_t *parents) {
    const uint8_t *lane[LANES];
    for (int i = 0; i < LANES; i++) lane[i] = nodes + 64 * (size_t)i;
    vec s[25];
    clear(s);
    load_words(s, lane, 0);
    // A one bit that belongs to the message, then the padding.
    s[8] = splat(0x03);
    s[16] = splat(0x8000000000000000);
    permute(s);
    store_digests(s, parents);
}
