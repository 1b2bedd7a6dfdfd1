/// What the files of Keccak-256 share.
#ifndef CSIMD_KECCAK_INTERNAL_H
#define CSIMD_KECCAK_INTERNAL_H

#include "lane_hash.h"

/// The iota constants of Keccak-f[1600].
extern const uint64_t csimd_keccak_constants[24];

extern const struct csimd_lane_hash csimd_keccak256_portable;
extern const struct csimd_lane_hash csimd_keccak256_avx2;
extern const struct csimd_lane_hash csimd_keccak256_avx512;

#endif
