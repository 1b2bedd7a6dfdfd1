#include "../goldilocks/scalar.h"

#define LANES 1
#define TARGET
typedef uint64_t vec;

static inline vec splat(uint64_t x) { return x; }
static inline vec add(vec a, vec b) { return gl_add(a, b); }
static inline vec sub(vec a, vec b) { return gl_sub(a, b); }
static inline vec half(vec a) { return (a >> 1) + (a & 1 ? (GOLDILOCKS_P + 1) / 2 : 0); }
static inline vec multiply(vec a, vec b) { return gl_mul(a, b); }
static inline vec load(const uint64_t *p) { return *p; }
static inline void store(uint64_t *p, vec a) { *p = a; }

#include "poseidon2_goldilocks.h"

const struct csimd_lane_hash csimd_poseidon2_goldilocks_portable = {LANES, messages, pairs};

void csimd_poseidon2_goldilocks_foreign(const uint8_t *nodes, uint8_t *parent) {
    sponge(&nodes, 64, POSEIDON2_FOREIGN, parent);
}
