#include "blake3_internal.h"
#include "csimd_cpu.h"
#include "csimd_hash.h"

#include <string.h>

enum { MAXIMUM_LANES = 16, MAXIMUM_SUBTREE = 256 };

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

/// The root of the tree over `width` >= 1 nodes, level by level, at the front of `nodes`. A node without a sibling goes
/// up as it is, which gives BLAKE3's shape: left subtrees are complete.
static void reduce(const struct csimd_blake3_kernels *k, uint8_t *nodes, size_t width, uint32_t root) {
    for (; width > 2; width = (width + 1) / 2) {
        hash_parents(k, nodes, width / 2, nodes);
        if (width & 1) memcpy(nodes + 32 * (width / 2), nodes + 32 * (width - 1), 32);
    }
    if (width == 2) csimd_blake3_portable.parents(nodes, CSIMD_BLAKE3_PARENT | root, nodes);
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
    // blake3_lanes.h, with one place more. Complete subtrees are as large as the message allows, so that most parents
    // fill the lanes too; each leaves something to its right, so none is the root.
    uint8_t stack[54 + 1][32];
    size_t depth = 0;
    size_t chunks = (length - 1) / CHUNK + 1;
    size_t done = 0;
    uint8_t nodes[32 * MAXIMUM_SUBTREE];
    for (size_t size = MAXIMUM_SUBTREE; chunks - done > k->lanes; done += size) {
        while (size >= chunks - done) size /= 2;
        for (size_t i = 0; i < size; i += k->lanes) k->chunks(data + (done + i) * CHUNK, done + i, nodes + 32 * i);
        reduce(k, nodes, size, 0);
        memcpy(stack[depth++], nodes, 32);
        for (size_t subtrees = done / size + 1; (subtrees & 1) == 0; subtrees >>= 1) {
            depth--;
            hash_parents(k, stack[depth - 1], 1, stack[depth - 1]);
        }
    }
    // 1 to `lanes` chunks are left; the last may be short.
    const uint8_t *rest = data + done * CHUNK;
    const size_t left = chunks - done, full = (length - done * CHUNK) / CHUNK;
    if (full == k->lanes) {
        k->chunks(rest, done, nodes);
    } else if (full > 2) {
        uint8_t in[CHUNK * MAXIMUM_LANES];
        memcpy(in, rest, CHUNK * full);
        memset(in + CHUNK * full, 0, CHUNK * (k->lanes - full));
        k->chunks(in, done, nodes);
    } else {
        for (size_t i = 0; i < full; i++)
            csimd_blake3_portable_chunk(rest + i * CHUNK, CHUNK, done + i, nodes + 32 * i);
    }
    if (full < left)
        csimd_blake3_portable_chunk(rest + full * CHUNK, length - (chunks - 1) * CHUNK, chunks - 1, nodes + 32 * full);
    reduce(k, nodes, left, depth == 0 ? CSIMD_BLAKE3_ROOT : 0);
    for (; depth > 0; depth--) {
        memcpy(stack[depth], nodes, 32);
        csimd_blake3_portable.parents(stack[depth - 1], CSIMD_BLAKE3_PARENT | (depth == 1 ? CSIMD_BLAKE3_ROOT : 0),
                                      nodes);
    }
    memcpy(digest, nodes, 32);
}

void csimd_blake3_rows(const uint8_t *rows, size_t row_bytes, size_t row_count, uint8_t *digests) {
    const struct csimd_blake3_kernels *k = kernels();
    const uint8_t *lane[MAXIMUM_LANES];
    size_t i = 0;
    if (k->lanes > 1) {
        for (; i + k->lanes <= row_count; i += k->lanes) {
            for (size_t j = 0; j < k->lanes; j++) lane[j] = rows + (i + j) * row_bytes;
            k->messages(lane, row_bytes, digests + 32 * i);
        }
        size_t rest = row_count - i;
        // From a vector of chunks on, a row can fill the lanes by itself, at four fifths of the speed.
        if (rest >= (row_bytes < CSIMD_BLAKE3_CHUNK_BYTES * k->lanes ? 2 : k->lanes - 3)) {
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
