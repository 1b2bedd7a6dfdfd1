#!/usr/bin/env python3
"""Write ours.json: claims.json of a paper beside results.json of `assay ablate`. Needs the standard library only."""

import argparse
import json
from pathlib import Path

FIGURES = ["setupSeconds", "proveSeconds", "verifySeconds", "proofBytes", "keyBytes", "peakMemoryBytes"]


def significant(value: float) -> float:
    return float(f"{value:.4g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("claims", type=Path)
    parser.add_argument("claim", help="id of the claim")
    parser.add_argument("results", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    document = json.loads(arguments.claims.read_text())
    claim = next(c for c in document["claims"] if c["id"] == arguments.claim)
    results = json.loads(arguments.results.read_text())
    comparison = []
    for row in results["rows"]:
        entry = {"claim": claim["id"], "backend": row["backend"], "securityBits": row.get("securityBits")}
        if "error" in row:
            entry["error"] = row["error"]
        for figure in FIGURES:
            claimed, ours = claim.get(figure), row.get(figure)
            entry[figure] = {
                "claimed": claimed,
                "ours": ours,
                "claimedOverOurs": significant(claimed / ours) if claimed and ours else None,
            }
        comparison.append(entry)
    ours = {"machine": results["machine"], "model": results["model"], "comparison": comparison}
    temporary = arguments.out.with_suffix(".partial")
    temporary.write_text(json.dumps(ours, indent=2) + "\n")
    temporary.replace(arguments.out)
    print(f"{document['system']}, {claim['workload']} ({claim['hardware']}; {claim['figures']})")
    for entry in comparison:
        prove = entry["proveSeconds"]
        print(f"  {entry['backend']}: claimed {prove['claimed']} s, ours {prove['ours']} s, ratio {prove['claimedOverOurs']}")


if __name__ == "__main__":
    main()
