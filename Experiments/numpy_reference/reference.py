"""Evaluates an exported integer graph with NumPy: a second opinion on the Swift interpreter, written apart from it.

    python reference.py GRAPH.json [--tokens 1,2,3] [--values] [-o OUT.json]

The result is JSON: the output, and for each node the SHA-256 of its values as 64-bit little-endian integers in row-major order (with
--values, the values too). Everything is checked: shapes, ranges, and that no step leaves 64 bits. See README.md for the format.
"""

import argparse
import base64
import hashlib
import json
import math

import numpy as np

LIMIT = 2**62


class Evaluator:
    def __init__(self, graph):
        if graph["format"] != "assay-graph-1":
            raise ValueError(f"unknown format {graph['format']!r}")
        self.graph = graph
        self.tables = [
            (t["lowerBound"], self._decode(t["values"], 4)) for t in graph["tables"]
        ]
        self.weights = {
            name: self._decode(w["data"], w["bytes"]).reshape(w["shape"])
            for name, w in graph["weights"].items()
        }

    @staticmethod
    def _decode(text, width):
        return np.frombuffer(base64.b64decode(text), dtype=f"<i{width}").astype(np.int64)

    def run(self, tokens):
        values = []
        for node in self.graph["nodes"]:
            operands = [values[i] for i in node["operands"]]
            value = np.asarray(getattr(self, "op_" + node["op"])(node, *operands, tokens=tokens))
            assert value.dtype == np.int64, (node["name"], value.dtype)
            assert list(value.shape) == node["shape"], (node["name"], value.shape, node["shape"])
            low, high = node["range"]
            assert low <= value.min() and value.max() <= high, (node["name"], value.min(), value.max(), low, high)
            values.append(value)
        return values

    def op_tokens(self, node, tokens):
        return np.array(tokens, dtype=np.int64)

    def op_embed(self, node, table, ids, tokens):
        return np.take(table, ids, axis=0)

    def op_weight(self, node, tokens):
        return self.weights[node["weight"]]

    def op_constant(self, node, tokens):
        return self._decode(node["values"], 4).reshape(node["shape"])

    def op_causalMask(self, node, tokens):
        return np.triu(np.ones(node["shape"], dtype=np.int64), k=1)

    def op_contract(self, node, a, b, tokens):
        # Letters as numbers, NumPy's other way to say which axes are which.
        letters = {}
        axes = [[letters.setdefault(c, len(letters)) for c in labels] for labels in node["labels"]]
        terms = math.prod(s for s, c in zip(a.shape, node["labels"][0]) if c not in node["labels"][2])
        assert int(np.abs(a).max()) * int(np.abs(b).max()) * terms <= LIMIT
        return np.einsum(a, axes[0], b, axes[1], axes[2], optimize=False)

    def op_combine(self, node, *operands, tokens):
        total = np.full(node["shape"], node["constant"], dtype=np.int64)
        for x, coefficient, axes in zip(operands, node["coefficients"], node["axes"]):
            shape = [1] * len(node["shape"])
            for size, axis in zip(x.shape, axes):
                shape[axis] = size
            total = total + np.int64(coefficient) * x.reshape(shape)
        return total

    def op_requantise(self, node, x, tokens):
        shift = node["shift"]
        h = np.floor_divide(x + (2**shift // 2), 2**shift)
        if "table" not in node:
            return h
        lower, entries = self.tables[node["table"]]
        assert h.min() >= lower
        return entries[h - lower]

    def op_divide(self, node, numerator, denominator, tokens):
        shape = [1] * numerator.ndim
        for size, axis in zip(denominator.shape, node["axes"][0]):
            shape[axis] = size
        assert denominator.min() > 0
        return np.floor_divide(numerator, denominator.reshape(shape))

    def op_squareRoot(self, node, x, tokens):
        return np.array([math.isqrt(int(v)) for v in x.ravel()], dtype=np.int64).reshape(x.shape)

    def op_rowMaximum(self, node, x, tokens):
        return x.max(axis=-1)

    def op_slice(self, node, x, tokens):
        return np.take(x, node["index"], axis=node["axis"])

    def op_reshape(self, node, x, tokens):
        return x.reshape(node["shape"])

    def op_windows(self, node, x, tokens):
        size, stride, padding = node["size"], node["stride"], node["padding"]
        image = np.pad(x, ((padding, padding), (padding, padding), (0, 0)))
        # [rows, columns, channels, size, size]
        views = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(0, 1))[::stride, ::stride]
        return views.reshape(node["shape"])

    def op_argmax(self, node, x, tokens):
        return np.int64(np.argmax(x))


def evaluate(graph, tokens=None, with_values=False):
    values = Evaluator(graph).run(graph["tokens"] if tokens is None else tokens)
    nodes = []
    for node, value in zip(graph["nodes"], values):
        data = np.ascontiguousarray(value, dtype="<i8").tobytes()
        entry = {"name": node["name"], "sha256": hashlib.sha256(data).hexdigest()}
        if with_values:
            entry["values"] = value.ravel().tolist()
        nodes.append(entry)
    return {"output": int(values[graph["output"]]), "nodes": nodes}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graph")
    parser.add_argument("--tokens", type=lambda text: [int(t) for t in text.split(",")])
    parser.add_argument("--values", action="store_true")
    parser.add_argument("-o", "--out")
    arguments = parser.parse_args()
    with open(arguments.graph) as file:
        result = evaluate(json.load(file), arguments.tokens, arguments.values)
    text = json.dumps(result, separators=(",", ":"))
    if arguments.out:
        with open(arguments.out, "w") as file:
            file.write(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
