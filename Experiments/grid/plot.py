# %% [markdown]
# What field, code, rate, hash and security level cost: the rows of `assay ablate --grid`, drawn.
#
#     python plot.py results/results.json results
#
# In an editor that knows cells (`# %%`), run them one by one; the paths are then those of this folder.

# %% Read the rows
import json
import sys
from pathlib import Path

import matplotlib

# Figures are files; no display is asked for.
matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

try:
    here = Path(__file__).parent
except NameError:
    here = Path.cwd()
arguments = sys.argv[1:] if len(sys.argv) > 2 and sys.argv[1].endswith(".json") else []
source = Path(arguments[0]) if arguments else here / "results" / "results.json"
target = Path(arguments[1]) if arguments else source.parent
results = json.loads(source.read_text())
machine, model = results["machine"], results["model"]
rows = [row for row in results["rows"] if "error" not in row]
for row in results["rows"]:
    if "error" in row:
        print(f"left out: {row['backend']} at {row['requestedBits']} bits: {row['error']}")

# %% How things look: one colour a field, one marker a commitment
colours = {"m31": "#1b6ca8", "goldilocks": "#c98b00", "bn254": "#2e7d32"}
markers = {"orion": "o", "orion-expander": "s", "fri": "^", "kzg": "*", "raw": "x"}
other_colours, other_markers = iter(plt.get_cmap("Dark2").colors), iter("DPvhd<>")
for row in rows:
    if row["field"] not in colours:
        colours[row["field"]] = next(other_colours)
    if row["code"] not in markers:
        markers[row["code"]] = next(other_markers)
codes = [code for code in markers if any(row["code"] == code for row in rows)]
fields = [field for field in colours if any(row["field"] == field for row in rows)]
hashes = ["blake3"] + sorted({row["hash"] for row in rows} - {"blake3"})
levels = sorted({row["requestedBits"] for row in rows})
# Most rows have one level and one hash; the others are compared with these.
level = max(levels, key=lambda bits: sum(row["requestedBits"] == bits for row in rows))
plt.rcParams.update({"figure.dpi": 150, "font.size": 9, "axes.grid": True, "grid.alpha": 0.25, "svg.hashsalt": "assay"})


def name(row):
    """What was fixed of the commitment: `1/4`, `1/4 arity 8`, or nothing."""
    fixed = row["parameters"]
    parts = [fixed["rate"]] if "rate" in fixed else []
    return ", ".join(parts + [f"{key} {value}" for key, value in sorted(fixed.items()) if key != "rate"])


def megabytes(row):
    return row["proofBytes"] / 1e6


def logarithmic(*axes):
    """A logarithmic scale with plain numbers."""
    for axis in axes:
        low, high = axis.get_view_interval()
        # Where a decade is most of the picture, more of its numbers.
        steps = (1, 2, 3, 5, 7) if high < 30 * low else (1, 2, 5)
        axis.set_major_locator(LogLocator(subs=steps))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def heading(figure, text):
    figure.suptitle(
        f"{text}\n{model['name']}, {len(model['input'])} tokens; {machine['cpu']}, {machine['threads']} threads, "
        f"{machine['csimdLevel']}", fontsize=10)


def keys(figure):
    handles = [Line2D([], [], color=colours[field], lw=3, label=field) for field in fields]
    handles += [Line2D([], [], color="0.3", marker=markers[code], ls="", label=code) for code in codes]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)


def save(figure, stem):
    for suffix in ("svg", "png"):
        path = target / f"{stem}.{suffix}"
        figure.savefig(path, metadata={"Date": None} if suffix == "svg" else None)
        print(f"written: {path}")


# %% Time against proof size, at one level and with one hash
def tradeoff(axes, seconds):
    plain = [row for row in rows if row["requestedBits"] == level and row["hash"] == "blake3"]
    for field in fields:
        for code in codes:
            own = [row for row in plain if row["field"] == field and row["code"] == code]
            # A line joins the rates; what else was fixed are points beside it.
            rates = sorted(
                (row for row in own if set(row["parameters"]) == {"rate"}),
                key=lambda row: int(row["parameters"]["rate"].split("/")[1]))
            axes.plot([megabytes(row) for row in rates], [row[seconds] for row in rates], color=colours[field], lw=0.8)
            for row in own:
                named = row in rates or not row["parameters"]
                axes.scatter(
                    megabytes(row), row[seconds], color=colours[field], marker=markers[code],
                    s=70 if markers[code] == "*" else 30 if named else 12, alpha=1 if named else 0.5, zorder=3)
                if row["parameters"]:
                    axes.annotate(
                        name(row), (megabytes(row), row[seconds]), xytext=(4, 3), textcoords="offset points",
                        fontsize=6 if row in rates else 5, color=colours[field])
    axes.set(xscale="log", yscale="log", xlabel="proof, MB")
    logarithmic(axes.xaxis, axes.yaxis)


figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
tradeoff(left, "proveSeconds")
left.set_ylabel("prove, s")
tradeoff(right, "verifySeconds")
right.set_ylabel("verify, s")
heading(figure, f"{level} bits, BLAKE3; labels are rates, lines join them, small points fix other parameters")
keys(figure)
save(figure, "time-against-size")

# %% Hashes: time relative to BLAKE3
figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", sharey=True)
# The parameters that a commitment chooses do not depend on the hash.
plain = {
    (row["field"], row["code"], row["hash"]): row
    for row in rows if row["requestedBits"] == level and not row["parameters"]}
pairs = [(f, c) for f in fields for c in codes if sum((f, c, h) in plain for h in hashes) > 1]
hash_markers = dict(zip(hashes, "o^sDvP"))
for axis, seconds, title in zip(axes, ("proveSeconds", "verifySeconds"), ("prove", "verify")):
    for i, (field, code) in enumerate(pairs):
        base = plain.get((field, code, "blake3"))
        for j, h in enumerate(hashes):
            row = plain.get((field, code, h))
            if row and base:
                axis.plot(
                    i + (j - (len(hashes) - 1) / 2) * 0.12, row[seconds] / base[seconds], color=colours[field],
                    marker=hash_markers[h], ls="")
    axis.set_xticks(range(len(pairs)), [f"{f}\n{c}" for f, c in pairs], fontsize=7)
    axis.set_title(title)
# Hashes that a field's own arithmetic computes may be far from the others.
if max(axes[0].get_ylim()) > 3:
    axes[0].set_yscale("log")
    logarithmic(axes[0].yaxis)
axes[0].set_ylabel("time, BLAKE3 = 1")
heading(figure, f"{level} bits")
handles = [Line2D([], [], color="0.3", marker=hash_markers[h], ls="", label=h) for h in hashes]
figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
save(figure, "hashes")

# %% Levels: what a bit of security costs
figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for field in fields:
    for code in codes:
        own = sorted(
            (row for row in rows
             if (row["field"], row["code"], row["hash"]) == (field, code, "blake3") and not row["parameters"]),
            key=lambda row: row["requestedBits"])
        if len(own) > 1:
            bits = [row["requestedBits"] for row in own]
            for axis, values in (axes[0], [row["proveSeconds"] for row in own]), (axes[1], [megabytes(row) for row in own]):
                axis.plot(bits, values, color=colours[field], marker=markers[code], lw=0.8)
for axis, label in zip(axes, ("prove, s", "proof, MB")):
    axis.set(yscale="log", xlabel="bits asked for", ylabel=label, xticks=levels)
    logarithmic(axis.yaxis)
heading(figure, "BLAKE3, parameters chosen by the commitment; levels that are missing cannot be proved")
keys(figure)
save(figure, "levels")
