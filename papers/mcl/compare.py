"""Sums of multiples of points of BN254: the kernels of CSIMD beside mcl (https://github.com/herumi/mcl), in one process, on the
same points and scalars, with the results compared.

    python compare.py KERNELS.so OUT.json [LOGARITHMS ...]

KERNELS.so is made by reproduce.sh. Each figure is the least of several runs. mcl comes as the wheel `mclbn256`; it has one
thread, so for two each gets half of the points. Of its stack mcl wants more than threads have, hence threads of our own.
"""

import ctypes
import json
import platform
import random
import sys
import threading
import time

R = 21888242871839275222246405745257275088548364400416034343698204186575808495617
P = 21888242871839275222246405745257275088696311157297823662689037894645226208583
MCL_BN_SNARK1 = 4


class Scalars(ctypes.Structure):
    _fields_ = [
        ("scalars", ctypes.c_void_p),
        ("bytes", ctypes.c_int),
        ("count", ctypes.c_size_t),
        ("first", ctypes.c_size_t),
    ]


def in_thread(body):
    """Runs the body on a thread with a large stack."""
    result = []
    threading.stack_size(1 << 30)
    thread = threading.Thread(target=lambda: result.append(body()))
    thread.start()
    thread.join()
    threading.stack_size(0)
    return result[0]


def least(body, runs):
    best = None
    for _ in range(runs):
        start = time.perf_counter()
        body()
        seconds = time.perf_counter() - start
        best = seconds if best is None else min(best, seconds)
    return best


def main():
    ours = ctypes.CDLL(sys.argv[1])
    from mclbn256.mclbn256 import MCLBN_COMPILED_TIME_VAR, lib as mcl

    assert mcl.mclBn_init(MCL_BN_SNARK1, MCLBN_COMPILED_TIME_VAR) == 0
    mcl.mclBnG1_mulVec.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_size_t]
    mcl.mclBnG1_mulVec.restype = None
    ours.csimd_bn254_multiply_points.argtypes = [ctypes.c_void_p, ctypes.POINTER(Scalars), ctypes.c_size_t, ctypes.c_void_p]
    ours.csimd_bn254_multiply_point.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]

    logarithms = [int(x) for x in sys.argv[3:]] or [16, 18, 20]
    most = 1 << max(logarithms)
    rng = random.Random(254)
    scalars = [rng.randrange(R) for _ in range(most)]
    canonical = b"".join(k.to_bytes(32, "little") for k in scalars)

    # Both keep coordinates and scalars times 2^256; mcl's points have a third coordinate.
    def montgomery(x, m):
        return (x * (1 << 256) % m).to_bytes(32, "little")

    generator = montgomery(1, P) + montgomery(2, P)
    one = montgomery(1, P)
    points = ctypes.create_string_buffer(64 * most)
    ours.csimd_bn254_multiply_point(generator, canonical, most, points)
    raw = points.raw
    projective = b"".join(raw[64 * i : 64 * i + 64] + one for i in range(most))

    def mcl_sum(count, factors, first=0):
        out = ctypes.create_string_buffer(96)
        start = ctypes.create_string_buffer(projective[96 * first : 96 * (first + count)], 96 * count)
        values = ctypes.create_string_buffer(factors[32 * first : 32 * (first + count)], 32 * count)
        return out, lambda: mcl.mclBnG1_mulVec(out, start, values, count)

    def our_sum(count, data, size):
        out = ctypes.create_string_buffer(64)
        vector = Scalars(ctypes.cast(data, ctypes.c_void_p), size, count, 0)
        return out, lambda: ours.csimd_bn254_multiply_points(points, ctypes.byref(vector), 1, out)

    def affine(point):
        normal = ctypes.create_string_buffer(96)
        mcl.mclBnG1_normalize(normal, point)
        return normal.raw[:64]

    def compare(name, logarithm, count, values, data, size):
        runs = 5 if logarithm <= 16 else 3
        factors = b"".join(montgomery(k % R, R) for k in values[:count])
        their_out, their_body = mcl_sum(count, factors)
        their_seconds = in_thread(lambda: least(their_body, runs))
        ours.csimd_set_thread_count(1)
        our_out, our_body = our_sum(count, data, size)
        our_seconds = least(our_body, runs)
        if affine(their_out) != our_out.raw:
            sys.exit(f"{name}, 2^{logarithm}: the results differ")
        halves = [mcl_sum(count // 2, factors, first) for first in (0, count // 2)]

        def both():
            threads = [threading.Thread(target=body) for _, body in halves]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        threading.stack_size(1 << 30)
        their_two = least(both, runs)
        threading.stack_size(0)
        ours.csimd_set_thread_count(2)
        our_two = least(our_body, runs)
        row = {
            "scalars": name,
            "points": f"2^{logarithm}",
            "mclSeconds": round(their_seconds, 5),
            "ourSeconds": round(our_seconds, 5),
            "ratio": round(their_seconds / our_seconds, 2),
            "mclSecondsTwoThreads": round(their_two, 5),
            "ourSecondsTwoThreads": round(our_two, 5),
            "ratioTwoThreads": round(their_two / our_two, 2),
        }
        print(json.dumps(row), flush=True)
        return row

    rows = []
    for logarithm in logarithms:
        count = 1 << logarithm
        rows.append(compare("random", logarithm, count, scalars, canonical, 32))
        bits20 = [rng.randrange(1 << 20) for _ in range(count)]
        data = (ctypes.c_int32 * count)(*bits20)
        rows.append(compare("20 bits", logarithm, count, bits20, data, 4))
        bits8 = [rng.randrange(-128, 128) for _ in range(count)]
        data = (ctypes.c_int8 * count)(*bits8)
        rows.append(compare("8 bits, signed", logarithm, count, bits8, data, 1))

    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    with open(sys.argv[2], "w") as file:
        json.dump(
            {
                "machine": {"cpu": cpu, "system": platform.platform(), "loadAverage": open("/proc/loadavg").read().split()[0]},
                "theirs": "mcl as in mclbn256 1.3.5, curve BN_SNARK1, mclBnG1_mulVec",
                "ours": "csimd_bn254_multiply_points, level chosen at run time",
                "note": "mcl takes negative scalars as large ones, so for signed scalars the ratio says nothing of its small ones",
                "rows": rows,
            },
            file,
            indent=2,
        )
        file.write("\n")


main()
