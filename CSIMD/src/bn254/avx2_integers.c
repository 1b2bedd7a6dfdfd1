// BN254: small integers, four at a time.
#if defined(__x86_64__)
#include "avx2_field.h"
#include "../goldilocks/integers_table.h"
#include "../goldilocks/ints_wide.h"

typedef uint64_t u64;

#define LANES 4
#define KERNEL AVX2
#define INLINE AVX2_INLINE
#define NAME(x) bn254_avx2_##x

/// 2^307 modulo r.
#define LIMB_FACTOR bn_two307
static const bn_scalar bn_two307 = {{0x2cff106deecee2fe, 0x073502e0a4e00587, 0xebdcc7bbbf66507d, 0x0fd8e1c711bee108}};

typedef bn4 vec;
typedef bn4_factor small;
typedef v4 word;
/// Six columns of 51-bit weight.
typedef struct {
    v4 c[6];
} narrow;

AVX2_INLINE vec load(const u64 *p) { return bn4_load(p); }
AVX2_INLINE void store(u64 *p, vec x) { bn4_store(p, x); }
AVX2_INLINE vec broadcast(bn_scalar x) { return bn4_broadcast(x); }
AVX2_INLINE small make_small(vec x) { return bn4_to_factor(x); }
AVX2_INLINE word zero_word(void) { return _mm256_setzero_si256(); }
AVX2_INLINE word difference(word a, word b, u64 offset) {
    return _mm256_add_epi64(_mm256_sub_epi64(a, b), gl4_set(offset));
}
AVX2_INLINE word ints(const void *p, int bytes, size_t i, u64 offset) {
    return _mm256_add_epi64(ints4(p, bytes, i), gl4_set(offset));
}
AVX2_INLINE void ints_pairs(const void *p, int bytes, size_t i, word *even, word *odd) {
    ints4_pairs(p, bytes, i, even, odd);
}

AVX2_INLINE narrow narrow_zero(void) {
    narrow s;
    for (int i = 0; i < 6; i++) s.c[i] = _mm256_setzero_si256();
    return s;
}

/// Adds a times an element, for a < 2^52.
AVX2_INLINE void narrow_product(narrow *s, d4 a, const bn4_factor *f) {
    UNROLL for (int k = 0; k < 6; k++) s->c[k] = _mm256_add_epi64(s->c[k], bn4_bias(k < 5, k > 0));
    UNROLL for (int j = 0; j < 5; j++) bn4_product(s->c + j, a, f->l[j]);
}

AVX2_INLINE void narrow_mac(narrow *s, word y, small f) { narrow_product(s, bn4_double(y), &f); }

AVX2_INLINE vec narrow_reduce(narrow s) {
    const d4 x = bn4_double(_mm256_and_si256(s.c[0], gl4_set(BN_MASK51)));
    const d4 k = _mm256_set1_pd((double)bn_k52), split = _mm256_set1_pd(0x1p103);
    // -x / r modulo 2^51, in -2^50...2^50, then not negative.
    const d4 m = _mm256_fmadd_pd(x, k, _mm256_sub_pd(split, _mm256_fmadd_pd(x, k, split)));
    bn4_factor r;
    UNROLL for (int j = 0; j < 5; j++) r.l[j] = _mm256_set1_pd((double)bn_r51[j]);
    narrow_product(&s, _mm256_blendv_pd(m, _mm256_add_pd(m, _mm256_set1_pd(0x1p51)), m), &r);
    bn4 y;
    y.l[0] = _mm256_add_epi64(s.c[1], _mm256_srli_epi64(s.c[0], 51));
    UNROLL for (int i = 1; i < 5; i++) y.l[i] = s.c[1 + i];
    return y;
}

AVX2_INLINE vec plus(vec a, vec b) {
    UNROLL for (int j = 0; j < 5; j++) a.l[j] = _mm256_add_epi64(a.l[j], b.l[j]);
    return a;
}
AVX2_INLINE vec canon4(vec x) { return bn4_canon4(bn4_carry(x)); }

AVX2 static bn_scalar columns_sum(const v4 *c, int columns) {
    bn4_wide s = bn4_wide_zero();
    for (int i = 0; i < columns; i++) s.c[i] = c[i];
    bn4_wide_normalise(&s);
    u64 words[9];
    bn4_wide_sum(&s, words);
    return bn_reduce9(words);
}
AVX2_INLINE bn_scalar narrow_sum(narrow s) { return columns_sum(s.c, 6); }
AVX2_INLINE bn_scalar vec_sum(vec x) { return columns_sum(x.l, 5); }

/// Digits of 16 bits. No carry leaves the top: r is below 2^254.
static void shorts(const u64 *weight, int16_t *out) {
    u64 carry = 0;
    for (int i = 0; i < 4; i++) {
        const u64 x = bn_adc(weight[i], 0x8000800080008000, &carry);
        for (int k = 0; k < 4; k++) out[4 * i + k] = (int16_t)((int)(x >> (16 * k) & 0xffff) - 0x8000);
    }
}

#define PLANES "../goldilocks/short_planes.h"
#include "integer_kernels.h"
#endif
