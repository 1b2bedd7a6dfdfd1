#!/bin/sh
# One transformer block, width 32, 4 heads, 8 tokens, under the backends named (all unless told): writes ours.json.
#
#     papers/ezkl/reproduce.sh [BACKENDS]
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

"$python" "$here/../make_block.py" "$work/block-d32" --layers 1 --width 32 --heads 4 --hidden 128
"$assay" ablate "$work/block-d32" --backends "${1:-all}" --prompt "8 tokens" --out "$work/results"
"$python" "$here/../compare.py" "$here/claims.json" block-d32 "$work/results/results.json" "$here/ours.json"
