// SHA-256 on LANES messages at once, one message per lane (FIPS 180-4, 6.2.2), for processors without SHA extensions.
// Written over lanes_avx2.h or lanes_avx512.h.

#define ROTATE(x, n) (((x) >> (n)) | ((x) << (32 - (n))))

/// Replaces the states `h` by those after the blocks `w`, which are destroyed.
TARGET static inline __attribute__((always_inline)) void compress(vec h[8], vec w[16]) {
    vec s[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) s[i] = h[i];
    for (int t = 0; t < 64; t += 16) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            // a to h sit in s[0] to s[7], rotated by one place in each round: 16 rounds bring them home.
            vec a = s[-i & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7], e = s[(4 - i) & 7];
            vec f = s[(5 - i) & 7], g = s[(6 - i) & 7];
            vec choose = (e & f) | (~e & g);
            vec majority = (a & b) | (c & (a | b));
            vec t1 = s[(7 - i) & 7] + (ROTATE(e, 6) ^ ROTATE(e, 11) ^ ROTATE(e, 25)) + choose +
                     (splat(csimd_sha256_constants[t + i]) + w[i]);
            s[(3 - i) & 7] += t1;
            s[(7 - i) & 7] = t1 + (ROTATE(a, 2) ^ ROTATE(a, 13) ^ ROTATE(a, 22)) + majority;
            // Word t + 16 + i of the schedule, computed even after the last round needs none: a branch costs more.
            vec x = w[(i + 1) & 15], y = w[(i + 14) & 15];
            w[i] += (ROTATE(x, 7) ^ ROTATE(x, 18) ^ (x >> 3)) + w[(i + 9) & 15] +
                    (ROTATE(y, 17) ^ ROTATE(y, 19) ^ (y >> 10));
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) h[i] += s[i];
}

TARGET static inline __attribute__((always_inline)) void load_words(vec w[16], const uint8_t *const *lane,
                                                                    size_t offset) {
    load_blocks(w, lane, offset);
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) w[i] = swap_bytes(w[i]);
}

TARGET static void many(uint32_t state[][8], const uint8_t *const *input, size_t blocks) {
    vec h[8], w[16];
    for (int j = 0; j < 8; j++) {
        uint32_t column[LANES];
        for (int i = 0; i < LANES; i++) column[i] = state[i][j];
        __builtin_memcpy(&h[j], column, sizeof column);
    }
    for (size_t b = 0; b < blocks; b++) {
        load_words(w, input, 64 * b);
        compress(h, w);
    }
    store_digests(h, (uint8_t *)state);
}

TARGET static void nodes(const uint8_t *blocks, const uint32_t initial[8], uint8_t *digests) {
    const uint8_t *lane[LANES];
    for (int i = 0; i < LANES; i++) lane[i] = blocks + 64 * (size_t)i;
    vec h[8], w[16];
    for (int j = 0; j < 8; j++) h[j] = splat(initial[j]);
    load_words(w, lane, 0);
    compress(h, w);
    for (int j = 0; j < 8; j++) h[j] = swap_bytes(h[j]);
    store_digests(h, digests);
}
