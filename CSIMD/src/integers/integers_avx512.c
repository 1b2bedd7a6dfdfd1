/// Loops over small integers at AVX-512.
#if defined(__x86_64__)
#include "integers.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")))
#define LOOPS split_avx512
#include "integers_loops.h"
#endif
