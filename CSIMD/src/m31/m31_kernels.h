/// The kernels, written once over the vector operations that the including file defines (m31_portable.c, m31_avx2.c,
/// m31_avx512.c): V (LANES base elements), X (an operand of products), A (64-bit sums), Q (LANES extension elements).
///
/// Ranges. V is canonical, in [0, p), unless a comment says otherwise. With p < 2^31, a product of two values in [0,
/// p] is at most p^2 < 2^62, and a sum of four of them at most 4p^2 = 2^64 - 2^34 + 4: four products add up in 64
/// bits without reduction. Left operands are canonical in fact, which leaves 4 (p-1) p < 2^64 - 2^34 - 2^33 + 8.
/// `a_fold` takes any 64-bit x to (x mod 2^31) + (x >> 31) < 2^31 + 2^33; `a_canonical` any x < 2^64 - 2^33 to [0,
/// p).
#define FN static inline __attribute__((always_inline)) TARGET
#define KERNEL static TARGET
/// Loops over registers, whose bounds are constants once inlined.
#define UNROLL _Pragma("clang loop unroll(full)")

// MARK: Extension elements

/// A left operand: coordinates a0, a1, b0, b1 in [0, p).
typedef struct QX {
    X c[4];
} QX;

/// A right operand (c0 + c1 i) + (d0 + d1 i) u with e = (2 + i) d and the negatives that products need, all in [0, p].
typedef struct QY {
    X c0, c1, minus_c1, d0, d1, minus_d1, e0, e1, minus_e1;
} QY;

/// Sums a coordinate.
typedef struct QA {
    A c[4];
} QA;

FN Q q_add(Q a, Q b) {
    for (int i = 0; i < 4; i++) {
        a.c[i] = v_add(a.c[i], b.c[i]);
    }
    return a;
}

FN Q q_sub(Q a, Q b) {
    for (int i = 0; i < 4; i++) {
        a.c[i] = v_sub(a.c[i], b.c[i]);
    }
    return a;
}

/// Adds the base element one, for transposed elements.
FN Q q_plus_one(Q a) {
    a.c[0] = v_add(a.c[0], v_set1(1));
    return a;
}

FN QX q_left(Q a) {
    QX x;
    for (int i = 0; i < 4; i++) {
        x.c[i] = x_of(a.c[i]);
    }
    return x;
}

FN QY q_right(Q a) {
    V c1 = a.c[1], d0 = a.c[2], d1 = a.c[3];
    V e0 = v_sub(v_add(d0, d0), d1);
    V e1 = v_add(v_add(d1, d1), d0);
    QY y;
    y.c0 = x_of(a.c[0]);
    y.c1 = x_of(c1);
    y.minus_c1 = x_negative(y.c1);
    y.d0 = x_of(d0);
    y.d1 = x_of(d1);
    y.minus_d1 = x_negative(y.d1);
    y.e0 = x_of(e0);
    y.e1 = x_of(e1);
    y.minus_e1 = x_negative(y.e1);
    return y;
}

/// The same right operand in every lane.
FN QY q_right1(csimd_qm31 a) {
    uint64_t d0 = a.c[2], d1 = a.c[3];
    uint32_t e0 = (uint32_t)((2 * d0 + M31_P - d1) % M31_P);
    uint32_t e1 = (uint32_t)((2 * d1 + d0) % M31_P);
    QY y;
    y.c0 = x_set1(a.c[0]);
    y.c1 = x_set1(a.c[1]);
    y.minus_c1 = x_set1(M31_P - a.c[1]);
    y.d0 = x_set1(a.c[2]);
    y.d1 = x_set1(a.c[3]);
    y.minus_d1 = x_set1(M31_P - a.c[3]);
    y.e0 = x_set1(e0);
    y.e1 = x_set1(e1);
    y.minus_e1 = x_set1(M31_P - e1);
    return y;
}

/// a b + c d + e f + g h, at most 4 p^2 < 2^64.
FN A a_mul4(X a, X b, X c, X d, X e, X f, X g, X h) {
    return a_add(a_add(a_mul(a, b), a_mul(c, d)), a_add(a_mul(e, f), a_mul(g, h)));
}

/// The product, each coordinate an unreduced sum of four products.
FN QA q_mul(QX x, QY y) {
    X a0 = x.c[0], a1 = x.c[1], b0 = x.c[2], b1 = x.c[3];
    QA r;
    r.c[0] = a_mul4(a0, y.c0, a1, y.minus_c1, b0, y.e0, b1, y.minus_e1);
    r.c[1] = a_mul4(a0, y.c1, a1, y.c0, b0, y.e1, b1, y.e0);
    r.c[2] = a_mul4(a0, y.d0, a1, y.minus_d1, b0, y.c0, b1, y.minus_c1);
    r.c[3] = a_mul4(a0, y.d1, a1, y.d0, b0, y.c1, b1, y.c0);
    return r;
}

FN Q q_canonical(QA a) {
    Q q;
    for (int i = 0; i < 4; i++) {
        q.c[i] = a_canonical(a.c[i]);
    }
    return q;
}

/// a + fold(b). Starting from zero, 2^30 calls stay below 2^64: more elements than memory holds. Sums must come out
/// below 2^64 - 2^33 where `q_canonical` follows, below 2^64 where `q_sum` does.
FN QA q_accumulate(QA a, QA b) {
    for (int i = 0; i < 4; i++) {
        a.c[i] = a_add(a.c[i], a_fold(b.c[i]));
    }
    return a;
}

FN QA qa_zero(void) {
    QA a;
    for (int i = 0; i < 4; i++) {
        a.c[i] = a_zero();
    }
    return a;
}

FN csimd_qm31 q_sum(QA a) {
    csimd_qm31 r;
    for (int i = 0; i < 4; i++) {
        r.c[i] = a_sum(a.c[i]);
    }
    return r;
}

FN Q q_load(const uint32_t *p) { return q_transpose(r_load(p)); }
FN void q_store(uint32_t *p, Q a) { r_store(p, q_transpose(a)); }

FN void q_load_pairs(const uint32_t *p, Q *low, Q *high) {
    Q a, b;
    r_load_pairs(p, &a, &b);
    *low = q_transpose(a);
    *high = q_transpose(b);
}

/// Words of a block of LANES extension elements.
enum { BLOCK = 4 * LANES };

/// A copy `name_pad` of the `rest` < LANES items at `name`, padded to LANES with zeros.
#define PAD(name, words_per_item)                                            \
    uint32_t name##_pad[(words_per_item) * LANES];                          \
    memset(name##_pad, 0, sizeof name##_pad);                               \
    memcpy(name##_pad, name, (size_t)(words_per_item) * 4 * rest)

// MARK: Base vectors

KERNEL void embed_s8(const int8_t *in, uint32_t *out, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        v_store(out + i, v_from_s8(in + i));
    }
    for (; i < n; i++) {
        int32_t a = in[i];
        out[i] = (uint32_t)(a < 0 ? a + (int32_t)M31_P : a);
    }
}

KERNEL void embed_s16(const int16_t *in, uint32_t *out, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        v_store(out + i, v_from_s16(in + i));
    }
    for (; i < n; i++) {
        int32_t a = in[i];
        out[i] = (uint32_t)(a < 0 ? a + (int32_t)M31_P : a);
    }
}

FN uint32_t from_s64(int64_t a) {
    a %= (int64_t)M31_P;
    return (uint32_t)(a < 0 ? a + (int64_t)M31_P : a);
}

KERNEL void embed_s32(const int32_t *in, uint32_t *out, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        v_store(out + i, v_from_s32(in + i));
    }
    for (; i < n; i++) {
        out[i] = from_s64(in[i]);
    }
}

KERNEL void embed_s64(const int64_t *in, uint32_t *out, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        v_store(out + i, v_from_s64(in + i));
    }
    for (; i < n; i++) {
        out[i] = from_s64(in[i]);
    }
}

KERNEL void base_add_scaled(const uint32_t *a, uint32_t factor, uint32_t *out, size_t n) {
    V f = v_factor1(factor);
    size_t i = 0;
    for (; i + 2 * LANES < n; i += 2 * LANES) {
        V first = v_add(v_load(out + i), v_mul1_from(a + i, f));
        V second = v_add(v_load(out + i + LANES), v_mul1_from(a + i + LANES, f));
        v_store(out + i, first);
        v_store(out + i + LANES, second);
    }
    for (; i + LANES <= n; i += LANES) {
        v_store(out + i, v_add(v_load(out + i), v_mul1(v_load(a + i), f)));
    }
    if (i < n) {
        size_t rest = n - i;
        v_store_some(out + i, v_add(v_load_some(out + i, rest), v_mul1(v_load_some(a + i, rest), f)), rest);
    }
}

// MARK: Vectors of extension elements

KERNEL void widen(const uint32_t *a, uint32_t *out, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        r_store(out + 4 * i, r_widen(a + i));
    }
    for (; i < n; i++) {
        out[4 * i] = a[i];
        out[4 * i + 1] = out[4 * i + 2] = out[4 * i + 3] = 0;
    }
}

KERNEL void add(const uint32_t *a, const uint32_t *b, uint32_t *out, size_t n) {
    // Coordinates do not matter here: 4n base elements.
    size_t i = 0;
    n *= 4;
    for (; i + LANES <= n; i += LANES) {
        v_store(out + i, v_add(v_load(a + i), v_load(b + i)));
    }
    if (i < n) {
        size_t rest = n - i;
        v_store_some(out + i, v_add(v_load_some(a + i, rest), v_load_some(b + i, rest)), rest);
    }
}

FN void mul_block(const uint32_t *a, const uint32_t *b, uint32_t *out) {
    q_store(out, q_canonical(q_mul(q_left(q_load(a)), q_right(q_load(b)))));
}

KERNEL void mul(const uint32_t *a, const uint32_t *b, uint32_t *out, size_t n) {
    for (; n >= LANES; n -= LANES, a += BLOCK, b += BLOCK, out += BLOCK) {
        mul_block(a, b, out);
    }
    if (n > 0) {
        size_t rest = n;
        PAD(a, 4);
        PAD(b, 4);
        mul_block(a_pad, b_pad, a_pad);
        memcpy(out, a_pad, 16 * rest);
    }
}

FN void add_scaled_block(const uint32_t *a, QY f, uint32_t *out) {
    Q product = q_canonical(q_mul(q_left(q_load(a)), f));
    r_store(out, q_add(r_load(out), q_transpose(product)));
}

KERNEL void add_scaled(const uint32_t *a, csimd_qm31 factor, uint32_t *out, size_t n) {
    QY f = q_right1(factor);
    for (; n >= LANES; n -= LANES, a += BLOCK, out += BLOCK) {
        add_scaled_block(a, f, out);
    }
    if (n > 0) {
        size_t rest = n;
        PAD(a, 4);
        PAD(out, 4);
        add_scaled_block(a_pad, f, out_pad);
        memcpy(out, out_pad, 16 * rest);
    }
}

FN void scale_block(const uint32_t *a, QY f, uint32_t *out) { q_store(out, q_canonical(q_mul(q_left(q_load(a)), f))); }

KERNEL void scale(const uint32_t *a, csimd_qm31 factor, uint32_t *out, size_t n) {
    QY f = q_right1(factor);
    for (; n >= LANES; n -= LANES, a += BLOCK, out += BLOCK) {
        scale_block(a, f, out);
    }
    if (n > 0) {
        size_t rest = n;
        PAD(a, 4);
        scale_block(a_pad, f, a_pad);
        memcpy(out, a_pad, 16 * rest);
    }
}

/// A base vector times an extension element that is the same in all lanes.
FN Q q_base_times(V a, const V f[4]) {
    Q q;
    for (int i = 0; i < 4; i++) {
        q.c[i] = v_mul1(a, f[i]);
    }
    return q;
}

/// `out[i] -= a[i]` for base elements `a`, in blocks; returns how many.
FN size_t subtract_base(const uint32_t *a, uint32_t *out, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        r_store(out + 4 * i, q_sub(r_load(out + 4 * i), r_widen(a + i)));
    }
    return i;
}

KERNEL void add_scaled_base(const uint32_t *a, csimd_qm31 factor, uint32_t *out, size_t n) {
    if (factor.c[0] == M31_P - 1 && (factor.c[1] | factor.c[2] | factor.c[3]) == 0) {
        // The arguments of lookups.
        size_t done = subtract_base(a, out, n);
        a += done;
        out += 4 * done;
        n -= done;
    }
    V f[4];
    for (int i = 0; i < 4; i++) {
        f[i] = v_factor1(factor.c[i]);
    }
    for (; n >= LANES; n -= LANES, a += LANES, out += BLOCK) {
        r_store(out, q_add(r_load(out), q_transpose(q_base_times(v_load_as_q(a), f))));
    }
    if (n > 0) {
        size_t rest = n;
        PAD(a, 1);
        PAD(out, 4);
        r_store(out_pad, q_add(r_load(out_pad), q_transpose(q_base_times(v_load_as_q(a_pad), f))));
        memcpy(out, out_pad, 16 * rest);
    }
}

KERNEL csimd_qm31 inner(const uint32_t *a, const uint32_t *b, size_t n) {
    QA sum = qa_zero();
    for (; n >= LANES; n -= LANES, a += BLOCK, b += BLOCK) {
        sum = q_accumulate(sum, q_mul(q_left(q_load(a)), q_right(q_load(b))));
    }
    if (n > 0) {
        size_t rest = n;
        PAD(a, 4);
        PAD(b, 4);
        sum = q_accumulate(sum, q_mul(q_left(q_load(a_pad)), q_right(q_load(b_pad))));
    }
    return q_sum(sum);
}

FN QA q_base_products(V a, Q b) {
    X x = x_of(a);
    QA r;
    for (int i = 0; i < 4; i++) {
        r.c[i] = a_mul(x, x_of(b.c[i]));
    }
    return r;
}

FN QA qa_add(QA a, QA b) {
    for (int i = 0; i < 4; i++) {
        a.c[i] = a_add(a.c[i], b.c[i]);
    }
    return a;
}

KERNEL csimd_qm31 inner_base(const uint32_t *a, const uint32_t *b, size_t n) {
    QA sum = qa_zero();
    // Four products below 2^62 before a fold.
    for (; n >= 4 * LANES; n -= 4 * LANES, a += 4 * LANES, b += 4 * BLOCK) {
        QA four = q_base_products(v_load_as_q(a), q_load(b));
        for (int i = 1; i < 4; i++) {
            four = qa_add(four, q_base_products(v_load_as_q(a + i * LANES), q_load(b + i * BLOCK)));
        }
        sum = q_accumulate(sum, four);
    }
    for (; n >= LANES; n -= LANES, a += LANES, b += BLOCK) {
        sum = q_accumulate(sum, q_base_products(v_load_as_q(a), q_load(b)));
    }
    if (n > 0) {
        size_t rest = n;
        PAD(a, 1);
        PAD(b, 4);
        sum = q_accumulate(sum, q_base_products(v_load_as_q(a_pad), q_load(b_pad)));
    }
    return q_sum(sum);
}

FN void expand_block(uint32_t *low, uint32_t *high, QY r) {
    Q before = r_load(low);
    Q product = q_transpose(q_canonical(q_mul(q_left(q_transpose(before)), r)));
    r_store(high, product);
    r_store(low, q_sub(before, product));
}

KERNEL void expand(uint32_t *table, size_t size, csimd_qm31 r1) {
    QY r = q_right1(r1);
    uint32_t *low = table, *high = table + 4 * size;
    size_t n = size;
    for (; n >= LANES; n -= LANES, low += BLOCK, high += BLOCK) {
        expand_block(low, high, r);
    }
    if (n > 0) {
        size_t rest = n;
        PAD(low, 4);
        uint32_t high_pad[BLOCK];
        expand_block(low_pad, high_pad, r);
        memcpy(low, low_pad, 16 * rest);
        memcpy(high, high_pad, 16 * rest);
    }
}

// MARK: Folds

/// low + r (high - low), all in the order of memory: subtraction and addition do not care for the order.
FN Q r_fold(Q low, Q high, QY r) {
    Q product = q_canonical(q_mul(q_left(q_transpose(q_sub(high, low))), r));
    return q_add(low, q_transpose(product));
}

FN void fold_block(const uint32_t *in, QY r, uint32_t *out) {
    Q low, high;
    r_load_pairs(in, &low, &high);
    r_store(out, r_fold(low, high, r));
}

KERNEL void fold(const uint32_t *in, csimd_qm31 r1, uint32_t *out, size_t n) {
    QY r = q_right1(r1);
    for (; n >= LANES; n -= LANES, in += 2 * BLOCK, out += BLOCK) {
        fold_block(in, r, out);
    }
    if (n > 0) {
        size_t rest = n;
        PAD(in, 8);
        fold_block(in_pad, r, in_pad);
        memcpy(out, in_pad, 16 * rest);
    }
}

FN void fold_base_block(const uint32_t *in, const V r[4], uint32_t *out) {
    V low, high;
    v_load_pairs_as_q(in, &low, &high);
    Q q = q_base_times(v_sub(high, low), r);
    q.c[0] = v_add(q.c[0], low);
    q_store(out, q);
}

KERNEL void fold_base(const uint32_t *in, csimd_qm31 r1, uint32_t *out, size_t n) {
    V r[4];
    for (int i = 0; i < 4; i++) {
        r[i] = v_factor1(r1.c[i]);
    }
    for (; n >= LANES; n -= LANES, in += 2 * LANES, out += BLOCK) {
        fold_base_block(in, r, out);
    }
    if (n > 0) {
        size_t rest = n;
        PAD(in, 2);
        uint32_t out_pad[BLOCK];
        fold_base_block(in_pad, r, out_pad);
        memcpy(out, out_pad, 16 * rest);
    }
}

FN void fold_pairs_block(const uint32_t *in, QY r, uint32_t *out) {
    Q low[2], high[2];
    r_load_pairs_of_pairs(in, low, high);
    Q first = r_fold(low[0], high[0], r);
    Q second = r_fold(low[1], high[1], r);
    r_store(out, first);
    r_store(out + BLOCK, second);
}

KERNEL void fold_pairs(const uint32_t *in, csimd_qm31 r1, uint32_t *out, size_t n) {
    QY r = q_right1(r1);
    for (; n >= LANES; n -= LANES, in += 4 * BLOCK, out += 2 * BLOCK) {
        fold_pairs_block(in, r, out);
    }
    if (n > 0) {
        size_t rest = n;
        PAD(in, 16);
        uint32_t out_pad[2 * BLOCK];
        fold_pairs_block(in_pad, r, out_pad);
        memcpy(out, out_pad, 32 * rest);
    }
}

// MARK: Sumcheck rounds

FN void round2_block(const uint32_t *a, const uint32_t *b, QA sum[2]) {
    Q a0, a1, b0, b1;
    q_load_pairs(a, &a0, &a1);
    q_load_pairs(b, &b0, &b1);
    sum[0] = q_accumulate(sum[0], q_mul(q_left(a0), q_right(b0)));
    sum[1] = q_accumulate(sum[1], q_mul(q_left(q_sub(a1, a0)), q_right(q_sub(b1, b0))));
}

KERNEL void round2(const uint32_t *a, const uint32_t *b, size_t n, csimd_qm31 *out) {
    QA sum[2] = {qa_zero(), qa_zero()};
    for (; n >= LANES; n -= LANES, a += 2 * BLOCK, b += 2 * BLOCK) {
        round2_block(a, b, sum);
    }
    if (n > 0) {
        size_t rest = n;
        PAD(a, 8);
        PAD(b, 8);
        round2_block(a_pad, b_pad, sum);
    }
    out[0] = q_sum(sum[0]);
    out[1] = q_sum(sum[1]);
}

FN QA q_mul3(Q a, Q b, QY c) { return q_mul(q_left(q_canonical(q_mul(q_left(a), q_right(b)))), c); }

FN void round3_block(const uint32_t *a, const uint32_t *b, const uint32_t *c, QA sum[3]) {
    Q a0, a1, b0, b1, c0, c1;
    q_load_pairs(a, &a0, &a1);
    q_load_pairs(b, &b0, &b1);
    q_load_pairs(c, &c0, &c1);
    Q da = q_sub(a1, a0), db = q_sub(b1, b0), dc = q_sub(c1, c0);
    sum[0] = q_accumulate(sum[0], q_mul3(a0, b0, q_right(c0)));
    sum[1] = q_accumulate(sum[1], q_mul3(q_sub(a0, da), q_sub(b0, db), q_right(q_sub(c0, dc))));
    sum[2] = q_accumulate(sum[2], q_mul3(da, db, q_right(dc)));
}

KERNEL void round3(const uint32_t *a, const uint32_t *b, const uint32_t *c, size_t n, csimd_qm31 *out) {
    QA sum[3] = {qa_zero(), qa_zero(), qa_zero()};
    for (; n >= LANES; n -= LANES, a += 2 * BLOCK, b += 2 * BLOCK, c += 2 * BLOCK) {
        round3_block(a, b, c, sum);
    }
    if (n > 0) {
        size_t rest = n;
        PAD(a, 8);
        PAD(b, 8);
        PAD(c, 8);
        round3_block(a_pad, b_pad, c_pad, sum);
    }
    for (int i = 0; i < 3; i++) {
        out[i] = q_sum(sum[i]);
    }
}

FN void round_weighted2_block(const uint32_t *w, const uint32_t *a, const uint32_t *b, QA sum[2]) {
    Q a0, a1, b0, b1;
    q_load_pairs(a, &a0, &a1);
    q_load_pairs(b, &b0, &b1);
    QY weight = q_right(q_load(w));
    sum[0] = q_accumulate(sum[0], q_mul3(a0, b0, weight));
    sum[1] = q_accumulate(sum[1], q_mul3(q_sub(a1, a0), q_sub(b1, b0), weight));
}

KERNEL void round_weighted2(
    const uint32_t *w, const uint32_t *a, const uint32_t *b, size_t n, csimd_qm31 *out) {
    QA sum[2] = {qa_zero(), qa_zero()};
    for (; n >= LANES; n -= LANES, w += BLOCK, a += 2 * BLOCK, b += 2 * BLOCK) {
        round_weighted2_block(w, a, b, sum);
    }
    if (n > 0) {
        size_t rest = n;
        PAD(w, 4);
        PAD(a, 8);
        PAD(b, 8);
        round_weighted2_block(w_pad, a_pad, b_pad, sum);
    }
    out[0] = q_sum(sum[0]);
    out[1] = q_sum(sum[1]);
}

/// a b + c d, canonical: one of the products is folded, below 2^33 + 2^31, so that the sum is below 2^64 - 2^34 +
/// 2^31 + 8.
FN Q q_mul2(Q a, QY b, Q c, QY d) { return q_canonical(q_accumulate(q_mul(q_left(a), b), q_mul(q_left(c), d))); }

/// With q' = 1 + q the summand is p0 q1' + p1 q0' + lambda (q0' q1' - 1) = (p0 + lambda q0') q1' + p1 q0' - lambda,
/// so that four products do, weight included; the lambdas leave the sum as lambda times the sum of the weights,
/// which `weights` collects.
FN void round_fractions_block(
    const uint32_t *w, const uint32_t *p, const uint32_t *q, QY lambda, QA sum[2], Q *weights) {
    Q ps[4], qs[4];
    r_load_quads(p, ps);
    r_load_quads(q, qs);
    Q weight_in_memory = r_load(w);
    *weights = q_add(*weights, weight_in_memory);
    QY weight = q_right(q_transpose(weight_in_memory));
    {
        Q p0 = q_transpose(ps[0]), p1 = q_transpose(ps[1]);
        Q q0 = q_plus_one(q_transpose(qs[0])), q1 = q_plus_one(q_transpose(qs[1]));
        Q s = q_add(p0, q_canonical(q_mul(q_left(q0), lambda)));
        Q zero = q_mul2(s, q_right(q1), p1, q_right(q0));
        sum[0] = q_accumulate(sum[0], q_mul(q_left(zero), weight));
    }
    {
        Q p0 = q_transpose(q_sub(ps[2], ps[0])), p1 = q_transpose(q_sub(ps[3], ps[1]));
        Q q0 = q_transpose(q_sub(qs[2], qs[0])), q1 = q_transpose(q_sub(qs[3], qs[1]));
        Q s = q_add(p0, q_canonical(q_mul(q_left(q0), lambda)));
        Q lead = q_mul2(s, q_right(q1), p1, q_right(q0));
        sum[1] = q_accumulate(sum[1], q_mul(q_left(lead), weight));
    }
}

KERNEL void round_fractions(
    const uint32_t *w, const uint32_t *p, const uint32_t *q, csimd_qm31 lambda1, size_t n, csimd_qm31 *out) {
    QY lambda = q_right1(lambda1);
    QA sum[2] = {qa_zero(), qa_zero()};
    Q weights;
    for (int i = 0; i < 4; i++) {
        weights.c[i] = v_set1(0);
    }
    for (; n >= LANES; n -= LANES, w += BLOCK, p += 4 * BLOCK, q += 4 * BLOCK) {
        round_fractions_block(w, p, q, lambda, sum, &weights);
    }
    if (n > 0) {
        size_t rest = n;
        PAD(w, 4);
        PAD(p, 16);
        PAD(q, 16);
        round_fractions_block(w_pad, p_pad, q_pad, lambda, sum, &weights);
    }
    // Minus lambda times the sum of the weights.
    csimd_qm31 minus;
    for (int i = 0; i < 4; i++) {
        minus.c[i] = lambda1.c[i] == 0 ? 0 : M31_P - lambda1.c[i];
    }
    sum[0] = q_accumulate(sum[0], q_mul(q_left(q_transpose(weights)), q_right1(minus)));
    out[0] = q_sum(sum[0]);
    out[1] = q_sum(sum[1]);
}

/// With q' = 1 + q: p_out = p0 q1' + p1 q0', q_out = q0' q1' - 1.
FN void add_fractions_block(const uint32_t *p, const uint32_t *q, uint32_t *p_out, uint32_t *q_out) {
    Q p0, p1, q0, q1;
    q_load_pairs(p, &p0, &p1);
    q_load_pairs(q, &q0, &q1);
    q0 = q_plus_one(q0);
    q1 = q_plus_one(q1);
    QY y0 = q_right(q0), y1 = q_right(q1);
    Q numerator = q_mul2(p0, y1, p1, y0);
    Q denominator = q_canonical(q_mul(q_left(q0), y1));
    denominator.c[0] = v_sub(denominator.c[0], v_set1(1));
    q_store(p_out, numerator);
    q_store(q_out, denominator);
}

KERNEL void add_fractions(const uint32_t *p, const uint32_t *q, uint32_t *p_out, uint32_t *q_out, size_t n) {
    for (; n >= LANES; n -= LANES, p += 2 * BLOCK, q += 2 * BLOCK, p_out += BLOCK, q_out += BLOCK) {
        add_fractions_block(p, q, p_out, q_out);
    }
    if (n > 0) {
        size_t rest = n;
        PAD(p, 8);
        PAD(q, 8);
        add_fractions_block(p_pad, q_pad, p_pad, q_pad);
        memcpy(p_out, p_pad, 16 * rest);
        memcpy(q_out, q_pad, 16 * rest);
    }
}

// MARK: Interleaving

/// `out[c * stride + r] = in[r * columns + c]`. Squares of LANES rows and columns are transposed in registers: lane bits
/// change places with the bits of the register's number.
KERNEL void interleave(const uint32_t *in, size_t rows, size_t columns, uint32_t *out, size_t stride) {
    for (size_t r = 0; r < rows; r += LANES) {
        size_t count = rows - r < LANES ? rows - r : LANES, c = 0;
        for (; c + LANES <= columns; c += LANES) {
            V x[LANES];
            UNROLL for (int k = 0; k < LANES; k++) {
                x[k] = (size_t)k < count ? v_load(in + (r + (size_t)k) * columns + c) : v_set1(0);
            }
            UNROLL for (int m = 0; m < LOG_LANES; m++) {
                UNROLL for (int k = 0; k < LANES; k++) {
                    if (!(k >> m & 1)) v_exchange(&x[k], &x[k | 1 << m], m);
                }
            }
            UNROLL for (int k = 0; k < LANES; k++) {
                uint32_t *p = out + (c + (size_t)k) * stride + r;
                if (count == LANES) {
                    v_store(p, x[k]);
                } else {
                    v_store_some(p, x[k], count);
                }
            }
        }
        for (; c < columns; c++) {
            for (size_t k = r; k < r + count; k++) {
                out[c * stride + k] = in[k * columns + c];
            }
        }
    }
}

// MARK: The circle FFT

/// A code in progress: `rows` interleaved rows of `width` elements, `stride` apart.
typedef struct Circle {
    uint32_t *values;
    size_t stride, width;
    unsigned bits;
    const uint32_t *const *twiddles;
    /// Whether only some positions are wanted.
    int only;
} Circle;

/// The twiddle of a block at a stage; see CircleCode.swift.
FN uint32_t circle_twiddle(const Circle *c, unsigned stage, size_t block) {
    if (stage > 0) {
        return c->twiddles[c->bits - 1 - stage][block];
    }
    if (c->bits >= 3) {
        return c->twiddles[c->bits - 2][(block >> 1) ^ 1];
    }
    return c->bits == 2 ? c->twiddles[0][0] : 1;
}

FN void v_butterfly(V *a, V *b, V w) {
    V product = v_mul(*b, w);
    *b = v_sub(*a, product);
    *a = v_add(*a, product);
}

/// The same with one factor for all lanes.
FN void v_butterfly1(V *a, V *b, V w) {
    V product = v_mul1(*b, w);
    *b = v_sub(*a, product);
    *a = v_add(*a, product);
}

/// `stages` stages, 1 to 3, on 2^stages vectors that start `step` apart, of `count` <= LANES elements; `w` has the
/// twiddles of the blocks, the highest stage first. `from` is `a` or does not overlap it.
FN void circle_step(int stages, const uint32_t *from, uint32_t *a, size_t step, size_t count, const V *w) {
    const int runs = 1 << stages;
    V x[8];
    UNROLL for (int k = 0; k < runs; k++) {
        const uint32_t *p = from + (size_t)k * step;
        x[k] = count == LANES ? v_load(p) : v_load_some(p, count);
    }
    UNROLL for (int s = 0; s < stages; s++) {
        const int half = runs >> (s + 1);
        UNROLL for (int block = 0; block < 1 << s; block++) {
            UNROLL for (int k = 0; k < half; k++) {
                v_butterfly1(&x[2 * half * block + k], &x[2 * half * block + half + k], w[(1 << s) - 1 + block]);
            }
        }
    }
    UNROLL for (int k = 0; k < runs; k++) {
        uint32_t *p = a + (size_t)k * step;
        if (count == LANES) {
            v_store(p, x[k]);
        } else {
            v_store_some(p, x[k], count);
        }
    }
}

/// The same on runs of `n` elements.
FN void circle_run(int stages, const uint32_t *from, uint32_t *a, size_t step, size_t n, const V *w) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        circle_step(stages, from + i, a + i, step, LANES, w);
    }
    if (i < n) {
        circle_step(stages, from + i, a + i, step, n - i, w);
    }
}

/// Stages `stage`, `stage - 1`, ..., `stages` of them, of block `block`, which starts at `start`, from values at `from`.
FN void circle_pass(
    int stages, const Circle *c, unsigned stage, size_t block, const uint32_t *from, uint32_t *start) {
    V w[7];
    for (int s = 0; s < stages; s++) {
        for (int i = 0; i < 1 << s; i++) {
            w[(1 << s) - 1 + i] =
                v_factor1(circle_twiddle(c, stage - (unsigned)s, (block << s) + (size_t)i));
        }
    }
    size_t rows = (size_t)1 << (stage + 1 - (unsigned)stages);
    if (c->stride == c->width) {
        circle_run(stages, from, start, rows * c->stride, rows * c->width, w);
        return;
    }
    for (size_t k = 0; k < rows; k++) {
        circle_run(stages, from + k * c->stride, start + k * c->stride, rows * c->stride, c->width, w);
    }
}

KERNEL void circle_pass2(const Circle *c, unsigned stage, size_t block, const uint32_t *from, uint32_t *start) {
    circle_pass(1, c, stage, block, from, start);
}
KERNEL void circle_pass4(const Circle *c, unsigned stage, size_t block, const uint32_t *from, uint32_t *start) {
    circle_pass(2, c, stage, block, from, start);
}
KERNEL void circle_pass8(const Circle *c, unsigned stage, size_t block, const uint32_t *from, uint32_t *start) {
    circle_pass(3, c, stage, block, from, start);
}

/// The last LOG_LANES + 1 - log_width stages, on 2 LANES contiguous elements whose rows are 2^log_width elements:
/// stages in which partners share a register. Before the stage of element bit m the register bit is exchanged with
/// lane bit m, so that partners meet; then lane i holds elements whose bits above m are the bits of i above m - 1,
/// which is the block.
FN void circle_tail(const Circle *c, unsigned log_width, size_t group, uint32_t *p) {
    V a = v_load(p), b = v_load(p + LANES);
    UNROLL for (int m = LOG_LANES; m >= 0; m--) {
        if (m < LOG_LANES) {
            v_exchange(&a, &b, m);
        }
        if (m < (int)log_width) {
            continue;
        }
        unsigned stage = (unsigned)m - log_width;
        size_t block = group << (LOG_LANES - m);
        V w;
        if (stage > 0) {
            w = v_load_spread(c->twiddles[c->bits - 1 - stage] + block, m);
        } else if (m >= LOG_LANES - 1) {
            w = v_set1(circle_twiddle(c, 0, block));  // at most two blocks, which share their twiddle
        } else {
            w = v_load_spread_swapped(c->twiddles[c->bits - 2] + (block >> 1), m);
        }
        v_butterfly(&a, &b, v_factor(w));
    }
    v_interleave(&a, &b);
    v_store(p, a);
    v_store(p + LANES, b);
}

/// The first of some rising positions, `count` of them, that is not below `bound`.
static size_t circle_below(const uint32_t *positions, size_t count, size_t bound) {
    size_t low = 0;
    while (low < count) {
        size_t middle = (low + count) / 2;
        if (positions[middle] < bound) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return low;
}

/// Depth first, so that a sub-block runs to its end while it is in cache. Where `c->only` is set, `only` has those of its
/// positions, `count`, that lie in the block; sub-blocks without any are left unfinished.
KERNEL void circle_recurse(
    const Circle *c, int log_width, unsigned stage, size_t block, const uint32_t *from, uint32_t *start,
    const uint32_t *only, size_t count) {
    // The number of stages that `circle_tail` does, none where rows are no power of two elements or not adjacent.
    unsigned tail = log_width >= 0 && log_width <= LOG_LANES ? LOG_LANES + 1 - (unsigned)log_width : 0;
    if (stage + 1 == tail) {
        if (from != start) {
            memcpy(start, from, 8 * LANES);
        }
        circle_tail(c, (unsigned)log_width, block, start);
        return;
    }
    // Three stages a pass over the data, but 2 + 2 where four are left.
    unsigned left = stage + 1 - tail;
    unsigned stages = left == 4 ? 2 : left > 3 ? 3 : left;
    if (stages == 3) {
        circle_pass8(c, stage, block, from, start);
    } else if (stages == 2) {
        circle_pass4(c, stage, block, from, start);
    } else {
        circle_pass2(c, stage, block, from, start);
    }
    if (left == stages && tail == 0) {
        return;
    }
    unsigned size_bits = stage + 1 - stages;
    size_t step = c->stride << size_bits;
    for (size_t k = 0; k < (size_t)1 << stages; k++) {
        size_t sub = (block << stages) + k, here = 0;
        if (c->only) {
            here = circle_below(only, count, (sub + 1) << size_bits);
            if (here == 0) {
                continue;
            }
        }
        uint32_t *p = start + k * step;
        if (left > stages) {
            circle_recurse(c, log_width, stage - stages, sub, p, p, only, here);
        } else {
            circle_tail(c, (unsigned)log_width, sub, p);
        }
        if (c->only) {
            only += here;
            count -= here;
        }
    }
}

/// With `only`, rising positions, `only_count` of them, no other entries are wanted, and what they hold afterwards is left
/// open.
KERNEL void circle_encode(
    uint32_t *values, size_t stride, size_t width, unsigned message_bits, unsigned bits,
    const uint32_t *const *twiddles, const uint32_t *only, size_t only_count) {
    if (width == 0 || bits == 0) {
        return;
    }
    size_t message = (size_t)1 << message_bits;
    size_t copies = (size_t)1 << (bits - message_bits);
    if (message_bits == 0) {
        for (size_t k = 1; k < copies; k++) {
            memcpy(values + k * stride, values, 4 * width);
        }
        return;
    }
    // Columns are independent: a slab of them at a time, so narrow that it stays in the second-level cache for
    // longer, but at least a cache line wide, and not so narrow that, rows being powers of two apart, it meets few of
    // the cache's sets.
    size_t slab = (stride / 16 + 15) / 16 * 16;
    slab = slab < 16 ? 16 : slab;
    if (width > slab && (width << bits) > (size_t)1 << 17) {
        for (size_t j = 0; j < width; j += slab) {
            circle_encode(
                values + j, stride, width - j < slab ? width - j : slab, message_bits, bits, twiddles, only,
                only_count);
        }
        return;
    }
    Circle c = {values, stride, width, bits, twiddles, only != NULL};
    int log_width = stride == width && (width & (width - 1)) == 0 ? __builtin_ctzll(width) : -1;
    if (log_width > LOG_LANES || (log_width >= 0 && message_bits + (unsigned)log_width < LOG_LANES + 1)
        || bits < 3) {
        log_width = -1;
    }
    // The message last: the first pass of the other copies reads it.
    for (size_t k = copies; k-- > 0;) {
        const uint32_t *own = only;
        size_t count = 0;
        if (only) {
            size_t first = circle_below(only, only_count, k * message);
            own = only + first;
            count = only_count - first;
            only_count = first;
            if (count == 0) {
                continue;
            }
        }
        circle_recurse(&c, log_width, message_bits - 1, k, values, values + k * message * stride, own, count);
    }
}

const m31_kernels KERNELS = {
    .embed_s8 = embed_s8,
    .embed_s16 = embed_s16,
    .embed_s32 = embed_s32,
    .embed_s64 = embed_s64,
    .base_add_scaled = base_add_scaled,
    .widen = widen,
    .add = add,
    .mul = mul,
    .add_scaled = add_scaled,
    .scale = scale,
    .add_scaled_base = add_scaled_base,
    .inner = inner,
    .inner_base = inner_base,
    .expand = expand,
    .fold = fold,
    .fold_base = fold_base,
    .fold_pairs = fold_pairs,
    .round2 = round2,
    .round3 = round3,
    .round_weighted2 = round_weighted2,
    .round_fractions = round_fractions,
    .add_fractions = add_fractions,
    .interleave = interleave,
    .circle_encode = circle_encode,
};
