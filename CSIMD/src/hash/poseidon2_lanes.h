// Poseidon2 on LANES inputs at once, one per lane, written once for every field and instruction set.
//
// Grassi, Khovratovich, Schofnegger, "Poseidon2: a faster version of the Poseidon hash function", ePrint 2023/323. What
// is hashed how is said in csimd_hash.h. The includer defines
//
//   LANES, TARGET          the number of lanes; attributes of every function
//   WIDTH, RATE            elements of the state, and of them those that a block overwrites
//   PARTIAL_ROUNDS         there are 8 full ones
//   BLOCK_BYTES            bytes that fill the rate
//   vec                    an element in each lane
//   add_constant(x, i)     x plus round constant i
//   SBOX_GROUP             S-boxes that are worth taking together, a divisor of WIDTH
//   sboxes(s, n)           n of them, 1 or SBOX_GROUP, a product of each after the other, so that the products overlap
//   external(s), internal(s)           the linear layers of full and of partial rounds
//   capacity(s, length, kind)          sets the capacity, s[RATE] and after
//   load_block(s, lane, offset)        the rate from the BLOCK_BYTES bytes at lane[i] + offset
//   store_digests(s, out)              the digest at the start of the rate, canonical
//   load_pairs(s, nodes)               the elements of pairs of digests that lie one after the other
//   NODES_BY_SPONGE                    if two digests fill the rate and not the state; if not,
//   add(x, y)                          the sum

#include <string.h>

TARGET static inline __attribute__((always_inline)) void full_rounds(vec s[WIDTH], size_t constants) {
#pragma clang loop unroll(disable)
    for (size_t r = 0; r < 4; r++) {
#pragma clang loop unroll(full)
        for (size_t i = 0; i < WIDTH; i += SBOX_GROUP) {
#pragma clang loop unroll(full)
            for (size_t j = i; j < i + SBOX_GROUP; j++) s[j] = add_constant(s[j], constants + WIDTH * r + j);
            sboxes(s + i, SBOX_GROUP);
        }
        external(s);
    }
}

TARGET static void permute(vec s[WIDTH]) {
    external(s);
    full_rounds(s, 0);
#pragma clang loop unroll(disable)
    for (size_t r = 0; r < PARTIAL_ROUNDS; r++) {
        s[0] = add_constant(s[0], 4 * WIDTH + r);
        sboxes(s, 1);
        internal(s);
    }
    full_rounds(s, 4 * WIDTH + PARTIAL_ROUNDS);
}

TARGET static void sponge(const uint8_t *const *input, size_t length, uint64_t kind, uint8_t *digests) {
    vec s[WIDTH];
    capacity(s, length, kind);
    const size_t whole = length / BLOCK_BYTES, rest = length % BLOCK_BYTES;
    for (size_t b = 0; b < whole; b++) {
        load_block(s, input, b * BLOCK_BYTES);
        permute(s);
    }
    // The empty message has a block too, so that every digest comes out of a permutation.
    if (rest > 0 || length == 0) {
        uint8_t last[LANES][BLOCK_BYTES];
        const uint8_t *lane[LANES];
        memset(last, 0, sizeof last);
        for (int i = 0; i < LANES; i++) {
            if (rest > 0) memcpy(last[i], input[i] + whole * BLOCK_BYTES, rest);
            lane[i] = last[i];
        }
        load_block(s, lane, 0);
        permute(s);
    }
    store_digests(s, digests);
}

TARGET static void messages(const uint8_t *const *input, size_t length, uint8_t *digests) {
    sponge(input, length, POSEIDON2_MESSAGE, digests);
}

#if defined(NODES_BY_SPONGE)
TARGET static void pairs(const uint8_t *nodes, uint8_t *parents) {
    vec s[WIDTH];
    capacity(s, 64, POSEIDON2_NODE);
    load_pairs(s, nodes);
    permute(s);
    store_digests(s, parents);
}
#else
TARGET static void pairs(const uint8_t *nodes, uint8_t *parents) {
    vec s[WIDTH], right[WIDTH / 2];
    load_pairs(s, nodes);
    for (int i = 0; i < WIDTH / 2; i++) right[i] = s[WIDTH / 2 + i];
    permute(s);
    for (int i = 0; i < WIDTH / 2; i++) right[i] = add(right[i], s[WIDTH / 2 + i]);
    store_digests(right, parents);
}
#endif
