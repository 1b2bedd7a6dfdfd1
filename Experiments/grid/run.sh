#!/bin/sh
# The grid on the bundled model: every field and commitment, with rates, hashes and levels. Writes results/results.json and .csv
# beside this file, and the figures.
#
#     Experiments/grid/run.sh [--fresh] [OPTION OF assay ablate...]
#
# Builds the executable, or takes that in ASSAY; makes a virtual environment for the figures with Python 3 (PYTHON). Interrupted,
# it goes on where it was the next time; --fresh measures everything anew. Leave the machine alone meanwhile.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
out=${OUT:-$here/results}
hashes=${HASHES:-sha256,keccak256,poseidon2}
if [ -z "${ASSAY:-}" ]; then
    make -C "$root" build >&2 || exit
    ASSAY=$root/.build/release/assay
fi

# Failed cells, such as 128 bits over Mersenne-31, are rows with their reasons: status 1. Other failures end it.
"$ASSAY" ablate "$root/Models/kjv-llama" --out "$out" --runs 3 "$@" \
    --grid 'code=orion rate=1/2,1/4,1/8' \
    --grid 'code=fri rate=1/2,1/4,1/8,1/16' \
    --grid 'code=orion switch=off,on' \
    --grid 'field=m31 code=fri arity=4,8,16' \
    --grid 'code=orion-expander,kzg,raw' \
    --grid "code=orion,fri hash=$hashes" \
    --grid 'code=orion,fri security=80,100,110,128'
status=$?
[ "$status" -le 1 ] || exit "$status"

python=$here/.venv/bin/python
[ -x "$python" ] || "${PYTHON:-python3}" -m venv "$here/.venv" || exit
"$python" -m pip install -q -r "$here/requirements.txt" || exit
"$python" "$here/plot.py" "$out/results.json" "$out"
