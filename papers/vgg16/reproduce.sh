#!/bin/sh
# VGG-16's shape at 32 x 32 with random weights, on one thread, under the backends named (m31/orion unless told): writes
# ours-zkpytorch.json and ours-zkcnn.json.
#
#     papers/vgg16/reproduce.sh [BACKEND...]
#
# Needs the executable (`make build`, or its path in ASSAY) and Python 3 (PYTHON).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
assay=${ASSAY:-$here/../../.build/release/assay}
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
[ -x "$assay" ] || { echo "no executable at $assay: run make build, or set ASSAY" >&2; exit 74; }

[ $# -gt 0 ] || set -- m31/orion
for backend; do "$assay" shape vgg16 --backend "$backend" --threads 1 --json >> "$work/rows.jsonl"; done
"$python" - "$work" <<'PYTHON'
import json, sys
from pathlib import Path

work = Path(sys.argv[1])
rows, decoder = [], json.JSONDecoder()
text = (work / "rows.jsonl").read_text().strip()
while text:
    row, end = decoder.raw_decode(text)
    rows.append(row)
    text = text[end:].strip()
machine = {"threads": 1, "cpu": next(
    (line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")}
(work / "results.json").write_text(json.dumps({"machine": machine, "model": {"name": "vgg16"}, "rows": rows}))
PYTHON
for claim in zkpytorch zkcnn; do
    "$python" "$here/../compare.py" "$here/claims.json" $claim "$work/results.json" "$here/ours-$claim.json"
done
