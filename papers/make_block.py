#!/usr/bin/env python3
"""Write a decoder with random weights as a model folder, Llama style or GPT-2 style.

For comparisons of cost, where the weights do not matter. The same arguments give the same files. Needs NumPy only.
"""

import argparse
import json
import struct
from pathlib import Path

import numpy as np


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--family", choices=["llama", "gpt2"], default="llama")
    parser.add_argument("--vocabulary", type=int, default=256)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--positions", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def llama_tensors(arguments: argparse.Namespace) -> dict[str, np.ndarray]:
    """Name every weight; matrices are [outputs, inputs] with variance 1 / inputs."""
    generator = np.random.default_rng(arguments.seed)
    width, hidden = arguments.width, arguments.hidden

    def matrix(outputs: int, inputs: int) -> np.ndarray:
        return (generator.standard_normal((outputs, inputs)) / np.sqrt(inputs)).astype("<f4")

    def ones() -> np.ndarray:
        return np.ones(width, dtype="<f4")

    named = {"model.embed_tokens.weight": generator.standard_normal((arguments.vocabulary, width)).astype("<f4")}
    for layer in range(arguments.layers):
        own = f"model.layers.{layer}."
        for name in "qkvo":
            named[f"{own}self_attn.{name}_proj.weight"] = matrix(width, width)
        named[own + "mlp.gate_proj.weight"] = matrix(hidden, width)
        named[own + "mlp.up_proj.weight"] = matrix(hidden, width)
        named[own + "mlp.down_proj.weight"] = matrix(width, hidden)
        named[own + "input_layernorm.weight"] = ones()
        named[own + "post_attention_layernorm.weight"] = ones()
    named["model.norm.weight"] = ones()
    named["lm_head.weight"] = matrix(arguments.vocabulary, width)
    return named


def gpt2_tensors(arguments: argparse.Namespace) -> dict[str, np.ndarray]:
    """Name every weight; matrices are [inputs, outputs], biases are zero, the output matrix is the embedding's."""
    generator = np.random.default_rng(arguments.seed)
    width, hidden = arguments.width, arguments.hidden

    def normal(*shape: int, deviation: float) -> np.ndarray:
        return generator.standard_normal(shape, dtype=np.float32) * np.float32(deviation)

    named = {
        "transformer.wte.weight": normal(arguments.vocabulary, width, deviation=1),
        "transformer.wpe.weight": normal(arguments.positions, width, deviation=0.1),
    }
    for layer in range(arguments.layers):
        own = f"transformer.h.{layer}."
        for name, inputs, outputs in [
            ("attn.c_attn", width, 3 * width),
            ("attn.c_proj", width, width),
            ("mlp.c_fc", width, hidden),
            ("mlp.c_proj", hidden, width),
        ]:
            named[f"{own}{name}.weight"] = normal(inputs, outputs, deviation=inputs**-0.5)
            named[f"{own}{name}.bias"] = np.zeros(outputs, dtype="<f4")
        for name in ("ln_1", "ln_2"):
            named[f"{own}{name}.weight"] = np.ones(width, dtype="<f4")
            named[f"{own}{name}.bias"] = np.zeros(width, dtype="<f4")
    named["transformer.ln_f.weight"] = np.ones(width, dtype="<f4")
    named["transformer.ln_f.bias"] = np.zeros(width, dtype="<f4")
    return named


def llama_config(arguments: argparse.Namespace) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "hidden_act": "silu",
        "hidden_size": arguments.width,
        "intermediate_size": arguments.hidden,
        "max_position_embeddings": arguments.positions,
        "model_type": "llama",
        "num_attention_heads": arguments.heads,
        "num_hidden_layers": arguments.layers,
        "num_key_value_heads": arguments.heads,
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "vocab_size": arguments.vocabulary,
    }


def gpt2_config(arguments: argparse.Namespace) -> dict[str, object]:
    return {
        "activation_function": "gelu_new",
        "architectures": ["GPT2LMHeadModel"],
        "layer_norm_epsilon": 1e-05,
        "model_type": "gpt2",
        "n_embd": arguments.width,
        "n_head": arguments.heads,
        "n_inner": arguments.hidden,
        "n_layer": arguments.layers,
        "n_positions": arguments.positions,
        "tie_word_embeddings": True,
        "vocab_size": arguments.vocabulary,
    }


def write_safetensors(path: Path, named: dict[str, np.ndarray]) -> None:
    header, offset = {}, 0
    for name, values in named.items():
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for values in named.values():
            file.write(values.tobytes())


def main() -> None:
    arguments = parse_arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    make_tensors, make_config = {
        "llama": (llama_tensors, llama_config),
        "gpt2": (gpt2_tensors, gpt2_config),
    }[arguments.family]
    (arguments.out / "config.json").write_text(json.dumps(make_config(arguments), indent=2) + "\n")
    write_safetensors(arguments.out / "model.safetensors", make_tensors(arguments))
    generator = np.random.default_rng(arguments.seed + 1)
    sample = generator.integers(0, 256, 4096, dtype=np.uint8)
    (arguments.out / "calibration.bin").write_bytes(sample.tobytes())
    tokens = generator.integers(0, arguments.vocabulary, arguments.positions)
    (arguments.out / "tokens.txt").write_text(" ".join(map(str, tokens)) + "\n")


if __name__ == "__main__":
    main()
