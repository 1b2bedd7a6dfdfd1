/// The AVX2 level.
#if defined(__x86_64__)
#include "m31_vector_avx2.h"

#define KERNELS m31_avx2
#include "m31_kernels.h"
#endif
