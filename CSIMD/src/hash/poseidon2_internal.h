/// What the files of Poseidon2 share.
#ifndef CSIMD_POSEIDON2_INTERNAL_H
#define CSIMD_POSEIDON2_INTERNAL_H

#include "lane_hash.h"

/// What goes into the capacity of the sponge besides the length, so that no state of one kind starts another.
enum {
    POSEIDON2_MESSAGE = 1,
    /// Two digests that are canonical, where the permutation has room for a mark (BN254).
    POSEIDON2_NODE = 2,
    /// 64 bytes in the place of two digests that are not two digests.
    POSEIDON2_FOREIGN = 3,
};

extern const uint32_t csimd_poseidon2_m31_constants[142];
extern const uint64_t csimd_poseidon2_goldilocks_constants[86];
extern const uint64_t csimd_poseidon2_bn254_constants[80][4];

extern const struct csimd_lane_hash csimd_poseidon2_m31_portable;
extern const struct csimd_lane_hash csimd_poseidon2_m31_avx2;
extern const struct csimd_lane_hash csimd_poseidon2_m31_avx512;
extern const struct csimd_lane_hash csimd_poseidon2_goldilocks_portable;
extern const struct csimd_lane_hash csimd_poseidon2_goldilocks_avx2;
extern const struct csimd_lane_hash csimd_poseidon2_goldilocks_avx512;
extern const struct csimd_lane_hash csimd_poseidon2_bn254_portable;
extern const struct csimd_lane_hash csimd_poseidon2_bn254_avx2;
extern const struct csimd_lane_hash csimd_poseidon2_bn254_avx512;

/// The digest of the 64 bytes of a pair, not both of which are canonical.
void csimd_poseidon2_m31_foreign(const uint8_t *nodes, uint8_t *parent);
void csimd_poseidon2_goldilocks_foreign(const uint8_t *nodes, uint8_t *parent);
void csimd_poseidon2_bn254_foreign(const uint8_t *nodes, uint8_t *parent);

#endif
