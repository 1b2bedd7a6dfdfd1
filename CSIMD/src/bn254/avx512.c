// BN254 vectors, sixteen elements at a time: two vectors of eight go through every step side by side, because the carries
// at the end of a product are one long chain of dependent instructions, more of them than the processor looks ahead.
#if defined(__x86_64__)
#include "../goldilocks/challenge_table.h"
#include "avx512_field.h"

#define LANES 16
#define WORDS 4
#define KERNEL AVX512 static
#define NAME(x) bn254_avx512_##x

typedef struct {
    bn8 v[2];
} vec;
/// A left factor.
typedef bn8 fix;
typedef struct {
    bn8_wide s[2];
} acc;

AVX512_INLINE vec load_strided(const u64 *p, size_t stride) {
    return (vec){{bn8_load_strided(p, stride), bn8_load_strided(p + 32 * stride, stride)}};
}
AVX512_INLINE vec load(const u64 *p) { return (vec){{bn8_load(p), bn8_load(p + 32)}}; }
AVX512_INLINE void load2(const u64 *p, vec *v) {
    for (int i = 0; i < 2; i++) v[i] = load_strided(p + 4 * i, 2);
}
AVX512_INLINE void load4(const u64 *p, vec *v) {
    for (int i = 0; i < 4; i++) v[i] = load_strided(p + 4 * i, 4);
}
// The lanes of a strided load are those of `load`, so results go where they belong.
AVX512_INLINE void store(u64 *p, vec x) {
    bn8_store(p, x.v[0]);
    bn8_store(p + 32, x.v[1]);
}
AVX512_INLINE void store2(u64 *p, vec a, vec b) {
    for (int k = 0; k < 2; k++) {
        bn8_store_strided(p + 64 * k, a.v[k], 2);
        bn8_store_strided(p + 64 * k + 4, b.v[k], 2);
    }
}

/// bn8_carry of both.
AVX512_INLINE vec carry(vec x) {
    const v8 mask = gl8_set(BN_MASK52);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 2; k++) {
            x.v[k].l[i + 1] = _mm512_add_epi64(x.v[k].l[i + 1], _mm512_srai_epi64(x.v[k].l[i], 52));
            x.v[k].l[i] = _mm512_and_si512(x.v[k].l[i], mask);
        }
    }
    return x;
}
AVX512_INLINE vec add(vec a, vec b) {
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 5; i++) a.v[k].l[i] = _mm512_add_epi64(a.v[k].l[i], b.v[k].l[i]);
    return carry(a);
}
/// a - b + m.
AVX512_INLINE vec sub_from(vec a, vec b, const u64 *m) {
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 5; i++)
            a.v[k].l[i] = _mm512_add_epi64(_mm512_sub_epi64(a.v[k].l[i], b.v[k].l[i]), gl8_set(m[i]));
    return carry(a);
}
AVX512_INLINE vec sub(vec a, vec b) { return sub_from(a, b, bn_r52); }
AVX512_INLINE vec reduce_once(vec x, const u64 *m) {
    vec d;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 5; i++) d.v[k].l[i] = _mm512_sub_epi64(x.v[k].l[i], gl8_set(m[i]));
    d = carry(d);
    for (int k = 0; k < 2; k++) {
        const __mmask8 negative = _mm512_movepi64_mask(d.v[k].l[4]);
        for (int i = 0; i < 5; i++) d.v[k].l[i] = _mm512_mask_mov_epi64(d.v[k].l[i], negative, x.v[k].l[i]);
    }
    return d;
}
AVX512_INLINE vec canon2(vec x) { return reduce_once(x, bn_r52); }
AVX512_INLINE vec canon4(vec x) { return reduce_once(reduce_once(x, bn_2r52), bn_r52); }

AVX512_INLINE bn8 broadcast8(const u64 *p) {
    return bn8_from_words(gl8_set(p[0]), gl8_set(p[1]), gl8_set(p[2]), gl8_set(p[3]));
}
AVX512_INLINE vec broadcast(const u64 *p) { return (vec){{broadcast8(p), broadcast8(p)}}; }
/// r minus the element.
AVX512_INLINE vec broadcast_negative(const u64 *p) {
    const v8 zero = _mm512_setzero_si512();
    const bn8 x = bn8_sub((bn8){{zero, zero, zero, zero, zero}}, broadcast8(p));
    return (vec){{x, x}};
}
AVX512_INLINE fix make_fix(const u64 *p) { return bn8_left(broadcast8(p)); }

AVX512_INLINE acc acc_zero(void) { return (acc){{bn8_wide_zero(), bn8_wide_zero()}}; }
AVX512_INLINE void mac(acc *s, vec a, vec b) {
    for (int k = 0; k < 2; k++) bn8_mac(&s->s[k], bn8_left(a.v[k]), b.v[k]);
}
AVX512_INLINE void mac_fix(acc *s, vec a, fix f) {
    for (int k = 0; k < 2; k++) bn8_mac(&s->s[k], f, a.v[k]);
}
AVX512_INLINE void acc_add(acc *s, vec a) {
    for (int k = 0; k < 2; k++) bn8_wide_add(&s->s[k], a.v[k]);
}
AVX512_INLINE vec reduce(acc *s) {
    vec x;
    for (int k = 0; k < 2; k++) x.v[k] = bn8_wide_clear(&s->s[k]);
    return carry(x);
}

/// One sum of 8 lanes for both vectors: 2 * 128 products are 10 * 2^8 * 2^52 a column.
#define TURNS 128
typedef bn8_wide total;
AVX512_INLINE total total_zero(void) { return bn8_wide_zero(); }
AVX512_INLINE void total_mac(total *s, vec a, vec b) {
    for (int k = 0; k < 2; k++) bn8_mac(s, bn8_left(a.v[k]), b.v[k]);
}
AVX512_INLINE void total_normalise(total *s) { bn8_wide_normalise(s); }
AVX512_INLINE void total_sum(total *s, u64 *sum) {
    u64 words[9];
    bn8_wide_sum(s, words);
    const bn_scalar x = bn_reduce260(words);
    for (int i = 0; i < 4; i++) sum[i] = x.w[i];
}

#include "../goldilocks/challenge_kernels.h"
#endif
