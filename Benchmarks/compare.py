"""Compares the speed of two revisions, kernel by kernel and phase by phase: compare.py BASE.

Checks BASE out into a worktree of its own, builds both, and runs them in turn (A B, B A, A B, ...), so that whatever else the
machine does falls on both. Exit status: 0, no regression; 1, something became slower; 64, wrong usage or a BASE without
benchmarks; 70, a build or a run failed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(ROOT, ".build", "compare")
# Differences below these are not looked at, however quiet the runs were: layout of code and data alone moves kernels by so much.
KERNEL_FLOOR = 0.04
PHASE_FLOOR = 0.10
# Phases shorter than this are all noise.
PHASE_SECONDS = 0.001


def spread(samples):
    """How far the fastest samples lie apart: from the least to the lower quartile, as a part of the least."""
    ordered = sorted(samples)
    return ordered[(len(ordered) - 1 + 3) // 4] / ordered[0] - 1


def judge(base, head, floor):
    """Compares paired samples of seconds: (ratio of the fastest, threshold, "slower", "faster" or "").

    Slower (or faster) is said only where the ratio of the fastest and the median of the paired ratios both lie beyond the
    threshold: a burst of work elsewhere may spoil either, hardly both. The threshold is the floor, or three times the spread of
    the noisier side.
    """
    if len(base) != len(head) or not base:
        raise ValueError("samples are not paired")
    ratio = min(head) / min(base)
    paired = statistics.median(h / b for b, h in zip(base, head))
    threshold = max(floor, 3 * max(spread(base), spread(head)))
    if min(ratio, paired) > 1 + threshold:
        return ratio, threshold, "slower"
    if max(ratio, paired) < 1 / (1 + threshold):
        return ratio, threshold, "faster"
    return ratio, threshold, ""


class Failure(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def run(command, folder, quiet=False):
    result = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE if quiet else None, text=True)
    if result.returncode != 0:
        raise Failure(70, f"{' '.join(command)} failed ({result.returncode})\n{(result.stderr or '') + result.stdout}")
    return result.stdout


def git(*arguments):
    result = subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return result.stdout.strip() if result.returncode == 0 else None


class Side:
    """One of the two revisions, built."""

    def __init__(self, name, root, scratch):
        self.name, self.root = name, root
        swift = os.environ.get("SWIFT", "swift")
        print(f"building {name}", file=sys.stderr)
        bench = os.path.join(scratch, "bench")
        run([swift, "build", "-c", "release", "--package-path", "Benchmarks", "--scratch-path", bench], root, True)
        assay = os.path.join(scratch, "assay")
        run([swift, "build", "-c", "release", "--product", "assay", "--scratch-path", assay], root, True)
        self.bench = os.path.join(bench, "release", "bench")
        self.assay = os.path.join(assay, "release", "assay")

    def names(self, options):
        found = run([self.bench, "--list"] + filters(options), self.root, True)
        return set(found.split("\n")) - {""}

    def kernels(self, options, folder):
        """Seconds of each kernel for one of its units (its size may have changed), from one pass."""
        path = os.path.join(folder, "report.json")
        command = [self.bench, "--passes", "1", "--budget", str(options.budget), "--no-portable", "--no-threads"]
        run(command + ["--json", path] + filters(options), self.root, True)
        with open(path) as file:
            return {k["name"]: k["seconds"] / k["count"] for k in json.load(file)["kernels"]}

    def phases(self, options, folder):
        """Seconds of each phase of one proof with each backend."""
        command = [self.assay, "ablate", "--backends", options.backends, "--threads", str(options.threads)]
        command += ["--out", os.path.join(folder, "out"), "--json"]
        found = {}
        for row in json.loads(run(command, self.root, True))["rows"]:
            for phase in row["phases"]:
                found[f"{row['backend']}: {phase['name']}"] = phase["seconds"]
            found[f"{row['backend']}: total"] = row["proveSeconds"]
            found[f"{row['backend']}: verify"] = row["verifySeconds"]
        return found


def filters(options):
    return ["--filter", options.filter] if options.filter else []


def gather(sides, rounds, measure, what):
    """Samples of both sides by name, in rounds that begin with one side and the other in turn."""
    samples = [{}, {}]
    for i in range(rounds):
        print(f"{what}, round {i + 1} of {rounds}", file=sys.stderr)
        order = (0, 1) if i % 2 == 0 else (1, 0)
        for s in order:
            for name, seconds in measure(sides[s]).items():
                samples[s].setdefault(name, []).append(seconds)
    names = [name for name in samples[1] if name in samples[0]]
    return {name: (samples[0][name], samples[1][name]) for name in names}


def table(title, samples, floor, least=0.0):
    """Prints the comparison; returns the names that became slower."""
    rows, slower = [], []
    for name, (base, head) in samples.items():
        if min(base) < least and min(head) < least:
            continue
        ratio, threshold, verdict = judge(base, head, floor)
        if verdict == "slower":
            slower.append(name)
        rows.append((name, seconds(min(base)), seconds(min(head)), f"{ratio:.3f}", f"{100 * threshold:.0f}%", verdict))
    head = (title, "base", "now", "now / base", "noise", "")
    widths = [max(len(row[i]) for row in rows + [head]) for i in range(len(head))]
    for i, row in enumerate([head] + rows):
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:5], widths[1:5])] + [row[5].ljust(widths[5])]
        print("| " + " | ".join(cells) + " |")
        if i == 0:
            print("|" + "|".join("-" * (w + 2) for w in widths) + "|")
    print()
    return slower


def seconds(s):
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if s * scale >= 1:
            return f"{s * scale:.4g} {unit}"
    return f"{s * 1e9:.4g} ns"


def parse(arguments):
    parser = argparse.ArgumentParser(prog="compare.py", description="Compares the speed of a revision with that of the tree.")
    parser.add_argument("base", help="the revision to compare with")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--proof-rounds", type=int, default=7)
    parser.add_argument("--budget", type=int, default=10, help="milliseconds for a kernel in each round")
    parser.add_argument("--filter", help="only kernels whose name matches this regular expression")
    parser.add_argument("--backends", default="m31/orion,goldilocks/orion,bn254/orion", help="or 'none'")
    parser.add_argument("--threads", type=int, default=1, help="of the proofs; one is the least noisy")
    parser.add_argument("--json", help="write all samples to this file")
    try:
        options = parser.parse_args(arguments)
        if min(options.rounds, options.proof_rounds) < 5:
            parser.error("fewer than 5 rounds say nothing of the noise")
        return options
    except SystemExit as stop:
        sys.exit(64 if stop.code else 0)


def main(arguments):
    options = parse(arguments)
    revision = git("rev-parse", "--verify", "--quiet", options.base + "^{commit}")
    if revision is None:
        raise Failure(64, f"'{options.base}' is no revision")
    if git("cat-file", "-e", f"{revision}:Benchmarks/Package.swift") is None:
        raise Failure(64, f"{options.base} ({revision[:10]}) has no Benchmarks package: nothing to compare with")
    tree = os.path.join(WORK, "base")
    os.makedirs(WORK, exist_ok=True)
    git("worktree", "remove", "--force", tree)
    git("worktree", "prune")
    if git("worktree", "add", "--detach", "--force", tree, revision) is None:
        raise Failure(70, f"git worktree add {tree} failed")
    try:
        with tempfile.TemporaryDirectory() as folder:
            sides = [Side(options.base, tree, os.path.join(WORK, "build-base")),
                     Side("this tree", ROOT, os.path.join(WORK, "build-head"))]
            print(f"base {options.base} ({revision[:10]}), now {git('describe', '--always', '--dirty')}; "
                  f"load {os.getloadavg()[0]:.2f}\n")
            kernels = gather(sides, options.rounds, lambda side: side.kernels(options, folder), "kernels")
            both = [side.names(options) for side in sides]
            phases = {}
            if options.backends != "none":
                phases = gather(sides, options.proof_rounds, lambda side: side.phases(options, folder), "proofs")
    finally:
        git("worktree", "remove", "--force", tree)
    slower = table("kernel", kernels, KERNEL_FLOOR)
    if phases:
        slower += table("phase of a proof", phases, PHASE_FLOOR, least=PHASE_SECONDS)
    for only, text in ((both[1] - both[0], "new"), (both[0] - both[1], "gone")):
        if only:
            print(f"{text}: {', '.join(sorted(only))}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"base": revision, "kernels": kernels, "phases": phases}, file, indent=1)
    if slower:
        print(f"slower: {', '.join(slower)}")
        return 1
    print("no regression")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        print(f"compare.py: {failure}", file=sys.stderr)
        sys.exit(failure.status)
