#!/usr/bin/env python3
"""Check a model folder against Hugging Face's own implementation.

Loads the folder with ``transformers`` (see requirements-verify.txt), in
float32 and in float64, and compares the logits, the greedy byte and the
validation loss with those in ``reference.json``.  (In float64, the norms of
``transformers`` still compute in float32.)  Nothing is fetched.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402


def check(folder: Path, tolerance: float) -> bool:
    """Print the differences of one folder; tell whether they are small."""
    known = json.loads((folder / "reference.json").read_text("utf-8"))
    data = (folder / "validation.bin").read_bytes()
    window = known["validation_window"]
    prompt = known["prompt"]
    if list(data[: len(prompt)]) != prompt:
        print(f"{folder}: the prompt does not begin validation.bin")
        return False
    rows = torch.tensor(list(data[: len(data) // window * window]))
    rows = rows.view(-1, window)
    good = True
    for precision in (torch.float32, torch.float64):
        model, report = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True
        )
        model = model.to(precision).eval()
        strays = sorted(report["missing_keys"]) + sorted(
            report["unexpected_keys"]
        )
        if strays:
            print(f"{folder}: missing or unexpected tensors: {strays}")
            good = False
        with torch.no_grad():
            logits = model(torch.tensor([prompt])).logits[0, -1].double()
            predicted = model(rows).logits[:, :-1].double()
        loss = F.cross_entropy(
            predicted.reshape(-1, predicted.shape[-1]), rows[:, 1:].reshape(-1)
        ).item()
        expected = torch.tensor(known["logits"], dtype=torch.float64)
        worst = (logits - expected).abs().max().item()
        off = abs(loss - known["validation_loss"])
        greedy = int(logits.argmax()) == known["greedy_next_byte"]
        good = good and greedy and worst <= tolerance and off <= tolerance
        print(
            f"{folder.name} {str(precision).removeprefix('torch.')}: "
            f"logits within {worst:.2e}, loss {loss:.6f} within {off:.2e}, "
            f"greedy byte {'agrees' if greedy else 'DIFFERS'}"
        )
    return good


def main(argv: list[str] | None = None) -> int:
    """Check every folder named; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=Path, help="model folders")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1e-4,
        help="largest difference of a logit or of the loss",
    )
    arguments = parser.parse_args(argv)
    good = True
    for folder in arguments.folders:
        try:
            good = check(folder, arguments.tolerance) and good
        except (OSError, ValueError, KeyError) as error:
            print(f"verify.py: {folder}: {error}", file=sys.stderr)
            good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
