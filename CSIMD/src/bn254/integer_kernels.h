// The vector operations of integers_table.h over BN254, written once over vectors of LANES elements.
//
// An integer times a field element needs no Montgomery product: y f 2^B / 2^B with y f 2^B taken modulo r in advance, B
// the bits of a limb, is one limb times five, and one limb of Montgomery's reduction.
//
// Included once for each instruction set, after these definitions:
//
//   LANES, KERNEL, INLINE, NAME(x)
//   LIMB_FACTOR           2^(256 + B) modulo r: bn_mul(x, this) = 2^B x
//   vec, small            LANES elements in limbs; one, or LANES, prepared as factors of small integers
//   word                  LANES integers
//   narrow                LANES sums of an integer times an element, six columns
//   vec load(p), void store(p, vec)      canonical
//   vec broadcast(bn_scalar); small make_small(vec)
//   word ints(p, bytes, i, offset); void ints_pairs(p, bytes, i, word *even, word *odd)   in the order of load; plus
//                                        the offset, which makes the sum not negative
//   word difference(a, b, offset)        a - b + offset
//   narrow narrow_zero(); void narrow_mac(narrow *, word, small), below 2^34 times below r
//   vec narrow_reduce(narrow)            the sum over 2^B modulo r: below sum / 2^B + r, not carried
//   vec plus(a, b)                       not carried
//   vec canon4(vec)                      carries, then to canonical from less than 4r
//   bn_scalar narrow_sum(narrow), vec_sum(vec)   the sum of all lanes of up to TURNS vectors, as an integer
//
// and after "scalar.h", "ints.h" and "integers_table.h".

static const bn_scalar bn_one = {{0xac96341c4ffffffb, 0x36fc76959f60cd29, 0x666ea36f7879462e, 0x0e0a77c19a07df2f}};

static bn_scalar scalar_at(const u64 *p) { return (bn_scalar){{p[0], p[1], p[2], p[3]}}; }

/// The factor of an integer.
INLINE small prepared(bn_scalar x) { return make_small(broadcast(bn_mul(x, LIMB_FACTOR))); }

/// x times a power of two, negated.
static bn_scalar minus_shifted(bn_scalar x, int bits) {
    for (int i = 0; i < bits; i++) x = bn_add(x, x);
    return bn_sub((bn_scalar){{0, 0, 0, 0}}, x);
}

// (x + 2^31) - 2^31.
INLINE size_t embed_of(const void *in, int bytes, size_t count, u64 *out) {
    const small f = prepared(bn_one);
    const vec k = broadcast(minus_shifted(bn_one, 31));
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        narrow s = narrow_zero();
        narrow_mac(&s, ints(in, bytes, i, 1ull << 31), f);
        store(out + 4 * i, canon4(plus(narrow_reduce(s), k))); // below 2.1
    }
    return i;
}

INLINE size_t add_scaled_of(const void *a, int bytes, size_t count, const u64 *factor, u64 *out) {
    const small f = prepared(scalar_at(factor));
    const vec k = broadcast(minus_shifted(scalar_at(factor), 31));
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        narrow s = narrow_zero();
        narrow_mac(&s, ints(a, bytes, i, 1ull << 31), f);
        const vec y = plus(plus(narrow_reduce(s), k), load(out + 4 * i));
        store(out + 4 * i, canon4(y)); // below 3.1
    }
    return i;
}

// (low + 2^31) + (high - low + 2^32) r, less 2^31 and 2^32 r.
INLINE size_t fold_of(const void *in, int bytes, size_t pairs, const u64 *r, u64 *out) {
    const small f = prepared(scalar_at(r)), one = prepared(bn_one);
    const vec k = broadcast(bn_add(minus_shifted(scalar_at(r), 32), minus_shifted(bn_one, 31)));
    size_t i = 0;
    for (; i + LANES <= pairs; i += LANES) {
        word low, high;
        ints_pairs(in, bytes, 2 * i, &low, &high);
        narrow s = narrow_zero();
        narrow_mac(&s, difference(high, low, 1ull << 32), f);
        narrow_mac(&s, difference(low, zero_word(), 1ull << 31), one);
        store(out + 4 * i, canon4(plus(narrow_reduce(s), k))); // below 2.1
    }
    return i;
}

// The sum of (x + 2^31) b less 2^31 times the sum of b. A column gains less than 3 * 2^52 a turn: 2^64 in 1024 turns.
INLINE size_t inner_product_of(const void *a, int bytes, size_t count, const u64 *b, u64 *sum) {
    bn_scalar total = {{0, 0, 0, 0}};
    size_t i = 0;
    while (i + LANES <= count) {
        narrow s = narrow_zero();
        vec all = broadcast((bn_scalar){{0, 0, 0, 0}});
        for (int turn = 0; turn < 1024 && i + LANES <= count; turn++, i += LANES) {
            const vec w = load(b + 4 * i);
            narrow_mac(&s, ints(a, bytes, i, 1ull << 31), make_small(w));
            all = plus(all, w);
        }
        total = bn_add(total, narrow_sum(s));
        total = bn_add(total, minus_shifted(vec_sum(all), 31));
    }
    for (int j = 0; j < 4; j++) sum[j] = total.w[j];
    return i;
}

KERNEL static size_t embed(const void *in, int bytes, size_t count, u64 *out) {
    BY_SIZE(bytes, embed_of, (in, 1, count, out), (in, 2, count, out), (in, 4, count, out));
}
KERNEL static size_t add_scaled_integers(const void *a, int bytes, size_t count, const u64 *factor, u64 *out) {
    BY_SIZE(bytes, add_scaled_of, (a, 1, count, factor, out), (a, 2, count, factor, out), (a, 4, count, factor, out));
}
KERNEL static size_t fold_integers(const void *in, int bytes, size_t pairs, const u64 *r, u64 *out) {
    BY_SIZE(bytes, fold_of, (in, 1, pairs, r, out), (in, 2, pairs, r, out), (in, 4, pairs, r, out));
}
KERNEL static size_t inner_product_integers(const void *a, int bytes, size_t count, const u64 *b, u64 *sum) {
    BY_SIZE(bytes, inner_product_of, (a, 1, count, b, sum), (a, 2, count, b, sum), (a, 4, count, b, sum));
}

// Sums of digits, |sums[e]| < 2^42, to an element.
static void finish(const int64_t *sums, int exponents, u64 *out, const u64 *constant, int add) {
    bn_scalar x;
    __int128 carry = 0;
    for (int i = 0; i < 4; i++, sums += 8) {
        __int128 t = carry;
        for (int k = 0; k < 8; k += 2) t += (sums[k] + sums[k + 1] * 256) * ((__int128)1 << (8 * k)); // below 2^100
        x.w[i] = (u64)t;
        carry = t >> 64;
    }
    x = bn_reduce_signed(x, (int64_t)carry); // below 2^36 in size
    if (exponents > 32) {
        __int128 high = 0; // below 2^42 * 2^49
        for (int e = exponents - 33; e >= 0; e--) high = high * 256 + sums[e];
        const unsigned __int128 size = high < 0 ? -(unsigned __int128)high : (unsigned __int128)high;
        const bn_scalar y = bn_mul((bn_scalar){{(u64)size, (u64)(size >> 64), 0, 0}}, bn_r_squared); // times 2^256
        x = high < 0 ? bn_sub(x, y) : bn_add(x, y);
    }
    x = bn_add(x, (bn_scalar){{constant[0], constant[1], constant[2], constant[3]}});
    if (add) x = bn_add(x, scalar_at(out));
    for (int j = 0; j < 4; j++) out[j] = x.w[j];
}

#define WEIGHT_BYTES 32
#define COORDINATES 1
#define COORDINATE_BYTES 32
#include PLANES

const struct integer_table NAME(integers) = {
    .embed = embed,
    .add_scaled_integers = add_scaled_integers,
    .fold_integers = fold_integers,
    .inner_product_integers = inner_product_integers,
    .combine_rows = combine_rows,
    .combine_columns = combine_columns,
};
