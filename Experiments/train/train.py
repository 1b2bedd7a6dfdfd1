#!/usr/bin/env python3
"""Train a byte-level language model and write it as a Hugging Face folder.

See README.md in this folder for the commands that made the bundled models.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import corpus
from models import STYLES, VOCABULARY, Shape

REFERENCE_PROMPT = 32
REFERENCE_WINDOW = 64
CALIBRATION_SLICE = 256
MODEL_FILE = "model.safetensors"
BETAS = (0.9, 0.99)

KJV_SOURCE = """\
The text is the King James Version of the Bible as packaged by Debian in
`bible-kjv-text` (version 4.38). It is in the public domain: its copyright has
expired, as that package's copyright file states. (In the United Kingdom the
Crown's patent restricts printing the text itself.) Only the verses were used,
one a line, with an empty line between chapters. The `bible` program that
prints them is under the GPL; nothing of it is in this folder.

The text was split 90/5/5 by position, at line ends. The training part is
Genesis 1:1 to Acts 22:1, the validation part Acts 22:2 to Colossians 1:12, the
test part the rest. The last two are mostly epistles, which the training part
has none of: they are harder than a random sample of the text would be."""
OTHER_SOURCE = """\
A text other than the one the bundled models were trained on. State its source
and its licence here. It was split 90/5/5 by position, at line ends, into
training, validation and test parts."""


@dataclass(frozen=True)
class Recipe:
    """Everything about the training but the model and the data."""

    steps: int
    stop_after: int
    batch: int
    context: int
    learning_rate: float
    warmup: int
    weight_decay: float
    gradient_clip: float
    seed: int


@dataclass(frozen=True)
class Losses:
    """Losses in nats per byte."""

    train: float
    validation: float
    test: float
    validation_file: float


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--style", required=True, choices=sorted(STYLES), help="model layout")
    add("--out", required=True, type=Path, help="model folder to write")
    add(
        "--corpus",
        type=Path,
        help="text file to train on; without it, the text comes from Debian's "
        "package bible-kjv-text",
    )
    add(
        "--allow-other-corpus",
        action="store_true",
        help="accept a text that is not the one the bundled models have seen",
    )
    add("--dump-corpus", type=Path, help="also write the text to this file")

    add("--hidden", type=int, default=128, help="width of the residual")
    add("--layers", type=int, default=4, help="number of layers")
    add("--heads", type=int, default=4, help="query heads")
    add("--kv-heads", type=int, help="key/value heads (None: as --heads)")
    add("--intermediate", type=int, default=384, help="feed-forward width")
    add("--positions", type=int, default=256, help="longest sequence")
    add("--dropout", type=float, default=0.0, help="on each residual branch")

    add("--steps", type=int, default=2500, help="steps of the schedule")
    add(
        "--stop-after",
        type=int,
        help="stop after so many steps of the schedule (None: all)",
    )
    add("--batch", type=int, default=32, help="sequences a step")
    add("--context", type=int, help="bytes a sequence (None: --positions)")
    add("--learning-rate", type=float, default=3e-3, help="at its peak")
    add("--warmup", type=int, default=100, help="steps of linear warm-up")
    add("--weight-decay", type=float, default=0.1, help="on the matrices")
    add("--gradient-clip", type=float, default=1.0, help="largest norm")
    add("--seed", type=int, default=1611, help="of weights and batches")
    add("--threads", type=int, default=2, help="torch threads")
    add("--log-every", type=int, default=100, help="steps between reports")
    add(
        "--sample-bytes",
        type=int,
        default=16384,
        help="size of calibration.bin and of validation.bin",
    )
    arguments = parser.parse_args(argv)
    if arguments.kv_heads is None:
        arguments.kv_heads = arguments.heads
    if arguments.context is None:
        arguments.context = arguments.positions
    if arguments.stop_after is None:
        arguments.stop_after = arguments.steps
    for name in ("steps", "stop_after", "batch", "threads", "log_every"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be positive")
    if arguments.stop_after > arguments.steps:
        parser.error("--stop-after must not be above --steps")
    if not 2 <= arguments.context <= arguments.positions:
        parser.error("--context must be from 2 to --positions")
    if arguments.positions < REFERENCE_WINDOW:
        parser.error(f"--positions must be at least {REFERENCE_WINDOW}")
    sample = arguments.sample_bytes
    if sample < CALIBRATION_SLICE or sample % CALIBRATION_SLICE:
        parser.error(
            f"--sample-bytes must be a multiple of {CALIBRATION_SLICE}"
        )
    if not 0.0 <= arguments.dropout < 1.0:
        parser.error("--dropout must be at least 0 and below 1")
    if arguments.out.exists() and not arguments.out.is_dir():
        parser.error(f"--out {arguments.out} is not a folder")
    return arguments


def to_tensor(data: bytes) -> Tensor:
    """Return the bytes as int64 tokens."""
    array = np.frombuffer(data, dtype=np.uint8)
    return torch.from_numpy(array.astype(np.int64))


def learning_rate(recipe: Recipe, step: int) -> float:
    """Return the rate of a step: linear warm-up, then a cosine to a tenth."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    rest = max(1, recipe.steps - recipe.warmup)
    cosine = 0.5 * (1 + math.cos(math.pi * (step - recipe.warmup) / rest))
    return recipe.learning_rate * (0.1 + 0.9 * cosine)


def train(
    model: nn.Module, tokens: Tensor, recipe: Recipe, log_every: int
) -> None:
    """Train the model in place on random windows of the tokens."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    optimiser = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        betas=BETAS,
    )
    batches = torch.Generator().manual_seed(recipe.seed)
    offsets = torch.arange(recipe.context + 1)
    started = time.monotonic()
    recent = 0.0
    model.train()
    for step in range(recipe.stop_after):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(recipe, step)
        starts = torch.randint(
            len(tokens) - recipe.context, (recipe.batch, 1), generator=batches
        )
        window = tokens[starts + offsets]
        logits = model(window[:, :-1])
        loss = F.cross_entropy(
            logits.reshape(-1, VOCABULARY), window[:, 1:].reshape(-1)
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), recipe.gradient_clip)
        optimiser.step()
        value = loss.item()
        if not math.isfinite(value):
            raise RuntimeError(f"the loss of step {step} is {value}")
        recent += value
        if (step + 1) % log_every == 0:
            print(
                f"step {step + 1}/{recipe.stop_after}  "
                f"loss {recent / log_every:.4f}  "
                f"{time.monotonic() - started:.0f} s",
                flush=True,
            )
            recent = 0.0


@torch.no_grad()
def windowed_loss(model: nn.Module, data: bytes, window: int) -> float:
    """Return the mean loss over non-overlapping windows, in nats per byte.

    Only the bytes predicted inside a window count: positions 1 to window - 1
    of each.  What is left over at the end is not used.
    """
    model.eval()
    count = len(data) // window
    if count == 0:
        raise ValueError(f"{len(data)} bytes are shorter than a window")
    rows = to_tensor(data[: count * window]).view(count, window)
    total = 0.0
    for chunk in rows.split(64):
        logits = model(chunk)[:, :-1].reshape(-1, VOCABULARY)
        target = chunk[:, 1:].reshape(-1)
        losses = F.cross_entropy(logits, target, reduction="none")
        total += losses.double().sum().item()
    return total / (count * (window - 1))


def spread(data: bytes, size: int) -> bytes:
    """Return ``size`` bytes: slices of 256, evenly spread over the data."""
    count = size // CALIBRATION_SLICE
    if len(data) < size:
        raise ValueError(f"the split has only {len(data)} of {size} bytes")
    starts = [len(data) * index // count for index in range(count)]
    return b"".join(data[s : s + CALIBRATION_SLICE] for s in starts)


@torch.no_grad()
def reference(model: nn.Module, validation: bytes) -> dict[str, Any]:
    """Return ``reference.json``, what another implementation must get."""
    model.eval()
    prompt = validation[:REFERENCE_PROMPT]
    logits = model(to_tensor(prompt)[None])[0, -1]
    windows = len(validation) // REFERENCE_WINDOW
    return {
        "prompt": list(prompt),
        "prompt_text": prompt.decode("ascii", "backslashreplace"),
        "logits": [shortest(value) for value in logits.numpy()],
        "greedy_next_byte": int(logits.argmax()),
        "validation_loss": windowed_loss(model, validation, REFERENCE_WINDOW),
        "validation_loss_unit": "nats/byte",
        "validation_window": REFERENCE_WINDOW,
        "validation_windows": windows,
        "validation_predictions": windows * (REFERENCE_WINDOW - 1),
    }


def shortest(value: np.float32) -> float:
    """Return the double whose decimal form is the shortest for the float32."""
    return float(str(value))


def readme(
    name: str,
    model: nn.Module,
    recipe: Recipe,
    losses: Losses,
    text: bytes,
    sample_bytes: int,
    threads: int,
) -> str:
    """Return the README of a model folder."""
    config = model.config()
    shape = model.shape
    parameters = sum(p.numel() for p in model.parameters())
    tied = "tied" if config["tie_word_embeddings"] else "untied"
    digest = hashlib.sha256(text).hexdigest()
    source = KJV_SOURCE if digest == corpus.CORPUS_SHA256 else OTHER_SOURCE
    betas = " and ".join(map(str, BETAS))
    r = recipe
    steps = f"{r.stop_after}"
    if r.stop_after < r.steps:
        steps = f"the first {r.stop_after} of {r.steps} scheduled"
    rate, decay, clip = r.learning_rate, r.weight_decay, r.gradient_clip
    std, version = shape.init_std, torch.__version__
    slices, known = sample_bytes // CALIBRATION_SLICE, REFERENCE_PROMPT
    rows = "\n".join(
        f"| {part} | {window} | {loss:.4f} | {loss / math.log(2):.4f} |"
        for part, window, loss in (
            (
                "training part (slices, as many bytes as validation)",
                recipe.context,
                losses.train,
            ),
            ("validation part", recipe.context, losses.validation),
            ("test part", recipe.context, losses.test),
            ("`validation.bin`", REFERENCE_WINDOW, losses.validation_file),
        )
    )
    return f"""# {name}

A byte-level language model (vocabulary 256: a token is a byte) in the form of
Hugging Face's `{config["architectures"][0]}`, written by
`Experiments/train/train.py`.

| | |
|---|---|
| Parameters | {parameters}, float32 |
| Hidden size | {shape.hidden} |
| Layers | {shape.layers} |
| Heads | {shape.heads} |
| Key/value heads | {shape.kv_heads} |
| Feed-forward size | {shape.intermediate} |
| Longest sequence | {shape.positions} |
| Head | {tied} |

## Source and licence

{source}

The text has {len(text)} bytes and the SHA-256
`{digest}`.

## Training

AdamW (betas {betas}) for {steps} steps of {r.batch} x {r.context} bytes;
learning rate {rate} after {r.warmup} steps of warm-up, then a cosine down to a
tenth; weight decay {decay} on the matrices, gradient norm clipped at {clip},
dropout {shape.dropout}, initial standard deviation {std}, seed {r.seed}.
PyTorch {version} on the CPU with {threads} threads; another version, processor
or number of threads gives slightly other weights.

| Text | Windows | Loss, nats/byte | bits/byte |
|---|---|---|---|
{rows}

Each loss is the mean over non-overlapping windows of that many bytes, over
the bytes predicted inside a window (all but its first).

## Files

- `config.json`, `model.safetensors`: the model.
- `calibration.bin`: {sample_bytes} bytes of the training part,
  {slices} slices of {CALIBRATION_SLICE} spread evenly over it.
- `validation.bin`: the first {sample_bytes} bytes of the validation part.
- `reference.json`: the logits of the last position (float32) and the greedy
  next byte after the first {known} bytes of `validation.bin`, and the
  loss of the last row above, as PyTorch computes them from
  `model.safetensors`.
"""


def write_folder(
    out: Path,
    model: nn.Module,
    recipe: Recipe,
    parts: corpus.Splits,
    text: bytes,
    sample_bytes: int,
    threads: int,
) -> Losses:
    """Write the model folder, each file whole or not at all.

    What is reported is computed from the weights as read back from the file.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        calibration = spread(parts.train, sample_bytes)
        validation = parts.validation[:sample_bytes]
        if len(validation) < sample_bytes:
            raise ValueError("the validation part is shorter than its sample")
        weights = {k: v.contiguous() for k, v in model.state_dict().items()}
        save_file(weights, scratch / MODEL_FILE, metadata={"format": "pt"})
        model.load_state_dict(load_file(scratch / MODEL_FILE))

        known = reference(model, validation)
        losses = Losses(
            train=windowed_loss(
                model,
                spread(
                    parts.train,
                    len(parts.validation)
                    // CALIBRATION_SLICE
                    * CALIBRATION_SLICE,
                ),
                recipe.context,
            ),
            validation=windowed_loss(model, parts.validation, recipe.context),
            test=windowed_loss(model, parts.test, recipe.context),
            validation_file=known["validation_loss"],
        )
        (scratch / "calibration.bin").write_bytes(calibration)
        (scratch / "validation.bin").write_bytes(validation)
        _write_json(scratch / "config.json", model.config())
        _write_json(scratch / "reference.json", known)
        (scratch / "README.md").write_text(
            readme(
                out.name, model, recipe, losses, text, sample_bytes, threads
            ),
            encoding="utf-8",
        )
        out.mkdir(exist_ok=True)
        for file in sorted(scratch.iterdir()):
            file.chmod(0o644)  # safetensors makes its file private
            os.replace(file, out / file.name)
    finally:
        shutil.rmtree(scratch)
    return losses


def _write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object with a list of numbers kept on one line."""
    lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Train as the command line says; return the exit status."""
    arguments = parse_arguments(argv)
    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(arguments.seed)
    try:
        text = corpus.load(arguments.corpus, arguments.allow_other_corpus)
        parts = corpus.split(text)
        if arguments.dump_corpus is not None:
            arguments.dump_corpus.write_bytes(text)
        shape = Shape(
            hidden=arguments.hidden,
            layers=arguments.layers,
            heads=arguments.heads,
            kv_heads=arguments.kv_heads,
            intermediate=arguments.intermediate,
            positions=arguments.positions,
            dropout=arguments.dropout,
        )
        recipe = Recipe(
            steps=arguments.steps,
            stop_after=arguments.stop_after,
            batch=arguments.batch,
            context=arguments.context,
            learning_rate=arguments.learning_rate,
            warmup=arguments.warmup,
            weight_decay=arguments.weight_decay,
            gradient_clip=arguments.gradient_clip,
            seed=arguments.seed,
        )
        model = STYLES[arguments.style](shape)
        count = sum(p.numel() for p in model.parameters())
        print(
            f"{count} parameters; {len(parts.train)} bytes to train on, "
            f"{len(parts.validation)} to validate, {len(parts.test)} to test",
            flush=True,
        )
        train(model, to_tensor(parts.train), recipe, arguments.log_every)
        losses = write_folder(
            arguments.out,
            model,
            recipe,
            parts,
            text,
            arguments.sample_bytes,
            arguments.threads,
        )
    except (corpus.CorpusError, OSError, RuntimeError, ValueError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    for name, value in asdict(losses).items():
        print(f"{name} loss: {value:.4f} nats/byte")
    print(f"wrote {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
