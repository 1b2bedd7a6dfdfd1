/// The AVX-512 level.
#if defined(__x86_64__)
#include "m31_vector_avx512.h"

#define KERNELS m31_avx512
#include "m31_kernels.h"
#endif
