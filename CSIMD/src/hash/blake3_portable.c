#include "blake3_internal.h"

#include <string.h>

#define LANES 1
#define TARGET
typedef uint32_t vec;
#define splat(x) ((uint32_t)(x))
#define ascending(base) (base)

static inline void load_blocks(vec m[16], const uint8_t *const *lane, size_t offset) {
    const uint8_t *p = lane[0] + offset;
    for (int j = 0; j < 16; j++, p += 4) {
        m[j] = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    }
}

static inline void store_digests(const vec h[8], uint8_t *out) {
    for (int j = 0; j < 8; j++, out += 4) {
        for (int k = 0; k < 4; k++) out[k] = (uint8_t)(h[j] >> 8 * k);
    }
}

#include "blake3_lanes.h"

const struct csimd_blake3_kernels csimd_blake3_portable = {LANES, messages, chunks, parents};

void csimd_blake3_portable_chunk(const uint8_t *data, size_t length, uint64_t counter, uint8_t *digest) {
    vec h[8];
    chunk(h, &data, 0, length, (uint32_t)counter, (uint32_t)(counter >> 32), 0);
    store_digests(h, digest);
}
