// The public functions on vectors of challenges: a vector form for whole groups, the portable form for the rest.
// Included once for each field, after WORDS, PUBLIC(x), PORTABLE(), WIDE() (a table or NULL) and sum_add(a, b) (a +=
// b).

#include <string.h>

#define BOTH(op, count, wide_call, rest_call)                                                                          \
    const struct challenge_table *wide = WIDE();                                                                       \
    size_t i = wide != NULL ? wide->op wide_call : 0;                                                                  \
    if (i < (count)) PORTABLE()->op rest_call

void PUBLIC(add)(const void *a, const void *b, void *out, size_t count) {
    const u64 *x = a, *y = b;
    u64 *z = out;
    BOTH(add, count, (x, y, z, count), (x + WORDS * i, y + WORDS * i, z + WORDS * i, count - i));
}

void PUBLIC(multiply)(const void *a, const void *b, void *out, size_t count) {
    const u64 *x = a, *y = b;
    u64 *z = out;
    BOTH(multiply, count, (x, y, z, count), (x + WORDS * i, y + WORDS * i, z + WORDS * i, count - i));
}

void PUBLIC(add_scaled)(const void *a, const void *factor, void *out, size_t count) {
    const u64 *x = a;
    u64 *z = out;
    BOTH(add_scaled, count, (x, factor, z, count), (x + WORDS * i, factor, z + WORDS * i, count - i));
}

void PUBLIC(scale)(const void *a, const void *factor, void *out, size_t count) {
    const u64 *x = a;
    u64 *z = out;
    BOTH(scale, count, (x, factor, z, count), (x + WORDS * i, factor, z + WORDS * i, count - i));
}

void PUBLIC(fold)(const void *in, const void *r, void *out, size_t pairs) {
    const u64 *x = in;
    u64 *z = out;
    BOTH(fold, pairs, (x, r, z, pairs), (x + 2 * WORDS * i, r, z + WORDS * i, pairs - i));
}

void PUBLIC(fold_pairs)(const void *in, const void *r, void *out, size_t quads) {
    const u64 *x = in;
    u64 *z = out;
    BOTH(fold_pairs, quads, (x, r, z, quads), (x + 4 * WORDS * i, r, z + 2 * WORDS * i, quads - i));
}

void PUBLIC(expand_eq)(const void *point, size_t bits, const void *scale, void *table) {
    const u64 *r = point;
    u64 *low = table;
    memcpy(table, scale, WORDS * sizeof(u64));
    for (size_t bit = 0; bit < bits; bit++, r += WORDS) {
        const size_t size = (size_t)1 << bit;
        u64 *high = low + WORDS * size;
        BOTH(expand, size, (low, high, r, size), (low + WORDS * i, high + WORDS * i, r, size - i));
    }
}

void PUBLIC(add_fractions)(const void *p, const void *q, void *p_out, void *q_out, size_t pairs) {
    const u64 *x = p, *y = q;
    u64 *z = p_out, *t = q_out;
    BOTH(add_fractions, pairs, (x, y, z, t, pairs),
         (x + 2 * WORDS * i, y + 2 * WORDS * i, z + WORDS * i, t + WORDS * i, pairs - i));
}

// Sums come in pieces of at most CHALLENGE_SUM_LIMIT items, each in a vector part and a rest.
#define SUMS(op, sums, total, count, wide_call, rest_call)                                                             \
    const struct challenge_table *wide = WIDE();                                                                       \
    memset(total, 0, (sums) * WORDS * sizeof(u64));                                                                    \
    for (size_t i = 0; i < (count);) {                                                                                 \
        const size_t piece = (count) - i < CHALLENGE_SUM_LIMIT ? (count) - i : CHALLENGE_SUM_LIMIT;                    \
        u64 part[(sums) * WORDS];                                                                                      \
        size_t done = wide != NULL && piece >= 8 ? wide->op wide_call : 0;                                             \
        if (done == 0) done = PORTABLE()->op rest_call;                                                                \
        for (int k = 0; k < (sums); k++) sum_add((u64 *)(total) + k * WORDS, part + k * WORDS);                        \
        i += done;                                                                                                     \
    }

void PUBLIC(inner_product)(const void *a, const void *b, size_t count, void *sum) {
    const u64 *x = a, *y = b;
    SUMS(inner_product, 1, sum, count, (x + WORDS * i, y + WORDS * i, piece, part),
         (x + WORDS * i, y + WORDS * i, piece, part))
}

void PUBLIC(round_product2)(const void *a, const void *b, size_t pairs, void *two) {
    const u64 *x = a, *y = b;
    SUMS(round_product2, 2, two, pairs, (x + 2 * WORDS * i, y + 2 * WORDS * i, piece, part),
         (x + 2 * WORDS * i, y + 2 * WORDS * i, piece, part))
}

void PUBLIC(round_product3)(const void *a, const void *b, const void *c, size_t pairs, void *three) {
    const u64 *x = a, *y = b, *z = c;
    SUMS(round_product3, 3, three, pairs, (x + 2 * WORDS * i, y + 2 * WORDS * i, z + 2 * WORDS * i, piece, part),
         (x + 2 * WORDS * i, y + 2 * WORDS * i, z + 2 * WORDS * i, piece, part))
}

void PUBLIC(round_weighted_product2)(const void *weights, const void *a, const void *b, size_t pairs, void *two) {
    const u64 *w = weights, *x = a, *y = b;
    SUMS(round_weighted2, 2, two, pairs, (w + WORDS * i, x + 2 * WORDS * i, y + 2 * WORDS * i, piece, part),
         (w + WORDS * i, x + 2 * WORDS * i, y + 2 * WORDS * i, piece, part))
}

void PUBLIC(round_fractions)(const void *weights, const void *p, const void *q, const void *lambda, size_t quads,
                             void *two) {
    const u64 *w = weights, *x = p, *y = q;
    SUMS(round_fractions, 2, two, quads, (w + WORDS * i, x + 4 * WORDS * i, y + 4 * WORDS * i, lambda, piece, part),
         (w + WORDS * i, x + 4 * WORDS * i, y + 4 * WORDS * i, lambda, piece, part))
}
