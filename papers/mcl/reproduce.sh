#!/bin/sh
# Sums of multiples of points beside mcl: writes ours.json. Binary logarithms of the sizes may be named; 16 18 20 unless told.
#
#     papers/mcl/reproduce.sh [LOGARITHMS ...]
#
# Needs clang (that of the Swift toolchain does; CC), Python 3 (PYTHON), and the network for the wheel mclbn256.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q mclbn256==1.3.5
"${CC:-clang}" -O2 -std=gnu17 -shared -fPIC -I"$root/CSIMD/include" -o "$work/kernels.so" \
    "$root"/CSIMD/src/bn254/points*.c "$root"/CSIMD/src/bn254/inverse.c "$root"/CSIMD/src/cpu/*.c -lpthread
"$work/venv/bin/python" "$here/compare.py" "$work/kernels.so" "$here/ours.json" "$@"
