/// Loops over small integers at AVX2.
#if defined(__x86_64__)
#include "integers.h"

#define TARGET __attribute__((target("avx2")))
#define LOOPS split_avx2
#include "integers_loops.h"
#endif
