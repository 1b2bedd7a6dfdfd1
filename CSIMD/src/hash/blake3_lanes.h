// BLAKE3 on LANES messages at once, one message per lane, written once for every instruction set.
//
// "BLAKE3: one function, fast everywhere" (O'Connor, Aumasson, Neves, Wilcox-O'Hearn), 2.1-2.6. All messages have one
// length, so that their trees have one shape: chaining values stay in vector form from the first block to the root, and
// parents need no transposition. The includer defines
//
//   LANES                 the number of lanes
//   TARGET                attributes of every function
//   vec                   a vector of LANES 32-bit words with the operators of C
//   splat(x)              x in every lane
//   ascending(base)       base + i in lane i, modulo 2^32
//   load_blocks(m, lane, offset)   m[j] = little-endian word j of the block at lane[i] + offset, for lane i
//   store_digests(h, out)          the reverse: word j of lane i to out + 32 i + 4 j

#define ROTATE(x, n) (((x) >> (n)) | ((x) << (32 - (n))))

#define G(a, b, c, d, x, y)                                                                                            \
    do {                                                                                                               \
        a = a + b + (x);                                                                                               \
        d = ROTATE(d ^ a, 16);                                                                                         \
        c = c + d;                                                                                                     \
        b = ROTATE(b ^ c, 12);                                                                                         \
        a = a + b + (y);                                                                                               \
        d = ROTATE(d ^ a, 8);                                                                                          \
        c = c + d;                                                                                                     \
        b = ROTATE(b ^ c, 7);                                                                                          \
    } while (0)

#define ROUND(i0, i1, i2, i3, i4, i5, i6, i7, i8, i9, i10, i11, i12, i13, i14, i15)                                    \
    do {                                                                                                               \
        G(v0, v4, v8, v12, m[i0], m[i1]);                                                                              \
        G(v1, v5, v9, v13, m[i2], m[i3]);                                                                              \
        G(v2, v6, v10, v14, m[i4], m[i5]);                                                                             \
        G(v3, v7, v11, v15, m[i6], m[i7]);                                                                             \
        G(v0, v5, v10, v15, m[i8], m[i9]);                                                                             \
        G(v1, v6, v11, v12, m[i10], m[i11]);                                                                           \
        G(v2, v7, v8, v13, m[i12], m[i13]);                                                                            \
        G(v3, v4, v9, v14, m[i14], m[i15]);                                                                            \
    } while (0)

static const uint32_t initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/// Replaces the chaining values `h` by those after the blocks `m` of `length` bytes.
TARGET static inline __attribute__((always_inline)) void compress(vec h[8], const vec m[16], vec counter_low,
                                                                  vec counter_high, uint32_t length, uint32_t flags) {
    vec v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3], v4 = h[4], v5 = h[5], v6 = h[6], v7 = h[7];
    vec v8 = splat(initial[0]), v9 = splat(initial[1]), v10 = splat(initial[2]), v11 = splat(initial[3]);
    vec v12 = counter_low, v13 = counter_high, v14 = splat(length), v15 = splat(flags);
    // The message permutation, applied to the identity 0 to 6 times.
    ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    ROUND(2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8);
    ROUND(3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1);
    ROUND(10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6);
    ROUND(12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4);
    ROUND(9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7);
    ROUND(11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13);
    h[0] = v0 ^ v8;
    h[1] = v1 ^ v9;
    h[2] = v2 ^ v10;
    h[3] = v3 ^ v11;
    h[4] = v4 ^ v12;
    h[5] = v5 ^ v13;
    h[6] = v6 ^ v14;
    h[7] = v7 ^ v15;
}

TARGET static inline __attribute__((always_inline)) void set_initial(vec h[8]) {
    for (int i = 0; i < 8; i++) h[i] = splat(initial[i]);
}

/// The chaining values of the chunks at `lane[i] + offset`, of `length` <= 1,024 bytes; `root` is ROOT or 0.
TARGET static inline void chunk(vec h[8], const uint8_t *const *lane, size_t offset, size_t length, vec counter_low,
                                vec counter_high, uint32_t root) {
    vec m[16];
    uint32_t flags = CSIMD_BLAKE3_CHUNK_START;
    set_initial(h);
    size_t done = 0;
    for (; done + 64 < length; done += 64) {
        load_blocks(m, lane, offset + done);
        compress(h, m, counter_low, counter_high, 64, flags);
        flags = 0;
    }
    flags |= CSIMD_BLAKE3_CHUNK_END | root;
    size_t rest = length - done;
    if (rest == 64) {
        load_blocks(m, lane, offset + done);
    } else {
        // The last block may be short, and the empty message has one of no bytes: padded with zeros.
        uint8_t padded[LANES][64];
        const uint8_t *row[LANES];
        memset(padded, 0, sizeof padded);
        for (int i = 0; i < LANES; i++) {
            if (rest > 0) memcpy(padded[i], lane[i] + offset + done, rest);
            row[i] = padded[i];
        }
        load_blocks(m, row, 0);
    }
    compress(h, m, counter_low, counter_high, (uint32_t)rest, flags);
}

/// `h` becomes the parents of `left` and `h`.
TARGET static inline void parent(vec h[8], const vec left[8], uint32_t root) {
    vec m[16];
    for (int i = 0; i < 8; i++) {
        m[i] = left[i];
        m[i + 8] = h[i];
    }
    set_initial(h);
    compress(h, m, splat(0), splat(0), 64, CSIMD_BLAKE3_PARENT | root);
}

TARGET static void messages(const uint8_t *const *input, size_t length, uint8_t *digests) {
    // Left siblings that wait for their right ones. A message of 2^64 - 1 bytes has 54 levels of them.
    vec stack[54][8];
    int depth = 0;
    vec h[8];
    size_t chunks = length == 0 ? 1 : (length - 1) / CSIMD_BLAKE3_CHUNK_BYTES + 1;
    for (size_t i = 0; i + 1 < chunks; i++) {
        chunk(h, input, i * CSIMD_BLAKE3_CHUNK_BYTES, CSIMD_BLAKE3_CHUNK_BYTES, splat((uint32_t)i),
              splat((uint32_t)((uint64_t)i >> 32)), 0);
        // As many complete subtrees end here as i + 1 has trailing zeros. None is the root: a chunk still follows.
        for (size_t done = i + 1; (done & 1) == 0; done >>= 1) parent(h, stack[--depth], 0);
        memcpy(stack[depth++], h, sizeof h);
    }
    size_t last = chunks - 1;
    chunk(h, input, last * CSIMD_BLAKE3_CHUNK_BYTES, length - last * CSIMD_BLAKE3_CHUNK_BYTES, splat((uint32_t)last),
          splat((uint32_t)((uint64_t)last >> 32)), chunks == 1 ? CSIMD_BLAKE3_ROOT : 0);
    while (depth > 0) {
        depth--;
        parent(h, stack[depth], depth == 0 ? CSIMD_BLAKE3_ROOT : 0);
    }
    store_digests(h, digests);
}

TARGET static void chunks(const uint8_t *data, uint64_t counter, uint8_t *digests) {
    const uint8_t *lane[LANES];
    for (int i = 0; i < LANES; i++) lane[i] = data + (size_t)i * CSIMD_BLAKE3_CHUNK_BYTES;
    vec h[8];
    // The callers' counters are multiples of LANES, so that the low words do not wrap within the vector.
    chunk(h, lane, 0, CSIMD_BLAKE3_CHUNK_BYTES, ascending((uint32_t)counter), splat((uint32_t)(counter >> 32)), 0);
    store_digests(h, digests);
}

TARGET static void parents(const uint8_t *blocks, uint32_t flags, uint8_t *digests) {
    const uint8_t *lane[LANES];
    for (int i = 0; i < LANES; i++) lane[i] = blocks + (size_t)i * 64;
    vec h[8], m[16];
    load_blocks(m, lane, 0);
    set_initial(h);
    compress(h, m, splat(0), splat(0), 64, flags);
    store_digests(h, digests);
}
