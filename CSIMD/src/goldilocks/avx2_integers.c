// Goldilocks: small integers and base-field vectors, four at a time.
#if defined(__x86_64__)
#include "avx2_field.h"
#include "integers_table.h"
#include "ints_wide.h"
#include "scalar.h"

typedef uint64_t u64;

#define LANES 4
#define KERNEL AVX2
#define INLINE AVX2_INLINE
#define NAME(x) goldilocks_avx2_##x
#define SMALL_BITS 32
#define TURNS 256

typedef v4 word;
typedef wide4 wide;
typedef v4 small;

AVX2_INLINE word set(u64 x) { return gl4_set(x); }
AVX2_INLINE word words(const u64 *p) { return gl4_words(p); }
AVX2_INLINE void put(u64 *p, word x) { gl4_put(p, x); }
AVX2_INLINE word ints(const void *p, int bytes, size_t i) { return ints4(p, bytes, i); }
AVX2_INLINE void ints_pairs(const void *p, int bytes, size_t i, word *even, word *odd) {
    ints4_pairs(p, bytes, i, even, odd);
}

AVX2_INLINE void split(const u64 *p, word *c) {
    const v4 a = words(p), b = words(p + 4);
    const v4 x = _mm256_permute2x128_si256(a, b, 0x20), y = _mm256_permute2x128_si256(a, b, 0x31);
    c[0] = _mm256_unpacklo_epi64(x, y), c[1] = _mm256_unpackhi_epi64(x, y);
}

AVX2_INLINE void join(u64 *p, const word *c) {
    const v4 x = _mm256_unpacklo_epi64(c[0], c[1]), y = _mm256_unpackhi_epi64(c[0], c[1]);
    put(p, _mm256_permute2x128_si256(x, y, 0x20));
    put(p + 4, _mm256_permute2x128_si256(x, y, 0x31));
}

AVX2_INLINE word plus(word a, word b) { return _mm256_add_epi64(a, b); }
AVX2_INLINE word minus(word a, word b) { return _mm256_sub_epi64(a, b); }
AVX2_INLINE word sign(word x) { return _mm256_cmpgt_epi64(_mm256_setzero_si256(), x); }
AVX2_INLINE word image(word x) { return plus(x, _mm256_and_si256(sign(x), gl4_set(GOLDILOCKS_P))); }
AVX2_INLINE word absolute(word x) { return minus(_mm256_xor_si256(x, sign(x)), sign(x)); }
AVX2_INLINE word where_negative(word x, word a, word b) { return _mm256_blendv_epi8(b, a, sign(x)); }
AVX2_INLINE small make_small(u64 x) { return gl4_set(x); }
AVX2_INLINE wide wide_zero(void) { return wide4_zero(); }
AVX2_INLINE void wide_mac(wide *s, word a, word b) { wide4_mac(s, a, b); }
AVX2_INLINE void wide_mac_small(wide *s, word a, small f) { wide4_mac_small(s, a, f); }
AVX2_INLINE void wide_mac_smalls(wide *s, word a, word b) { wide4_mac_small(s, a, b); }
AVX2_INLINE void wide_add(wide *s, word a) { wide4_add(s, a); }
/// Carries are not needed: see wide4_reduce.
AVX2_INLINE void wide_normalise(wide *s) { (void)s; }
AVX2_INLINE word wide_reduce(wide s) { return wide4_reduce(s); }

/// Digits of 16 bits: those of w, or of w - p for a large w, modulo 2^64, are the integer itself.
static void shorts(const u64 *weight, int16_t *out) {
    const u64 half = 0x8000800080008000;
    for (int c = 0; c < 2; c++) {
        const u64 w = weight[c], x = (w < 0 - half ? w : w - GOLDILOCKS_P) + half;
        for (int k = 0; k < 4; k++) out[4 * c + k] = (int16_t)((int)(x >> (16 * k) & 0xffff) - 0x8000);
    }
}

#define PLANES "short_planes.h"
#include "integer_kernels.h"
#endif
