/// What the kernels of one instruction set offer for a hash function that works on `lanes` inputs at a time, always all
/// of them, and the loops over any number of inputs on top of it.
#ifndef CSIMD_LANE_HASH_H
#define CSIMD_LANE_HASH_H

#include "csimd_cpu.h"

#include <stddef.h>
#include <stdint.h>

enum { CSIMD_MAXIMUM_HASH_LANES = 16 };

struct csimd_lane_hash {
    size_t lanes;
    /// The digests of `lanes` messages of `length` bytes.
    void (*messages)(const uint8_t *const *input, size_t length, uint8_t *digests);
    /// The parents of `lanes` pairs of digests that lie one after the other.
    void (*pairs)(const uint8_t *nodes, uint8_t *parents);
};

/// The digests of `count` rows of `row_bytes` bytes; `one` is the same function with a single lane.
void csimd_lane_hash_rows(const struct csimd_lane_hash *wide, const struct csimd_lane_hash *one, const uint8_t *rows,
                          size_t row_bytes, size_t count, uint8_t *digests);

/// The parents of `count` pairs.
void csimd_lane_hash_pairs(const struct csimd_lane_hash *wide, const struct csimd_lane_hash *one, const uint8_t *nodes,
                           size_t count, uint8_t *parents);

#endif
