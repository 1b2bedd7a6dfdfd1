#!/bin/sh
# GPT-2 small's shape (12 layers, width 768, 50,257 tokens) with random weights, 16 tokens, under the backends named
# (m31/orion unless told): writes ours.json. Needs 1 GB of disk, 8 GB of memory and some minutes.
#
#     papers/gpt2-small/reproduce.sh [BACKENDS]
#
# Needs the executable (`make build`, or its path in ASSAY) and Python 3 with NumPy (PYTHON).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
assay=${ASSAY:-$here/../../.build/release/assay}
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
[ -x "$assay" ] || { echo "no executable at $assay: run make build, or set ASSAY" >&2; exit 74; }

"$python" "$here/../make_block.py" "$work/gpt2" --family gpt2 --vocabulary 50257 --layers 12 --width 768 --heads 12 \
    --hidden 3072 --positions 16
head -c 256 "$work/gpt2/calibration.bin" > "$work/some" && mv "$work/some" "$work/gpt2/calibration.bin"
"$assay" ablate "$work/gpt2" --backends "${1:-m31/orion}" --tokens "$work/gpt2/tokens.txt" --out "$work/results"
"$python" "$here/../compare.py" "$here/claims.json" jolt-atlas "$work/results/results.json" "$here/ours.json"
