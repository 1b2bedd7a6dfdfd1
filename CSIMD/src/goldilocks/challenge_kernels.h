// The kernels of challenge_table.h, written once over vectors of LANES elements. Included once for each field and
// instruction set, after these definitions:
//
//   LANES, WORDS          elements in a vector; words in an element
//   KERNEL                attributes of every function (static, the target)
//   NAME(x)               the name of a kernel
//   vec                   LANES elements ("semi-reduced": the field says what sizes it bears)
//   acc                   LANES wide sums of products
//   fix                   one element, prepared as a factor of whole vectors
//   vec load(p)           LANES neighbouring elements, canonical
//   void load2(p, v)      elements 2i and 2i+1 in v[0], v[1]
//   void load4(p, v)      elements 4i to 4i+3 in v[0..3]
//   void store(p, v), store2(p, v0, v1)   canonical vectors, the inverses of load and load2
//   vec add(a, b), sub(a, b)   a + b; a - b plus at most one modulus, for canonical b
//   fix make_fix(p); vec broadcast(p); vec broadcast_negative(p)
//   void mac(acc *, left, right)        adds left * right, the left factor below 5 moduli, both together below 9,
//                                       but a canonical left factor bears a right one as said at slim4
//   void mac_fix(acc *, vec, fix)
//   void acc_add(acc *, vec)            adds a vector
//   vec reduce(acc *)                   of at most a few products and summands, less than
//                                       (0.19 products + 1.13 + summands) moduli, sizes of factors multiplied in
//   vec canon2(vec), canon4(vec)        to canonical from less than 2 and 4 moduli
//   vec slim4(vec)                      the value, to canonical if the field bears no factor of 7.4 moduli
//   vec product(a, b)                   reduce of one product
//   vec product_fix(a, fix), product_fix_add(a, fix, b)   canonical a f and a f + b, for a below 2 and canonical b
//   total, total_zero()                 a sum over all vectors, of as many lanes as the field likes
//   void total_mac(total *, left, right)
//   void total_normalise(total *)       carries; after at most TURNS vectors
//   void total_sum(total *, u64 *)      the sum of all lanes, canonical
//
// Sizes in comments are in moduli; the vector form of BN254 is the strictest.

KERNEL size_t NAME(add)(const u64 *a, const u64 *b, u64 *out, size_t count) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        store(out + WORDS * i, canon2(add(load(a + WORDS * i), load(b + WORDS * i))));
    return i;
}

KERNEL size_t NAME(multiply)(const u64 *a, const u64 *b, u64 *out, size_t count) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        store(out + WORDS * i, canon2(product(load(a + WORDS * i), load(b + WORDS * i))));
    }
    return i;
}

KERNEL size_t NAME(add_scaled)(const u64 *a, const u64 *factor, u64 *out, size_t count) {
    const fix f = make_fix(factor);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        store(out + WORDS * i, product_fix_add(load(a + WORDS * i), f, load(out + WORDS * i)));
    }
    return i;
}

KERNEL size_t NAME(scale)(const u64 *a, const u64 *factor, u64 *out, size_t count) {
    const fix f = make_fix(factor);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        store(out + WORDS * i, product_fix(load(a + WORDS * i), f));
    }
    return i;
}

KERNEL size_t NAME(fold)(const u64 *in, const u64 *r, u64 *out, size_t pairs) {
    const fix f = make_fix(r);
    size_t i = 0;
    for (; i + LANES <= pairs; i += LANES) {
        vec v[2];
        load2(in + 2 * WORDS * i, v);
        store(out + WORDS * i, product_fix_add(sub(v[1], v[0]), f, v[0]));
    }
    return i;
}

KERNEL size_t NAME(fold_pairs)(const u64 *in, const u64 *r, u64 *out, size_t quads) {
    const fix f = make_fix(r);
    size_t i = 0;
    for (; i + LANES <= quads; i += LANES) {
        vec v[4];
        load4(in + 4 * WORDS * i, v);
        const vec even = product_fix_add(sub(v[2], v[0]), f, v[0]);
        store2(out + 2 * WORDS * i, even, product_fix_add(sub(v[3], v[1]), f, v[1]));
    }
    return i;
}

KERNEL size_t NAME(expand)(u64 *low, u64 *high, const u64 *r, size_t count) {
    const fix f = make_fix(r);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const vec v = load(low + WORDS * i);
        const vec h = product_fix(v, f);
        store(high + WORDS * i, h);
        store(low + WORDS * i, canon2(sub(v, h)));
    }
    return i;
}

KERNEL size_t NAME(add_fractions)(const u64 *p, const u64 *q, u64 *p_out, u64 *q_out, size_t pairs) {
    size_t i = 0;
    for (; i + LANES <= pairs; i += LANES) {
        vec a[2], b[2];
        load2(p + 2 * WORDS * i, a);
        load2(q + 2 * WORDS * i, b);
        acc s = acc_zero(), t = acc_zero();
        mac(&s, a[0], b[1]);
        mac(&s, a[1], b[0]);
        acc_add(&s, a[0]);
        acc_add(&s, a[1]); // below 0.38 + 1.13 + 2
        store(p_out + WORDS * i, canon4(reduce(&s)));
        mac(&t, b[0], b[1]);
        acc_add(&t, b[0]);
        acc_add(&t, b[1]);
        store(q_out + WORDS * i, canon4(reduce(&t)));
    }
    return i;
}

KERNEL size_t NAME(inner_product)(const u64 *a, const u64 *b, size_t count, u64 *sums) {
    total s = total_zero();
    size_t i = 0;
    while (i + LANES <= count) {
        for (int turn = 0; turn < TURNS && i + LANES <= count; turn++, i += LANES)
            total_mac(&s, load(a + WORDS * i), load(b + WORDS * i));
        total_normalise(&s);
    }
    total_sum(&s, sums);
    return i;
}

KERNEL size_t NAME(round_product2)(const u64 *a, const u64 *b, size_t pairs, u64 *sums) {
    total zero = total_zero(), lead = total_zero();
    size_t i = 0;
    while (i + LANES <= pairs) {
        for (int turn = 0; turn < TURNS && i + LANES <= pairs; turn++, i += LANES) {
            vec x[2], y[2];
            load2(a + 2 * WORDS * i, x);
            load2(b + 2 * WORDS * i, y);
            total_mac(&zero, x[0], y[0]);
            total_mac(&lead, sub(x[1], x[0]), sub(y[1], y[0]));
        }
        total_normalise(&zero);
        total_normalise(&lead);
    }
    total_sum(&zero, sums);
    total_sum(&lead, sums + WORDS);
    return i;
}

KERNEL size_t NAME(round_product3)(const u64 *a, const u64 *b, const u64 *c, size_t pairs, u64 *sums) {
    total zero = total_zero(), minus = total_zero(), lead = total_zero();
    size_t i = 0;
    while (i + LANES <= pairs) {
        for (int turn = 0; turn < TURNS && i + LANES <= pairs; turn++, i += LANES) {
            vec x[2], y[2], z[2];
            load2(a + 2 * WORDS * i, x);
            load2(b + 2 * WORDS * i, y);
            load2(c + 2 * WORDS * i, z);
            total_mac(&zero, z[0], product(x[0], y[0]));
            total_mac(&lead, sub(z[1], z[0]), product(sub(x[1], x[0]), sub(y[1], y[0])));
            // At -1: 2 v0 - v1, below 3.
            const vec u = sub(add(x[0], x[0]), x[1]), v = sub(add(y[0], y[0]), y[1]);
            total_mac(&minus, sub(add(z[0], z[0]), z[1]), product(u, v));
        }
        total_normalise(&zero);
        total_normalise(&minus);
        total_normalise(&lead);
    }
    total_sum(&zero, sums);
    total_sum(&minus, sums + WORDS);
    total_sum(&lead, sums + 2 * WORDS);
    return i;
}

KERNEL size_t NAME(round_weighted2)(const u64 *w, const u64 *a, const u64 *b, size_t pairs, u64 *sums) {
    total zero = total_zero(), lead = total_zero();
    size_t i = 0;
    while (i + LANES <= pairs) {
        for (int turn = 0; turn < TURNS && i + LANES <= pairs; turn++, i += LANES) {
            vec x[2], y[2];
            load2(a + 2 * WORDS * i, x);
            load2(b + 2 * WORDS * i, y);
            const vec weight = load(w + WORDS * i);
            total_mac(&zero, weight, product(x[0], y[0]));
            total_mac(&lead, weight, product(sub(x[1], x[0]), sub(y[1], y[0])));
        }
        total_normalise(&zero);
        total_normalise(&lead);
    }
    total_sum(&zero, sums);
    total_sum(&lead, sums + WORDS);
    return i;
}

// With m = p0 + lambda (1 + q0): g = m + q1 m + p1 + p1 q0 - lambda; for the coefficient of X^2 only the products of
// differences count: dq1 (dp0 + lambda dq0) + dp1 dq0.
KERNEL size_t NAME(round_fractions)(const u64 *w, const u64 *p, const u64 *q, const u64 *lambda, size_t quads,
                                    u64 *sums) {
    const fix f = make_fix(lambda);
    const vec plus_lambda = broadcast(lambda), minus_lambda = broadcast_negative(lambda);
    total zero = total_zero(), lead = total_zero();
    size_t i = 0;
    while (i + LANES <= quads) {
        for (int turn = 0; turn < TURNS && i + LANES <= quads; turn++, i += LANES) {
            vec x[4], y[4];
            load4(p + 4 * WORDS * i, x);
            load4(q + 4 * WORDS * i, y);
            const vec weight = load(w + WORDS * i);
            acc s = acc_zero(), t = acc_zero();
            mac_fix(&s, y[0], f);
            acc_add(&s, x[0]);
            acc_add(&s, plus_lambda);
            const vec m = slim4(reduce(&s)); // below 0.19 + 1.13 + 2
            mac(&t, y[1], m);
            mac(&t, y[0], x[1]);
            acc_add(&t, m);
            acc_add(&t, x[1]);
            acc_add(&t, minus_lambda); // below 0.82 + 1.13 + 5.4, or 0.38 + 1.13 + 3 for a slim m
            total_mac(&zero, weight, reduce(&t));

            const vec dq0 = sub(y[2], y[0]), dq1 = sub(y[3], y[1]);
            acc u = acc_zero(), v = acc_zero();
            mac_fix(&u, dq0, f);
            acc_add(&u, sub(x[2], x[0])); // below 0.38 + 1.13 + 2
            mac(&v, dq1, reduce(&u));
            mac(&v, dq0, sub(x[3], x[1]));
            total_mac(&lead, weight, reduce(&v));
        }
        total_normalise(&zero);
        total_normalise(&lead);
    }
    total_sum(&zero, sums);
    total_sum(&lead, sums + WORDS);
    return i;
}

const struct challenge_table NAME(challenge) = {
    .add = NAME(add),
    .multiply = NAME(multiply),
    .add_scaled = NAME(add_scaled),
    .scale = NAME(scale),
    .fold = NAME(fold),
    .fold_pairs = NAME(fold_pairs),
    .expand = NAME(expand),
    .add_fractions = NAME(add_fractions),
    .inner_product = NAME(inner_product),
    .round_product2 = NAME(round_product2),
    .round_product3 = NAME(round_product3),
    .round_weighted2 = NAME(round_weighted2),
    .round_fractions = NAME(round_fractions),
};
