#include "csimd_copy.h"
#include <string.h>

// With a size that the compiler knows a copy is a few instructions.
#define COPY(size)                                                                                                     \
    case size:                                                                                                         \
        for (size_t i = 0; i < count; i++) memcpy(target + i * to_stride, source + i * from_stride, size);             \
        break

void csimd_copy_pieces(const void *from, size_t from_stride, void *to, size_t to_stride, size_t bytes, size_t count) {
    const char *source = from;
    char *target = to;
    switch (bytes) {
        COPY(16);
        COPY(32);
        COPY(64);
        COPY(128);
    default:
        for (size_t i = 0; i < count; i++) memcpy(target + i * to_stride, source + i * from_stride, bytes);
    }
}
