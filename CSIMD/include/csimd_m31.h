#ifndef CSIMD_M31_H
#define CSIMD_M31_H
#endif
