// The vector operations of integers_table.h over Goldilocks, written once over vectors of LANES words. Included once
// for each instruction set, after these definitions:
//
//   LANES, KERNEL, INLINE, NAME(x)
//   SMALL_BITS            bits of the small factor of a product
//   TURNS                 vectors after which sums need wide_normalise
//   word, wide, small     LANES words; LANES sums of products; one element, prepared as a factor of small integers
//   word set(x), words(p); void put(p, word)
//   word ints(p, bytes, i); void ints_pairs(p, bytes, i, word *even, word *odd)
//   void split(p, word *), join(p, word *)   LANES neighbouring extension elements as two vectors of coordinates
//   word plus(a, b), minus(a, b)             of integers
//   word image(x)                            x + p where negative
//   word absolute(x), where_negative(x, a, b)   |x|; a where x is negative, else b
//   small make_small(x)
//   wide wide_zero(); wide_mac(wide *, a, b), wide_mac_small(wide *, a, small), wide_mac_smalls(wide *, a, b),
//   wide_add(wide *, a), wide_normalise(wide *); word wide_reduce(wide)
//
// and after "scalar.h", "ints.h" and "integers_table.h".

INLINE size_t embed_base_of(const void *in, int bytes, size_t count, u64 *out) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) put(out + i, image(ints(in, bytes, i)));
    return i;
}

INLINE size_t embed_of(const void *in, int bytes, size_t count, u64 *out) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const word c[2] = {image(ints(in, bytes, i)), set(0)};
        join(out + 2 * i, c);
    }
    return i;
}

// factor (x + 2^31) - 2^31 factor, so that the integer is not negative.
INLINE size_t add_scaled_of(const void *a, int bytes, size_t count, const u64 *factor, u64 *out) {
    small f[2];
    word k[2];
    for (int j = 0; j < 2; j++) {
        f[j] = make_small(factor[j]);
        k[j] = set(gl_sub(0, gl_mul(factor[j], 1ull << 31)));
    }
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const word y = plus(ints(a, bytes, i), set(1ull << 31));
        word o[2];
        split(out + 2 * i, o);
        for (int j = 0; j < 2; j++) {
            wide s = wide_zero();
            wide_mac_small(&s, y, f[j]);
            wide_add(&s, k[j]);
            wide_add(&s, o[j]);
            o[j] = wide_reduce(s);
        }
        join(out + 2 * i, o);
    }
    return i;
}

// low + 2^31 + r (high - low + d), less 2^31 + d r. Where the difference may be too long for a small factor,
// (1 - r) (low + 2^31) + r (high + 2^31), less 2^31.
INLINE size_t fold_of(const void *in, int bytes, size_t pairs, const u64 *r, u64 *out) {
    const int apart = bytes == 4 && SMALL_BITS < 33;
    const u64 d = apart ? 0 : 1ull << (SMALL_BITS < 33 ? 31 : 32);
    small f[2], rest[2];
    word k[2];
    for (int j = 0; j < 2; j++) {
        const u64 one = j == 0;
        f[j] = make_small(r[j]);
        rest[j] = make_small(gl_sub(one, r[j]));
        k[j] = set(gl_sub(0, gl_add(gl_mul(r[j], d), one << 31)));
    }
    size_t i = 0;
    for (; i + LANES <= pairs; i += LANES) {
        word low, high, o[2];
        ints_pairs(in, bytes, 2 * i, &low, &high);
        const word x = plus(low, set(1ull << 31));
        const word y = apart ? plus(high, set(1ull << 31)) : plus(minus(high, low), set(d));
        for (int j = 0; j < 2; j++) {
            wide s = wide_zero();
            wide_mac_small(&s, y, f[j]);
            if (apart)
                wide_mac_small(&s, x, rest[j]);
            else if (j == 0)
                wide_add(&s, x);
            wide_add(&s, k[j]);
            o[j] = wide_reduce(s);
        }
        join(out + 2 * i, o);
    }
    return i;
}

KERNEL static void sum_lanes(word a, u64 *sum) {
    u64 lanes[LANES];
    put(lanes, a);
    *sum = 0;
    for (int i = 0; i < LANES; i++) *sum = gl_add(*sum, lanes[i]);
}

// |x| times b or p - b.
INLINE size_t inner_product_of(const void *a, int bytes, size_t count, const u64 *b, u64 *sum) {
    wide s[2] = {wide_zero(), wide_zero()};
    size_t i = 0;
    while (i + LANES <= count) {
        for (int turn = 0; turn < TURNS && i + LANES <= count; turn++, i += LANES) {
            const word x = ints(a, bytes, i), y = absolute(x);
            word w[2];
            split(b + 2 * i, w);
            for (int j = 0; j < 2; j++)
                wide_mac_smalls(&s[j], y, where_negative(x, minus(set(GOLDILOCKS_P), w[j]), w[j]));
        }
        for (int j = 0; j < 2; j++) wide_normalise(&s[j]);
    }
    for (int j = 0; j < 2; j++) sum_lanes(wide_reduce(s[j]), sum + j);
    return i;
}

KERNEL static size_t embed_base(const void *in, int bytes, size_t count, u64 *out) {
    BY_SIZE(bytes, embed_base_of, (in, 1, count, out), (in, 2, count, out), (in, 4, count, out));
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

KERNEL static size_t inner_product_base(const u64 *a, const u64 *b, size_t count, u64 *sum) {
    wide s[2] = {wide_zero(), wide_zero()};
    size_t i = 0;
    while (i + LANES <= count) {
        for (int turn = 0; turn < TURNS && i + LANES <= count; turn++, i += LANES) {
            const word x = words(a + i);
            word w[2];
            split(b + 2 * i, w);
            for (int j = 0; j < 2; j++) wide_mac(&s[j], x, w[j]);
        }
        for (int j = 0; j < 2; j++) wide_normalise(&s[j]);
    }
    for (int j = 0; j < 2; j++) sum_lanes(wide_reduce(s[j]), sum + j);
    return i;
}

KERNEL static size_t add_scaled_base(const u64 *a, const u64 *factor, u64 *out, size_t count) {
    const word f = set(*factor);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        wide s = wide_zero();
        wide_mac(&s, words(a + i), f);
        wide_add(&s, words(out + i));
        put(out + i, wide_reduce(s));
    }
    return i;
}

// Sums of digits, |sums[e]| < 2^42, to an element.
static void finish(const int64_t *sums, int exponents, u64 *out, const u64 *constant, int add) {
    for (int c = 0; c < 2; c++, sums += exponents) {
        __int128 low = 0; // below 2^42 * 2^57
        for (int k = 0; k < 8; k += 2) low += (sums[k] + sums[k + 1] * 256) * ((__int128)1 << (8 * k));
        u64 x = gl_from_int128(low);
        if (exponents > 8) {
            __int128 high = 0;
            for (int e = exponents - 1; e >= 8; e--) high = high * 256 + sums[e];
            x = gl_add(x, gl_mul(gl_from_int128(high), GOLDILOCKS_EPSILON));
        }
        x = gl_add(x, constant[c]);
        out[c] = add ? gl_add(out[c], x) : x;
    }
}

#define WEIGHT_BYTES 16
#define COORDINATES 2
#define COORDINATE_BYTES 8
#include PLANES

const struct integer_table NAME(integers) = {
    .embed = embed,
    .add_scaled_integers = add_scaled_integers,
    .fold_integers = fold_integers,
    .inner_product_integers = inner_product_integers,
    .embed_base = embed_base,
    .inner_product_base = inner_product_base,
    .add_scaled_base = add_scaled_base,
    .combine_rows = combine_rows,
    .combine_columns = combine_columns,
};
