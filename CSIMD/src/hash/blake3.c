#include "blake3_internal.h"
#include "csimd_cpu.h"
#include "csimd_hash.h"

#include <string.h>

enum { MAXIMUM_LANES = 16 };

static const struct csimd_blake3_kernels *kernels(void) {
    switch (csimd_current_level()) {
#if defined(__x86_64__)
    case CSIMD_LEVEL_AVX512:
        return &csimd_blake3_avx512;
    case CSIMD_LEVEL_AVX2:
        return &csimd_blake3_avx2;
#endif
    default:
        return &csimd_blake3_portable;
    }
}

/// Parents of any number of pairs. Full vectors first; then the rest in one vector with pairs repeated, or one by one
/// where that is less work.
static void hash_parents(const struct csimd_blake3_kernels *k, const uint8_t *blocks, size_t count, uint8_t *digests) {
    size_t i = 0;
    for (; i + k->lanes <= count; i += k->lanes) k->parents(blocks + 64 * i, CSIMD_BLAKE3_PARENT, digests + 32 * i);
    size_t rest = count - i;
    if (rest >= 2) {
        uint8_t in[64 * MAXIMUM_LANES], out[32 * MAXIMUM_LANES];
        memcpy(in, blocks + 64 * i, 64 * rest);
        memset(in + 64 * rest, 0, 64 * (k->lanes - rest));
        k->parents(in, CSIMD_BLAKE3_PARENT, out);
        memcpy(digests + 32 * i, out, 32 * rest);
    } else if (rest == 1) {
        csimd_blake3_portable.parents(blocks + 64 * i, CSIMD_BLAKE3_PARENT, digests + 32 * i);
    }
}

void csimd_blake3(const uint8_t *data, size_t length, uint8_t *digest) {
    const struct csimd_blake3_kernels *k = kernels();
    enum { CHUNK = CSIMD_BLAKE3_CHUNK_BYTES };
    // With fewer chunks than about half a vector, one after the other is as fast.
    if (k->lanes == 1 || length <= CHUNK * k->lanes / 2) {
        csimd_blake3_portable.messages(&data, length, digest);
        return;
    }
    // The chunks of the message lie in the lanes. `stack` holds the left siblings that wait for their right ones, as in
    // blake3_lanes.h; a full vector of chunks is a subtree of its own and joins the stack as one node.
    uint8_t stack[54 + 1][32];
    size_t depth = 0;
    size_t chunks = (length - 1) / CHUNK + 1;
    size_t done = 0;
    uint8_t values[32 * MAXIMUM_LANES], block[64];
    while (chunks - done > k->lanes) {
        k->chunks(data + done * CHUNK, done, values);
        for (size_t width = k->lanes / 2; width >= 1; width /= 2) {
            uint8_t parents[32 * MAXIMUM_LANES / 2];
            hash_parents(k, values, width, parents);
            memcpy(values, parents, 32 * width);
        }
        done += k->lanes;
        memcpy(stack[depth++], values, 32);
        for (size_t subtrees = done / k->lanes; (subtrees & 1) == 0; subtrees >>= 1) {
            depth--;
            hash_parents(k, stack[depth - 1], 1, stack[depth - 1]);
        }
    }
    // 1 to `lanes` chunks are left. The last may be short, and its parents on the right edge must wait for the root.
    size_t rest = chunks - done;
    if (rest > 2) {
        uint8_t in[CHUNK * MAXIMUM_LANES];
        memcpy(in, data + done * CHUNK, CHUNK * (rest - 1));
        memset(in + CHUNK * (rest - 1), 0, CHUNK * (k->lanes - (rest - 1)));
        k->chunks(in, done, values);
    } else if (rest == 2) {
        csimd_blake3_portable_chunk(data + done * CHUNK, CHUNK, done, values);
    }
    for (size_t i = 0; i + 1 < rest; i++) {
        memcpy(stack[depth++], values + 32 * i, 32);
        for (size_t complete = done + i + 1; (complete & 1) == 0; complete >>= 1) {
            depth--;
            hash_parents(k, stack[depth - 1], 1, stack[depth - 1]);
        }
    }
    size_t last = chunks - 1;
    csimd_blake3_portable_chunk(data + last * CHUNK, length - last * CHUNK, last, stack[depth]);
    for (; depth > 0; depth--) {
        memcpy(block, stack[depth - 1], 64);
        uint32_t flags = CSIMD_BLAKE3_PARENT | (depth == 1 ? CSIMD_BLAKE3_ROOT : 0);
        csimd_blake3_portable.parents(block, flags, stack[depth - 1]);
    }
    memcpy(digest, stack[0], 32);
}

void csimd_blake3_rows(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *digests) {
    const struct csimd_blake3_kernels *k = kernels();
    const uint8_t *lane[MAXIMUM_LANES];
    size_t i = 0;
    // From a vector of chunks on, a row fills the lanes by itself, and is read in one stream instead of sixteen.
    if (k->lanes > 1 && row_bytes < CSIMD_BLAKE3_CHUNK_BYTES * k->lanes) {
        for (; i + k->lanes <= row_count; i += k->lanes) {
            for (size_t j = 0; j < k->lanes; j++) lane[j] = rows + (i + j) * row_bytes;
            k->messages(lane, row_bytes, digests + 32 * i);
        }
        size_t rest = row_count - i;
        if (rest >= 2) {
            uint8_t out[32 * MAXIMUM_LANES];
            for (size_t j = 0; j < k->lanes; j++) lane[j] = rows + (i + (j < rest ? j : 0)) * row_bytes;
            k->messages(lane, row_bytes, out);
            memcpy(digests + 32 * i, out, 32 * rest);
            return;
        }
    }
    for (; i < row_count; i++) csimd_blake3(rows + i * row_bytes, row_bytes, digests + 32 * i);
}

void csimd_blake3_pairs(const uint8_t *nodes, size_t pair_count, uint8_t *parents) {
    hash_parents(kernels(), nodes, pair_count, parents);
}
