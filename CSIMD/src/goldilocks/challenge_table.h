/// The bulk operations on vectors of challenges, one table for each field and instruction set. Shared with BN254.
///
/// Every kernel works through whole groups of its vector width from the front, returns how many items it did, and
/// leaves the rest to the portable table, whose width is 1. Vectors are arrays of elements of a fixed number of words.
#ifndef CSIMD_CHALLENGE_TABLE_H
#define CSIMD_CHALLENGE_TABLE_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t u64;

struct challenge_table {
    size_t (*add)(const u64 *a, const u64 *b, u64 *out, size_t count);
    size_t (*multiply)(const u64 *a, const u64 *b, u64 *out, size_t count);
    size_t (*add_scaled)(const u64 *a, const u64 *factor, u64 *out, size_t count);
    size_t (*scale)(const u64 *a, const u64 *factor, u64 *out, size_t count);
    size_t (*fold)(const u64 *in, const u64 *r, u64 *out, size_t pairs);
    size_t (*fold_pairs)(const u64 *in, const u64 *r, u64 *out, size_t quads);
    /// high[i] = r low[i], low[i] -= high[i].
    size_t (*expand)(u64 *low, u64 *high, const u64 *r, size_t count);
    size_t (*add_fractions)(const u64 *p, const u64 *q, u64 *p_out, u64 *q_out, size_t pairs);
    // Sums: written to `sums`, one element after another. `count` is at most CHALLENGE_SUM_LIMIT.
    size_t (*inner_product)(const u64 *a, const u64 *b, size_t count, u64 *sums);
    size_t (*round_product2)(const u64 *a, const u64 *b, size_t pairs, u64 *sums);
    size_t (*round_product3)(const u64 *a, const u64 *b, const u64 *c, size_t pairs, u64 *sums);
    size_t (*round_weighted2)(const u64 *w, const u64 *a, const u64 *b, size_t pairs, u64 *sums);
    size_t (*round_fractions)(const u64 *w, const u64 *p, const u64 *q, const u64 *lambda, size_t quads, u64 *sums);
};

/// Sums are taken in pieces of this many items, which bounds the wide accumulators (BN254: 2^11 products of less than
/// 2^511 a lane of four, 2^10 of less than 2^516 a lane of eight).
#define CHALLENGE_SUM_LIMIT ((size_t)1 << 13)

#endif
