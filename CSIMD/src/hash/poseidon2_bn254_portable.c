#include "../bn254/scalar.h"

#define LANES 1
#define TARGET
typedef bn_scalar vec;

static inline vec add(vec a, vec b) { return bn_add(a, b); }
static inline vec broadcast(const uint64_t *w) { return (vec){{w[0], w[1], w[2], w[3]}}; }
static inline vec trim(vec a) { return a; }
static inline vec multiply(vec a, vec b) { return bn_mul(a, b); }
static inline vec from_words(const uint64_t w[4][LANES]) { return (vec){{w[0][0], w[1][0], w[2][0], w[3][0]}}; }
static inline void to_words(vec a, uint64_t w[4][LANES]) {
    for (int k = 0; k < 4; k++) w[k][0] = a.w[k];
}

#include "poseidon2_bn254.h"

const struct csimd_lane_hash csimd_poseidon2_bn254_portable = {LANES, messages, pairs};

void csimd_poseidon2_bn254_foreign(const uint8_t *nodes, uint8_t *parent) {
    sponge(&nodes, 64, POSEIDON2_FOREIGN, parent);
}
