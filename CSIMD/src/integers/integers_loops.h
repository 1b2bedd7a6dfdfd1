/// The loops, for one level: TARGET is how functions are compiled, LOOPS the name of their table.
#define SPLIT(NAME, X, L, A)                                                          \
    TARGET static int NAME(const split_task *t) {                                    \
        const X *restrict x = t->x;                                                  \
        L *restrict limb = t->limb;                                                  \
        A *restrict quotient = t->quotient;                                          \
        const uint32_t add = (uint32_t)t->add, offset = (uint32_t)t->offset;         \
        const uint32_t mask = ((uint32_t)1 << t->shift) - 1;                         \
        const int32_t low = t->low, high = t->high;                                  \
        const int shift = t->shift;                                                  \
        int32_t outside = 0;                                                         \
        for (size_t i = 0; i < t->count; i++) {                                      \
            const uint32_t sum = (uint32_t)x[i] + add;                               \
            const int32_t h = (int32_t)((uint32_t)((int32_t)sum >> shift) + offset); \
            limb[i] = (L)(sum & mask);                                               \
            quotient[i] = (A)h;                                                      \
            outside |= (h < low) | (h > high);                                       \
        }                                                                            \
        return outside;                                                              \
    }

#define SPLITS(X, L)                             \
    SPLIT(split_##X##_##L##_8, X, L, int8_t)     \
    SPLIT(split_##X##_##L##_16, X, L, int16_t)   \
    SPLIT(split_##X##_##L##_32, X, L, int32_t)
#define NAMES(X, L) \
    { split_##X##_##L##_8, split_##X##_##L##_16, split_##X##_##L##_32 }

SPLITS(int16_t, int8_t)
SPLITS(int16_t, int16_t)
SPLITS(int16_t, int32_t)
SPLITS(int32_t, int8_t)
SPLITS(int32_t, int16_t)
SPLITS(int32_t, int32_t)

const split_loops LOOPS = {
    {NAMES(int16_t, int8_t), NAMES(int16_t, int16_t), NAMES(int16_t, int32_t)},
    {NAMES(int32_t, int8_t), NAMES(int32_t, int16_t), NAMES(int32_t, int32_t)},
};
