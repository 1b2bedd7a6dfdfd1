// BN254, one element at a time.
#include "../goldilocks/challenge_table.h"
#include "scalar.h"

#define LANES 1
#define WORDS 4
#define KERNEL static
#define NAME(x) bn254_portable_##x

/// Always canonical here.
typedef bn_scalar vec;
typedef bn_scalar fix;
/// A sum of products of Montgomery forms in nine words.
typedef struct {
    u64 w[9];
} acc;

static inline vec load(const u64 *p) { return (vec){{p[0], p[1], p[2], p[3]}}; }
static inline void load2(const u64 *p, vec *v) { v[0] = load(p), v[1] = load(p + 4); }
static inline void load4(const u64 *p, vec *v) { load2(p, v), load2(p + 8, v + 2); }
static inline void store(u64 *p, vec v) { p[0] = v.w[0], p[1] = v.w[1], p[2] = v.w[2], p[3] = v.w[3]; }
static inline void store2(u64 *p, vec a, vec b) { store(p, a), store(p + 4, b); }
static inline vec add(vec a, vec b) { return bn_add(a, b); }
static inline vec sub(vec a, vec b) { return bn_sub(a, b); }
static inline vec broadcast(const u64 *p) { return load(p); }
static inline vec broadcast_negative(const u64 *p) { return bn_sub((vec){{0, 0, 0, 0}}, load(p)); }
static inline fix make_fix(const u64 *p) { return load(p); }
static inline acc acc_zero(void) { return (acc){{0, 0, 0, 0, 0, 0, 0, 0, 0}}; }

static inline void mac(acc *s, vec a, vec b) {
    u64 t[8];
    u64 c = 0;
    for (int j = 0; j < 4; j++) t[j] = bn_mac(a.w[0], b.w[j], 0, &c);
    t[4] = c;
    for (int i = 1; i < 4; i++) {
        c = 0;
        for (int j = 0; j < 4; j++) t[i + j] = bn_mac(a.w[i], b.w[j], t[i + j], &c);
        t[i + 4] = c;
    }
    c = 0;
    for (int i = 0; i < 8; i++) s->w[i] = bn_adc(s->w[i], t[i], &c);
    s->w[8] += c;
}
static inline void mac_fix(acc *s, vec a, fix f) { mac(s, a, f); }

/// Adds 2^256 a, which the reduction divides by 2^256 again.
static inline void acc_add(acc *s, vec a) {
    u64 c = 0;
    for (int i = 0; i < 4; i++) s->w[4 + i] = bn_adc(s->w[4 + i], a.w[i], &c);
    s->w[8] += c;
}

static inline vec reduce(acc *s) {
    u64 *t = s->w, over = 0;
    for (int i = 0; i < 4; i++) {
        const u64 m = t[i] * BN_NEGATIVE_INVERSE;
        u64 c = 0;
        for (int j = 0; j < 4; j++) t[i + j] = bn_mac(m, bn_r[j], t[i + j], &c);
        // `over` is the carry into word i + 4, which the row before left.
        t[i + 4] = bn_adc(t[i + 4], c, &over);
    }
    u64 top = t[8] + over;
    // A few r at most: products count 0.19 each, summands 1, the reduction 1.
    for (;;) {
        u64 d[4], borrow = 0;
        for (int i = 0; i < 4; i++) d[i] = bn_sbb(t[4 + i], bn_r[i], &borrow);
        if (borrow > top) return (vec){{t[4], t[5], t[6], t[7]}};
        top -= borrow;
        for (int i = 0; i < 4; i++) t[4 + i] = d[i];
    }
}

static inline vec canon2(vec a) { return a; }
static inline vec canon4(vec a) { return a; }
static inline vec slim4(vec a) { return a; }
static inline vec product(vec a, vec b) { return bn_mul(a, b); }
static inline vec product_fix(vec a, fix f) { return bn_mul(a, f); }
static inline vec product_fix_add(vec a, fix f, vec b) { return bn_add(bn_mul(a, f), b); }

#define TURNS 256
typedef acc total;
static inline total total_zero(void) { return acc_zero(); }
static inline void total_mac(total *s, vec a, vec b) { mac(s, a, b); }
static inline void total_normalise(total *s) { (void)s; }
static inline void total_sum(total *s, u64 *sum) { store(sum, bn_montgomery_reduce9(s->w)); }

#include "../goldilocks/challenge_kernels.h"
