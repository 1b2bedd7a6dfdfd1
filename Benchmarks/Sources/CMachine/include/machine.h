/// What one core of this machine can do at most, measured.
#ifndef MACHINE_H
#define MACHINE_H

#include <stddef.h>
#include <stdint.h>

/// The sum of `words` 64-bit words, read in order as fast as plain loads go.
uint64_t machine_read(const uint64_t *data, size_t words);

/// Runs `rounds` times 32 independent 512-bit instructions of the kind named and nothing else; returns 0 where the processor has
/// no such instruction. What they compute is written to `sink`.
/// dot: `vpdpbusd`, 64 byte products each.
int machine_dot(size_t rounds, uint64_t *sink);
/// multiply: `vpmuludq`, 8 products of 32 by 32 bits each.
int machine_multiply(size_t rounds, uint64_t *sink);
/// madd52: `vpmadd52luq`, 8 products of 52 by 52 bits each.
int machine_madd52(size_t rounds, uint64_t *sink);

/// Seconds of the calling thread's processor time, and of the wall clock.
double machine_thread_seconds(void);
double machine_wall_seconds(void);

#endif
