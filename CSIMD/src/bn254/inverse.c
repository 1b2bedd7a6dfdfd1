// Inverses modulo the two primes of BN254 by division steps (Bernstein, Yang, "Fast constant-time gcd computation and
// modular inversion", 2019), in variable time: 62 steps at a time on the lowest words, collected in a 2 by 2 matrix,
// then once on the long numbers.
#include "../../include/csimd_bn254.h"
#include "../../include/csimd_bn254_curve.h"
#include "scalar.h"

typedef int64_t i64;
typedef __int128 i128;

/// Five signed limbs of 62 bits; all but the top one in 0..<2^62.
typedef struct {
    i64 l[5];
} limbs;

#define LOW62 ((i64)(UINT64_MAX >> 2))

/// A prime p.
typedef struct {
    /// p, and 1/p mod 2^62.
    limbs value;
    uint64_t inverse;
    /// 2^768 modulo p: (2^256 x)^-1 times this over 2^256 is 2^256 / x.
    bn_scalar fix;
    bn_modulus words;
} prime;

static const prime order = {
    {{0x3e1f593f0000001, 0x20cfa121e6e5c245, 0x5045b68181585d2, 0x19139cb84c680a6e, 0x30}},
    0x3d1e0a6c10000001,
    {{0x5e94d8e1b4bf0040, 0x2a489cbe1cfbb6b8, 0x893cc664a19fcfed, 0x0cf8594b7fcc657c}},
    {{0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029}, BN_NEGATIVE_INVERSE}};

static const prime base = {
    {{0x3c208c16d87cfd47, 0x1e05aa45a1c72a34, 0x5045b68181585d9, 0x19139cb84c680a6e, 0x30}},
    0x382df87d1b799c77,
    {{0xb1cd6dafda1530df, 0x62f210e6a7283db6, 0xef7f0b0c0ada0afb, 0x20fd6e902d592544}},
    {{0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029}, 0x87d20782e4866389}};

/// The steps as a matrix: (f, g) becomes (u f + v g, q f + s g) / 2^62.
typedef struct {
    i64 u, v, q, s;
} matrix;

/// 62 division steps on the low words of f (odd) and g; `eta` is minus the paper's delta, and its new value is
/// returned.
static i64 steps(i64 eta, uint64_t f, uint64_t g, matrix *m) {
    uint64_t u = 1, v = 0, q = 0, s = 1;
    int left = 62;
    for (;;) {
        // A step with even g halves it: all of those at once.
        const int zeros = __builtin_ctzll(g | (uint64_t)1 << left);
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        eta -= zeros;
        left -= zeros;
        if (left == 0) break;
        if (eta < 0) {
            uint64_t t;
            eta = -eta;
            t = f, f = g, g = 0 - t;
            t = u, u = q, q = 0 - t;
            t = v, v = s, s = 0 - t;
        }
        // The next eta + 1 steps do not swap: add the multiple of f that clears up to 6 low bits of g. For odd f,
        // f (f f - 2) is -1/f modulo 64.
        const int bits = eta + 1 < left ? (int)eta + 1 : left;
        const uint64_t mask = UINT64_MAX >> (64 - bits) & 63;
        const uint64_t w = g * f * (f * f - 2) & mask;
        g += f * w;
        q += u * w;
        s += v * w;
    }
    *m = (matrix){(i64)u, (i64)v, (i64)q, (i64)s};
    return eta;
}

static void update(limbs *f, limbs *g, const matrix *m) {
    // The low 62 bits of both are zero.
    i128 a = ((i128)m->u * f->l[0] + (i128)m->v * g->l[0]) >> 62;
    i128 b = ((i128)m->q * f->l[0] + (i128)m->s * g->l[0]) >> 62;
    for (int i = 1; i < 5; i++) {
        a += (i128)m->u * f->l[i] + (i128)m->v * g->l[i];
        b += (i128)m->q * f->l[i] + (i128)m->s * g->l[i];
        f->l[i - 1] = (i64)a & LOW62;
        g->l[i - 1] = (i64)b & LOW62;
        a >>= 62;
        b >>= 62;
    }
    f->l[4] = (i64)a;
    g->l[4] = (i64)b;
}

/// The same modulo p, for d and e in -2p..<p, which they stay in: p is added once for each negative one, and as often
/// as makes the low 62 bits zero.
static void update_modulo(limbs *d, limbs *e, const matrix *m, const prime *p) {
    const i64 dn = d->l[4] >> 63, en = e->l[4] >> 63;
    i64 x = (m->u & dn) + (m->v & en), y = (m->q & dn) + (m->s & en);
    i128 a = (i128)m->u * d->l[0] + (i128)m->v * e->l[0];
    i128 b = (i128)m->q * d->l[0] + (i128)m->s * e->l[0];
    x -= (i64)((p->inverse * (uint64_t)a + (uint64_t)x) & LOW62);
    y -= (i64)((p->inverse * (uint64_t)b + (uint64_t)y) & LOW62);
    a = (a + (i128)p->value.l[0] * x) >> 62;
    b = (b + (i128)p->value.l[0] * y) >> 62;
    for (int i = 1; i < 5; i++) {
        a += (i128)m->u * d->l[i] + (i128)m->v * e->l[i] + (i128)p->value.l[i] * x;
        b += (i128)m->q * d->l[i] + (i128)m->s * e->l[i] + (i128)p->value.l[i] * y;
        d->l[i - 1] = (i64)a & LOW62;
        e->l[i - 1] = (i64)b & LOW62;
        a >>= 62;
        b >>= 62;
    }
    d->l[4] = (i64)a;
    e->l[4] = (i64)b;
}

/// factor * d + add * p, carried.
static limbs combine(limbs d, i64 factor, i64 add, const prime *p) {
    i128 carry = 0;
    for (int i = 0; i < 5; i++) {
        carry += (i128)factor * d.l[i] + (i128)add * p->value.l[i];
        d.l[i] = i < 4 ? (i64)carry & LOW62 : (i64)carry;
        carry >>= 62;
    }
    return d;
}

static void invert(const void *element, void *out, const prime *p) {
    const uint64_t *w = element;
    limbs f = p->value, d = {{0, 0, 0, 0, 0}}, e = {{1, 0, 0, 0, 0}};
    limbs g = {{(i64)w[0] & LOW62, (i64)(w[0] >> 62 | w[1] << 2) & LOW62, (i64)(w[1] >> 60 | w[2] << 4) & LOW62,
                (i64)(w[2] >> 58 | w[3] << 6) & LOW62, (i64)(w[3] >> 56)}};
    i64 eta = -1;
    // f = d x and g = e x modulo p, x the stored integer; g = 0 after at most 12 rounds (742 steps are enough for any
    // inputs below 2^256), and then f is 1 or -1, or p for x = 0, which has d = 0.
    while ((g.l[0] | g.l[1] | g.l[2] | g.l[3] | g.l[4]) != 0) {
        matrix m;
        eta = steps(eta, (uint64_t)f.l[0] | (uint64_t)f.l[1] << 62, (uint64_t)g.l[0] | (uint64_t)g.l[1] << 62, &m);
        update_modulo(&d, &e, &m, p);
        update(&f, &g, &m);
    }
    d = combine(d, 1, d.l[4] < 0 ? 1 : 0, p);  // -p..<p
    d = combine(d, f.l[4] < 0 ? -1 : 1, 0, p); // -p...p
    d = combine(d, 1, d.l[4] < 0 ? 1 : 0, p);  // 0..<p, for d is not 0 unless x is
    const uint64_t *l = (const uint64_t *)d.l;
    const bn_scalar inverse = {
        {l[0] | l[1] << 62, l[1] >> 2 | l[2] << 60, l[2] >> 4 | l[3] << 58, l[3] >> 6 | l[4] << 56}};
    const bn_scalar result = bn_mul_modulo(inverse, p->fix, &p->words);
    uint64_t *z = out;
    for (int i = 0; i < 4; i++) z[i] = result.w[i];
}

void csimd_bn254_inverse(const void *element, void *out) { invert(element, out, &order); }
void csimd_bn254_base_inverse(const void *element, void *out) { invert(element, out, &base); }
