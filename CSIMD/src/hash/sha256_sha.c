// SHA-256 with the SHA extensions, several messages at a time.
//
// Intel SDM volume 2, SHA256RNDS2, SHA256MSG1, SHA256MSG2. Two rounds of one message wait four cycles for the two
// before them, while the unit takes new ones every two cycles: messages are interleaved to fill it.

#include "sha256_internal.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define LANES 4
#define TARGET __attribute__((target("sha,sse4.1,avx")))

struct lane {
    __m128i abef, cdgh;
};

/// The state a b c d, e f g h in the order of memory to and from the order of the instructions, most significant first.
TARGET static inline __attribute__((always_inline)) struct lane pack(const uint32_t state[8]) {
    __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const void *)&state[0]), 0x1b);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const void *)&state[4]), 0x1b);
    return (struct lane){_mm_unpackhi_epi64(efgh, abcd), _mm_unpacklo_epi64(efgh, abcd)};
}

TARGET static inline __attribute__((always_inline)) void unpack(struct lane s, uint32_t state[8]) {
    _mm_storeu_si128((void *)&state[0], _mm_shuffle_epi32(_mm_unpackhi_epi64(s.cdgh, s.abef), 0x1b));
    _mm_storeu_si128((void *)&state[4], _mm_shuffle_epi32(_mm_unpacklo_epi64(s.cdgh, s.abef), 0x1b));
}

/// One block of each of `n` messages, a constant: block j is at input[j] + offset.
TARGET static inline __attribute__((always_inline)) void compress(const int n, struct lane s[],
                                                                  const uint8_t *const *input, size_t offset) {
    const __m128i swap = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    struct lane before[LANES];
    __m128i w[LANES][4];
#pragma clang loop unroll(full)
    for (int j = 0; j < n; j++) {
        before[j] = s[j];
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) {
            w[j][i] = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(input[j] + offset + 16 * (size_t)i)), swap);
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
        const __m128i constants = _mm_load_si128((const __m128i *)csimd_sha256_constants + i);
#pragma clang loop unroll(full)
        for (int j = 0; j < n; j++) {
            __m128i *x = w[j];
            __m128i k = _mm_add_epi32(x[i % 4], constants);
            s[j].cdgh = _mm_sha256rnds2_epu32(s[j].cdgh, s[j].abef, k);
            s[j].abef = _mm_sha256rnds2_epu32(s[j].abef, s[j].cdgh, _mm_shuffle_epi32(k, 0x0e));
            // Volatile statements keep their order: else the compiler, to spare registers, does one message after the
            // other.
            __asm__ volatile("" : "+x"(s[j].abef));
            if (i < 12) {
                // Words 4(i + 4) to 4(i + 4) + 3 of the message schedule, in place of words 4i to 4i + 3.
                __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(x[i % 4], x[(i + 1) % 4]),
                                            _mm_alignr_epi8(x[(i + 3) % 4], x[(i + 2) % 4], 4));
                x[i % 4] = _mm_sha256msg2_epu32(sum, x[(i + 3) % 4]);
            }
        }
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < n; j++) {
        s[j].abef = _mm_add_epi32(s[j].abef, before[j].abef);
        s[j].cdgh = _mm_add_epi32(s[j].cdgh, before[j].cdgh);
    }
}

TARGET static void one(uint32_t state[8], const uint8_t *data, size_t blocks) {
    struct lane s = pack(state);
    for (size_t b = 0; b < blocks; b++) compress(1, &s, &data, 64 * b);
    unpack(s, state);
}

TARGET static void many(uint32_t state[][8], const uint8_t *const *input, size_t blocks) {
    struct lane s[LANES];
#pragma clang loop unroll(full)
    for (int j = 0; j < LANES; j++) s[j] = pack(state[j]);
    for (size_t b = 0; b < blocks; b++) compress(LANES, s, input, 64 * b);
#pragma clang loop unroll(full)
    for (int j = 0; j < LANES; j++) unpack(s[j], state[j]);
}

TARGET static void nodes(const uint8_t *blocks, const uint32_t initial[8], uint8_t *digests) {
    // The digest in big-endian words is the order of the instructions with all 16 bytes of each half reversed.
    const __m128i reverse = _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const uint8_t *input[LANES];
    struct lane s[LANES];
    s[0] = pack(initial);
#pragma clang loop unroll(full)
    for (int j = 0; j < LANES; j++) {
        input[j] = blocks + 64 * (size_t)j;
        s[j] = s[0];
    }
    // Two at a time: their start and end overlap with the next two's middle, and two fit the registers.
    compress(2, s, input, 0);
    compress(2, s + 2, input + 2, 0);
#pragma clang loop unroll(full)
    for (int j = 0; j < LANES; j++) {
        __m128i abcd = _mm_unpackhi_epi64(s[j].cdgh, s[j].abef), efgh = _mm_unpacklo_epi64(s[j].cdgh, s[j].abef);
        _mm_storeu_si128((void *)(digests + 32 * j), _mm_shuffle_epi8(abcd, reverse));
        _mm_storeu_si128((void *)(digests + 32 * j + 16), _mm_shuffle_epi8(efgh, reverse));
    }
}

const struct csimd_sha256_kernels csimd_sha256_sha = {LANES, one, many, nodes};

#endif
