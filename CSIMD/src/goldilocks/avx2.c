// Goldilocks extension vectors, four elements at a time.
#if defined(__x86_64__)
#include "avx2_field.h"
#include "challenge_table.h"
#include "scalar.h"

#define LANES 4
#define WORDS 2
#define KERNEL AVX2 static
#define NAME(x) goldilocks_avx2_##x

typedef struct {
    v4 c0, c1;
} vec;
typedef struct {
    v4 c0, c1, seven;
} fix;
typedef struct {
    wide4 even, odd, mixed;
} acc;

/// The elements 0, 1 and 2, 3 to lanes 0, 2, 1, 3: any order does that is the same everywhere.
AVX2_INLINE vec split(v4 a, v4 b) { return (vec){_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b)}; }
AVX2_INLINE v4 lows(v4 a, v4 b) { return _mm256_permute2x128_si256(a, b, 0x20); }
AVX2_INLINE v4 highs(v4 a, v4 b) { return _mm256_permute2x128_si256(a, b, 0x31); }

AVX2_INLINE vec load(const u64 *p) { return split(gl4_words(p), gl4_words(p + 4)); }

AVX2_INLINE void load2(const u64 *p, vec *v) {
    const v4 a = gl4_words(p), b = gl4_words(p + 4), c = gl4_words(p + 8), d = gl4_words(p + 12);
    v[0] = split(lows(a, b), lows(c, d));
    v[1] = split(highs(a, b), highs(c, d));
}

AVX2_INLINE void load4(const u64 *p, vec *v) {
    for (int i = 0; i < 2; i++, p += 4) {
        const v4 a = gl4_words(p), b = gl4_words(p + 8), c = gl4_words(p + 16), d = gl4_words(p + 24);
        v[2 * i] = split(lows(a, b), lows(c, d));
        v[2 * i + 1] = split(highs(a, b), highs(c, d));
    }
}

AVX2_INLINE void store(u64 *p, vec v) {
    gl4_put(p, _mm256_unpacklo_epi64(v.c0, v.c1));
    gl4_put(p + 4, _mm256_unpackhi_epi64(v.c0, v.c1));
}

AVX2_INLINE void store2(u64 *p, vec a, vec b) {
    const v4 a0 = _mm256_unpacklo_epi64(a.c0, a.c1), a1 = _mm256_unpackhi_epi64(a.c0, a.c1);
    const v4 b0 = _mm256_unpacklo_epi64(b.c0, b.c1), b1 = _mm256_unpackhi_epi64(b.c0, b.c1);
    gl4_put(p, lows(a0, b0));
    gl4_put(p + 4, highs(a0, b0));
    gl4_put(p + 8, lows(a1, b1));
    gl4_put(p + 12, highs(a1, b1));
}

AVX2_INLINE vec add(vec a, vec b) { return (vec){gl4_add(a.c0, b.c0), gl4_add(a.c1, b.c1)}; }
AVX2_INLINE vec sub(vec a, vec b) { return (vec){gl4_sub(a.c0, b.c0), gl4_sub(a.c1, b.c1)}; }
AVX2_INLINE vec broadcast(const u64 *p) { return (vec){gl4_set(p[0]), gl4_set(p[1])}; }
AVX2_INLINE vec broadcast_negative(const u64 *p) { return (vec){gl4_set(gl_sub(0, p[0])), gl4_set(gl_sub(0, p[1]))}; }
AVX2_INLINE fix make_fix(const u64 *p) { return (fix){gl4_set(p[0]), gl4_set(p[1]), gl4_set(gl_mul(7, p[1]))}; }
AVX2_INLINE acc acc_zero(void) { return (acc){wide4_zero(), wide4_zero(), wide4_zero()}; }

AVX2_INLINE void mac(acc *s, vec a, vec b) {
    wide4_mac(&s->even, a.c0, b.c0);
    wide4_mac(&s->odd, a.c1, b.c1);
    wide4_mac(&s->mixed, a.c0, b.c1);
    wide4_mac(&s->mixed, a.c1, b.c0);
}

AVX2_INLINE void mac_fix(acc *s, vec a, fix f) {
    wide4_mac(&s->even, a.c0, f.c0);
    wide4_mac(&s->even, a.c1, f.seven);
    wide4_mac(&s->mixed, a.c0, f.c1);
    wide4_mac(&s->mixed, a.c1, f.c0);
}

AVX2_INLINE void acc_add(acc *s, vec a) {
    wide4_add(&s->even, a.c0);
    wide4_add(&s->mixed, a.c1);
}

AVX2_INLINE vec reduce(acc *s) { return (vec){wide4_reduce(wide4_add7(s->even, s->odd)), wide4_reduce(s->mixed)}; }

AVX2_INLINE vec canon2(vec a) { return a; }
AVX2_INLINE vec canon4(vec a) { return a; }
AVX2_INLINE vec slim4(vec a) { return a; }

AVX2_INLINE vec product(vec a, vec b) {
    acc s = acc_zero();
    mac(&s, a, b);
    return reduce(&s);
}
AVX2_INLINE vec product_fix(vec a, fix f) {
    acc s = acc_zero();
    mac_fix(&s, a, f);
    return canon2(reduce(&s));
}
AVX2_INLINE vec product_fix_add(vec a, fix f, vec b) {
    acc s = acc_zero();
    mac_fix(&s, a, f);
    acc_add(&s, b); // below 0.38 + 1.13 + 1
    return canon4(reduce(&s));
}

#define TURNS 256
typedef acc total;
AVX2_INLINE total total_zero(void) { return acc_zero(); }
AVX2_INLINE void total_mac(total *s, vec a, vec b) { mac(s, a, b); }
/// Carries are not needed: see wide4_reduce.
AVX2_INLINE void total_normalise(total *s) { (void)s; }

AVX2_INLINE void total_sum(total *s, u64 *sum) {
    u64 lanes[8];
    store(lanes, reduce(s));
    sum[0] = sum[1] = 0;
    for (int i = 0; i < 4; i++) {
        sum[0] = gl_add(sum[0], lanes[2 * i]);
        sum[1] = gl_add(sum[1], lanes[2 * i + 1]);
    }
}

#include "challenge_kernels.h"
#endif
