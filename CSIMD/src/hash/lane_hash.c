#include "lane_hash.h"

#include <string.h>

void csimd_lane_hash_rows(const struct csimd_lane_hash *wide, const struct csimd_lane_hash *one, const uint8_t *rows,
                          size_t row_bytes, size_t count, uint8_t *digests) {
    const uint8_t *lane[CSIMD_MAXIMUM_HASH_LANES];
    size_t i = 0;
    for (; i + wide->lanes <= count; i += wide->lanes) {
        for (size_t j = 0; j < wide->lanes; j++) lane[j] = rows + (i + j) * row_bytes;
        wide->messages(lane, row_bytes, digests + 32 * i);
    }
    size_t rest = count - i;
    if (rest >= 2) {
        uint8_t out[32 * CSIMD_MAXIMUM_HASH_LANES];
        // Lanes without a row repeat the first.
        for (size_t j = 0; j < wide->lanes; j++) lane[j] = rows + (i + (j < rest ? j : 0)) * row_bytes;
        wide->messages(lane, row_bytes, out);
        memcpy(digests + 32 * i, out, 32 * rest);
    } else if (rest == 1) {
        lane[0] = rows + i * row_bytes;
        one->messages(lane, row_bytes, digests + 32 * i);
    }
}

void csimd_lane_hash_pairs(const struct csimd_lane_hash *wide, const struct csimd_lane_hash *one, const uint8_t *nodes,
                           size_t count, uint8_t *parents) {
    size_t i = 0;
    for (; i + wide->lanes <= count; i += wide->lanes) wide->pairs(nodes + 64 * i, parents + 32 * i);
    size_t rest = count - i;
    if (rest >= 2) {
        uint8_t in[64 * CSIMD_MAXIMUM_HASH_LANES], out[32 * CSIMD_MAXIMUM_HASH_LANES];
        memcpy(in, nodes + 64 * i, 64 * rest);
        memset(in + 64 * rest, 0, 64 * (wide->lanes - rest));
        wide->pairs(in, out);
        memcpy(parents + 32 * i, out, 32 * rest);
    } else if (rest == 1) {
        one->pairs(nodes + 64 * i, parents + 32 * i);
    }
}
