// Goldilocks extension vectors, eight elements at a time.
#if defined(__x86_64__)
#include "avx512_field.h"
#include "challenge_table.h"
#include "scalar.h"

#define LANES 8
#define WORDS 2
#define KERNEL AVX512 static
#define NAME(x) goldilocks_avx512_##x

typedef struct {
    v8 c0, c1;
} vec;
typedef struct {
    v8 c0, c1, seven;
} fix;
typedef struct {
    wide8 even, odd, mixed;
} acc;

AVX512_INLINE v8 word8(const u64 *p) { return _mm512_loadu_si512(p); }

AVX512_INLINE vec load(const u64 *p) {
    const v8 a = word8(p), b = word8(p + 8);
    return (vec){_mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b),
                 _mm512_permutex2var_epi64(a, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), b)};
}

// Eight records of four words: words 0 and 2 of four records side by side, then 1 and 3, then halves joined.
AVX512_INLINE void load2(const u64 *p, vec *v) {
    const v8 a = word8(p), b = word8(p + 8), c = word8(p + 16), d = word8(p + 24);
    const v8 even = _mm512_setr_epi64(0, 4, 8, 12, 2, 6, 10, 14), odd = _mm512_setr_epi64(1, 5, 9, 13, 3, 7, 11, 15);
    const v8 ab0 = _mm512_permutex2var_epi64(a, even, b), cd0 = _mm512_permutex2var_epi64(c, even, d);
    const v8 ab1 = _mm512_permutex2var_epi64(a, odd, b), cd1 = _mm512_permutex2var_epi64(c, odd, d);
    v[0] = (vec){_mm512_shuffle_i64x2(ab0, cd0, 0x44), _mm512_shuffle_i64x2(ab1, cd1, 0x44)};
    v[1] = (vec){_mm512_shuffle_i64x2(ab0, cd0, 0xee), _mm512_shuffle_i64x2(ab1, cd1, 0xee)};
}

// A transposition of 8 by 8 words.
AVX512_INLINE void load4(const u64 *p, vec *v) {
    v8 a[8], b[8], c[8];
    for (int i = 0; i < 8; i++) a[i] = word8(p + 8 * i);
    for (int i = 0; i < 8; i += 2) {
        b[i] = _mm512_unpacklo_epi64(a[i], a[i + 1]);     // words 0, 2, 4, 6 of records i, i+1
        b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 1]); // words 1, 3, 5, 7
    }
    for (int i = 0; i < 2; i++) {
        c[i] = _mm512_shuffle_i64x2(b[i], b[i + 2], 0x88);         // words 0+i, 4+i of records 0 to 3
        c[2 + i] = _mm512_shuffle_i64x2(b[i], b[i + 2], 0xdd);     // words 2+i, 6+i
        c[4 + i] = _mm512_shuffle_i64x2(b[i + 4], b[i + 6], 0x88); // the same of records 4 to 7
        c[6 + i] = _mm512_shuffle_i64x2(b[i + 4], b[i + 6], 0xdd);
    }
    for (int i = 0; i < 2; i++) {
        v[i] = (vec){_mm512_shuffle_i64x2(c[2 * i], c[4 + 2 * i], 0x88),
                     _mm512_shuffle_i64x2(c[2 * i + 1], c[5 + 2 * i], 0x88)};
        v[2 + i] = (vec){_mm512_shuffle_i64x2(c[2 * i], c[4 + 2 * i], 0xdd),
                         _mm512_shuffle_i64x2(c[2 * i + 1], c[5 + 2 * i], 0xdd)};
    }
}

AVX512_INLINE void store(u64 *p, vec v) {
    _mm512_storeu_si512(p, _mm512_permutex2var_epi64(v.c0, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), v.c1));
    _mm512_storeu_si512(p + 8, _mm512_permutex2var_epi64(v.c0, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), v.c1));
}

AVX512_INLINE void store2(u64 *p, vec a, vec b) {
    const v8 low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    const v8 first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11),
             second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    const v8 a0 = _mm512_permutex2var_epi64(a.c0, low, a.c1), a1 = _mm512_permutex2var_epi64(a.c0, high, a.c1);
    const v8 b0 = _mm512_permutex2var_epi64(b.c0, low, b.c1), b1 = _mm512_permutex2var_epi64(b.c0, high, b.c1);
    _mm512_storeu_si512(p, _mm512_permutex2var_epi64(a0, first, b0));
    _mm512_storeu_si512(p + 8, _mm512_permutex2var_epi64(a0, second, b0));
    _mm512_storeu_si512(p + 16, _mm512_permutex2var_epi64(a1, first, b1));
    _mm512_storeu_si512(p + 24, _mm512_permutex2var_epi64(a1, second, b1));
}

AVX512_INLINE vec add(vec a, vec b) { return (vec){gl8_add(a.c0, b.c0), gl8_add(a.c1, b.c1)}; }
AVX512_INLINE vec sub(vec a, vec b) { return (vec){gl8_sub(a.c0, b.c0), gl8_sub(a.c1, b.c1)}; }
AVX512_INLINE vec broadcast(const u64 *p) { return (vec){gl8_set(p[0]), gl8_set(p[1])}; }
AVX512_INLINE vec broadcast_negative(const u64 *p) { return (vec){gl8_set(gl_sub(0, p[0])), gl8_set(gl_sub(0, p[1]))}; }
AVX512_INLINE fix make_fix(const u64 *p) { return (fix){gl8_set(p[0]), gl8_set(p[1]), gl8_set(gl_mul(7, p[1]))}; }
AVX512_INLINE acc acc_zero(void) { return (acc){wide8_zero(), wide8_zero(), wide8_zero()}; }

AVX512_INLINE void mac(acc *s, vec a, vec b) {
    wide8_mac(&s->even, a.c0, b.c0);
    wide8_mac(&s->odd, a.c1, b.c1);
    wide8_mac(&s->mixed, a.c0, b.c1);
    wide8_mac(&s->mixed, a.c1, b.c0);
}

AVX512_INLINE void mac_fix(acc *s, vec a, fix f) {
    wide8_mac(&s->even, a.c0, f.c0);
    wide8_mac(&s->even, a.c1, f.seven);
    wide8_mac(&s->mixed, a.c0, f.c1);
    wide8_mac(&s->mixed, a.c1, f.c0);
}

AVX512_INLINE void acc_add(acc *s, vec a) {
    wide8_add(&s->even, a.c0);
    wide8_add(&s->mixed, a.c1);
}

AVX512_INLINE vec reduce(acc *s) { return (vec){wide8_reduce(wide8_add7(s->even, s->odd)), wide8_reduce(s->mixed)}; }

AVX512_INLINE vec canon2(vec a) { return a; }
AVX512_INLINE vec canon4(vec a) { return a; }
AVX512_INLINE vec slim4(vec a) { return a; }

AVX512_INLINE vec product(vec a, vec b) {
    acc s = acc_zero();
    mac(&s, a, b);
    return reduce(&s);
}
AVX512_INLINE vec product_fix(vec a, fix f) {
    acc s = acc_zero();
    mac_fix(&s, a, f);
    return canon2(reduce(&s));
}
AVX512_INLINE vec product_fix_add(vec a, fix f, vec b) {
    acc s = acc_zero();
    mac_fix(&s, a, f);
    acc_add(&s, b); // below 0.38 + 1.13 + 1
    return canon4(reduce(&s));
}

#define TURNS 256
typedef acc total;
AVX512_INLINE total total_zero(void) { return acc_zero(); }
AVX512_INLINE void total_mac(total *s, vec a, vec b) { mac(s, a, b); }
AVX512_INLINE void total_normalise(total *s) {
    wide8_normalise(&s->even);
    wide8_normalise(&s->odd);
    wide8_normalise(&s->mixed);
}

AVX512_INLINE void total_sum(total *s, u64 *sum) {
    u64 lanes[16];
    store(lanes, reduce(s));
    sum[0] = sum[1] = 0;
    for (int i = 0; i < 8; i++) {
        sum[0] = gl_add(sum[0], lanes[2 * i]);
        sum[1] = gl_add(sum[1], lanes[2 * i + 1]);
    }
}

#include "challenge_kernels.h"
#endif
