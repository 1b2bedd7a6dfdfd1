#include "keccak_internal.h"

// The output bits of the shift register that iota is defined by, in "The Keccak reference".
const uint64_t csimd_keccak_constants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

#define LANES 1
#define TARGET
typedef uint64_t vec;
#define splat(x) ((uint64_t)(x))

static inline vec load_word(const uint8_t *const *lane, size_t offset) {
    const uint8_t *p = lane[0] + offset;
    uint64_t w = 0;
    for (int i = 0; i < 8; i++) w |= (uint64_t)p[i] << 8 * i;
    return w;
}

static inline void load_words(vec m[8], const uint8_t *const *lane, size_t offset) {
    for (int j = 0; j < 8; j++) m[j] = load_word(lane, offset + 8 * (size_t)j);
}

static inline void store_digests(const vec h[4], uint8_t *out) {
    for (int j = 0; j < 32; j++) out[j] = (uint8_t)(h[j / 8] >> 8 * (j % 8));
}

#include "keccak_lanes.h"

const struct csimd_lane_hash csimd_keccak256_portable = {LANES, messages, pairs};
