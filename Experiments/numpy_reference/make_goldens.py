"""Evaluates every NAME.graph.json in a folder and writes NAME.values.json beside it.

    ASSAY_WRITE_GOLDENS=1 swift test -c release --filter Goldens   # writes the graphs
    python make_goldens.py ../../Tests/GraphsTests/Goldens         # writes what NumPy makes of them
"""

import json
import pathlib
import sys

from reference import evaluate

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.graph.json")):
    result = evaluate(json.loads(path.read_text()), with_values=True)
    target = path.with_name(path.name.replace(".graph.json", ".values.json"))
    target.write_text(json.dumps(result, separators=(",", ":")) + "\n")
    print(f"{target.name}: {len(result['nodes'])} nodes, output {result['output']}, {target.stat().st_size} bytes")
