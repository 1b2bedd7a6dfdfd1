#!/usr/bin/env python3
"""Poseidon2 as Assay uses it, for reading: makes the table of constants of the C kernels and the vectors of their tests.

    python3 poseidon2.py constants > ../../CSIMD/src/hash/poseidon2_constants.c
    python3 poseidon2.py digests

Grassi, Khovratovich, Schofnegger, "Poseidon2: a faster version of the Poseidon hash function", ePrint 2023/323. Every
run first compares the three permutations with published vectors, and checks the condition on the internal matrices.
"""

import sys


class Instance:
    def __init__(self, name, prime, width, exponent, partial, diagonal, rate_bytes, limbs, digest):
        self.name, self.p, self.t, self.exponent, self.partial = name, prime, width, exponent, partial
        self.diagonal = [d % prime for d in diagonal]
        # Bytes of a block of the sponge, the elements that they fill, and the elements of a digest.
        self.rate_bytes, self.limbs, self.digest = rate_bytes, limbs, digest
        self.constants = grain_constants(prime, width, 8, partial)

    def external(self, s):
        if self.t == 3:
            return [(sum(s) + x) % self.p for x in s]
        matrix = [[2, 3, 1, 1], [1, 2, 3, 1], [1, 1, 2, 3], [3, 1, 1, 2]]
        blocks = [[sum(m * x for m, x in zip(row, s[i : i + 4])) for row in matrix] for i in range(0, self.t, 4)]
        return [(x + sum(b[k] for b in blocks)) % self.p for block in blocks for k, x in enumerate(block)]

    def permutation(self, s):
        box = lambda x: pow(x, self.exponent, self.p)
        constants = iter(self.constants)
        s = self.external(s)
        for _ in range(4):
            s = self.external([box(x + next(constants)) for x in s])
        for _ in range(self.partial):
            s = [box(s[0] + next(constants))] + s[1:]
            total = sum(s)
            s = [(total + d * x) % self.p for d, x in zip(self.diagonal, s)]
        for _ in range(4):
            s = self.external([box(x + next(constants)) for x in s])
        return s

    def capacity(self, length, kind):
        if self.t == 16:
            parts = [length % 2**30, (length >> 30) % 2**30, length >> 60, kind]
        elif self.t == 8:
            parts = [length % 2**62, length >> 62, kind]
        else:
            parts = [length + (kind << 64)]
        return parts + [0] * (self.t - self.limbs - len(parts))

    def encode(self, elements):
        return b"".join(x.to_bytes(32 // self.digest, "little") for x in elements)

    def hash(self, message, kind=1):
        s = [0] * self.limbs + self.capacity(len(message), kind)
        bits = 8 * self.rate_bytes // self.limbs
        for i in range(0, max(len(message), 1), self.rate_bytes):
            block = int.from_bytes(message[i : i + self.rate_bytes], "little")
            s = self.permutation([(block >> bits * j) % 2**bits for j in range(self.limbs)] + s[self.limbs :])
        return self.encode(s[: self.digest])

    def node(self, pair):
        size = 32 // self.digest
        x = [int.from_bytes(pair[i : i + size], "little") for i in range(0, 64, size)]
        if max(x) >= self.p:
            return self.hash(pair, kind=3)
        if self.t == 3:
            return self.encode(self.permutation(x + self.capacity(64, 2))[:1])
        y = self.permutation(x)
        return self.encode([(a + b) % self.p for a, b in zip(x[self.t // 2 :], y[self.t // 2 :])])


def grain_constants(p, t, full, partial):
    """The Grain LFSR in self-shrinking mode: "Poseidon" (ePrint 2019/458), appendix E."""
    bits = lambda value, count: [int(b) for b in bin(value)[2:].zfill(count)]
    n = p.bit_length()
    state = bits(1, 2) + bits(0, 4) + bits(n, 12) + bits(t, 12) + bits(full, 10) + bits(partial, 10) + [1] * 30

    def clock():
        new = state[62] ^ state[51] ^ state[38] ^ state[23] ^ state[13] ^ state[0]
        state.pop(0)
        state.append(new)
        return new

    def bit():
        while True:
            keep, value = clock(), clock()
            if keep:
                return value

    def element():
        while True:
            value = int("".join(str(bit()) for _ in range(n)), 2)
            if value < p:
                return value

    for _ in range(160):
        clock()
    return [element() for _ in range(full * t + partial)]


P_M31 = 2**31 - 1
P_GOLDILOCKS = 2**64 - 2**32 + 1
P_BN254 = 21888242871839275222246405745257275088548364400416034343698204186575808495617
HALF = (P_GOLDILOCKS + 1) // 2

# Round numbers, S-boxes and matrices of Plonky3's default instances (mersenne-31/src/poseidon2.rs and
# goldilocks/src/poseidon2.rs), and of HorizenLabs/poseidon2 for BN254.
M31 = Instance(
    "m31", P_M31, 16, 5, 14, [-2] + [2**k for k in (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 15, 16)], 30, 8, 8)
GOLDILOCKS = Instance("goldilocks", P_GOLDILOCKS, 8, 7, 22, [-2, 1, 2, HALF, 3, -HALF, -3, -4], 31, 4, 4)
BN254 = Instance("bn254", P_BN254, 3, 5, 56, [1, 1, 2], 62, 2, 1)
INSTANCES = [M31, GOLDILOCKS, BN254]

# Images of (0, 1, 2, ...), as the tests of the two projects have them.
PUBLISHED = {
    "m31": [
        0x0b2c803a, 0x5b1ee4d1, 0x49c6b1e3, 0x2cdc280c, 0x310a60c8, 0x530a729e, 0x4e61bcb4, 0x2e84d3c3,
        0x58709c08, 0x7e82ac42, 0x2162bcef, 0x6d153ab6, 0x742cf0e3, 0x2f21632d, 0x61adce1e, 0x1973d6f1],
    "goldilocks": [
        0x020cf04a1b214d14, 0x84e14aaaeacaed25, 0x1ae0f640e81c7457, 0xa4d204cbaeb0d8a5,
        0x0cf637b627b3a7ff, 0x788d304d948b486b, 0x7327133ea1949af4, 0xf415abb924da395b],
    "bn254": [
        0x0bb61d24daca55eebcb1929a82650f328134334da98ea4f847f760054f4a3033,
        0x303b6f7c86d043bfcbcc80214f26a30277a15d3f74ca654992defe7ff8d03570,
        0x1ed25194542b12eef8617361c3ba7c52e660b145994427cc86296242cf766ec8],
}


def characteristic_polynomial(matrix, p):
    """Monic, least degree first, by Faddeev and LeVerrier."""
    n = len(matrix)
    times = lambda a, b: [[sum(x * y for x, y in zip(row, column)) % p for column in zip(*b)] for row in a]
    coefficients, m = [1], [[int(i == j) for j in range(n)] for i in range(n)]
    for k in range(1, n + 1):
        m = times(matrix, m)
        c = -sum(m[i][i] for i in range(n)) * pow(k, -1, p) % p
        coefficients.append(c)
        for i in range(n):
            m[i][i] = (m[i][i] + c) % p
    return coefficients[::-1]


def is_irreducible(f, p):
    """Rabin's test, for a degree that is a power of two."""
    n = len(f) - 1

    def reduce(a):
        for i in range(len(a) - 1, n - 1, -1):
            top = a[i]
            for j in range(n):
                a[i - n + j] = (a[i - n + j] - top * f[j]) % p
        return a[:n]

    def multiply(a, b):
        product = [0] * (2 * n - 1)
        for i, x in enumerate(a):
            for j, y in enumerate(b):
                product[i + j] += x * y
        return reduce([x % p for x in product])

    def frobenius(a):
        result, base, e = [1] + [0] * (n - 1), a, p
        while e:
            if e & 1:
                result = multiply(result, base)
            base, e = multiply(base, base), e >> 1
        return result

    def coprime(a):
        a, b = list(f), list(a)
        while True:
            while b and b[-1] == 0:
                b.pop()
            if not b:
                return len(a) == 1
            inverse = pow(b[-1], -1, p)
            while len(a) >= len(b):
                factor = a[-1] * inverse % p
                shift = len(a) - len(b)
                for i, x in enumerate(b):
                    a[shift + i] = (a[shift + i] - factor * x) % p
                a.pop()
            a, b = b, a

    x = [0, 1] + [0] * (n - 2)
    power, middle = x, None
    for i in range(1, n + 1):
        power = frobenius(power)
        if i == n // 2:
            middle = power
    return power == x and coprime([a - b for a, b in zip(middle, x)])


def check(instance):
    if instance.permutation(list(range(instance.t))) != PUBLISHED[instance.name]:
        sys.exit(f"{instance.name}: not the published image")
    # ePrint 2023/323: no infinitely long subspace trail if the minimal polynomials of M, M^2, ..., M^2t are
    # irreducible of degree t. (That of width 3 is the paper's own matrix, which it checks otherwise.)
    t, p = instance.t, instance.p
    if t == 3:
        return
    matrix = [[1 + (instance.diagonal[i] if i == j else 0) for j in range(t)] for i in range(t)]
    power = matrix
    for _ in range(2 * t):
        if not is_irreducible(characteristic_polynomial(power, p), p):
            sys.exit(f"{instance.name}: a power of the internal matrix has a reducible polynomial")
        power = [[sum(a * b for a, b in zip(row, column)) % p for column in zip(*matrix)] for row in power]


def print_constants():
    def table(instance, type, texts, each):
        print(f"\nconst {type} csimd_poseidon2_{instance.name}_constants[{8 * instance.t + instance.partial}]"
              + ("[4]" if instance is BN254 else "") + " = {")
        for i in range(0, len(texts), each):
            print("    " + ", ".join(texts[i : i + each]) + ",")
        print("};")

    print("// Round constants of Poseidon2, in the order of their use: 4 full rounds, the partial rounds with one each, 4 full\n"
          "// rounds. Made by Experiments/poseidon2/poseidon2.py; those of BN254 in Montgomery form.\n"
          "#include \"poseidon2_internal.h\"\n\n// clang-format off")
    table(M31, "uint32_t", [f"0x{c:08x}" for c in M31.constants], 8)
    table(GOLDILOCKS, "uint64_t", [f"0x{c:016x}" for c in GOLDILOCKS.constants], 5)
    words = lambda c: ", ".join(f"0x{c >> 64 * i & 2**64 - 1:016x}" for i in range(4))
    table(BN254, "uint64_t", ["{" + words(c * 2**256 % P_BN254) + "}" for c in BN254.constants], 1)
    print("\n// clang-format on")


def print_digests():
    pattern = lambda n: bytes(i % 251 for i in range(n))
    for instance in INSTANCES:
        print(instance.name)
        for n in (0, 1, 29, 30, 31, 32, 61, 62, 63, 64, 93, 124, 125, 200):
            print(f"    message of {n}: {instance.hash(pattern(n)).hex()}")
        print(f"    node of zeros: {instance.node(bytes(64)).hex()}")
        children = instance.hash(b"left") + instance.hash(b"right")
        print(f"    node of the digests of 'left' and 'right': {instance.node(children).hex()}")
        print(f"    node of bytes of ones: {instance.node(bytes([255] * 64)).hex()}")


if __name__ == "__main__":
    for one in INSTANCES:
        check(one)
    {"constants": print_constants, "digests": print_digests}[sys.argv[1]]()
