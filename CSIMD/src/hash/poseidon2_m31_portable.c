#include <stdint.h>

#define P 0x7fffffffu
#define LANES 1
#define TARGET
typedef uint32_t vec;

static inline vec splat(uint32_t x) { return x; }
static inline vec once(vec a) { return a >= P ? a - P : a; }
static inline vec add(vec a, vec b) { return once(a + b); }
static inline vec sub(vec a, vec b) { return once(a + P - b); }
static inline vec multiply(vec a, vec b) {
    const uint64_t x = (uint64_t)a * b;
    return once((uint32_t)(x & P) + (uint32_t)(x >> 31));
}
static inline vec times_power(vec a, int k) { return (a << k & P) | a >> (31 - k); }
static inline vec load(const uint32_t *p) { return *p; }
static inline void store(uint32_t *p, vec a) { *p = a; }

#include "poseidon2_m31.h"

const struct csimd_lane_hash csimd_poseidon2_m31_portable = {LANES, messages, pairs};

void csimd_poseidon2_m31_foreign(const uint8_t *nodes, uint8_t *parent) {
    sponge(&nodes, 64, POSEIDON2_FOREIGN, parent);
}
