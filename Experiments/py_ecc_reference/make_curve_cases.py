"""Cases for Tests/CurvesTests from py_ecc, an implementation of BN254 in plain Python that shares no code with this project.

    pip install -r requirements.txt
    python make_curve_cases.py ../../Tests/CurvesTests/Fixtures/py_ecc.json

Integers are in decimal. Points are [x, y] over the base field and [[x real, x imaginary], [y real, y imaginary]] over its
quadratic extension; null is the identity. Elements of the extension of degree twelve are coefficients of 1, w, ..., w^11 with
w^12 - 18 w^6 + 82 = 0.
"""

import json
import random
import sys

from py_ecc.bn128 import (
    FQ, FQ2, FQ12, G1, G2, add, b2, curve_order, field_modulus, is_on_curve, multiply, neg, pairing,
)


def point(p):
    if p is None:
        return None
    if isinstance(p[0], FQ):
        return [str(p[0].n), str(p[1].n)]
    return [[str(int(c)) for c in p[0].coeffs], [str(int(c)) for c in p[1].coeffs]]


def compressed(p):
    """A point of G1 in 32 bytes, as gnark-crypto has it: x, and in the two highest bits 10 for the lesser y, 11 for the greater
    and 01 for the identity.
    """
    if p is None:
        return "40" + "00" * 31
    mask = 3 if p[1].n > field_modulus - p[1].n else 2
    return f"{mask << 254 | p[0].n:064x}"


def square_root(a):
    """A square root in the quadratic extension, by the general method of Tonelli and Shanks, or None."""
    q = field_modulus * field_modulus - 1
    s = 0
    while q % 2 == 0:
        q //= 2
        s += 1
    if a ** ((field_modulus * field_modulus - 1) // 2) != FQ2.one():
        return None
    z = FQ2([9, 1])  # no square
    m, c, t, r = s, z**q, a**q, a ** ((q + 1) // 2)
    while t != FQ2.one():
        i, u = 0, t
        while u != FQ2.one():
            u, i = u * u, i + 1
        b = c ** (2 ** (m - i - 1))
        m, c, t, r = i, b * b, t * b * b, r * b
    return r


def outside_subgroup(rng):
    """A point of the twist that r times is not the identity."""
    while True:
        x = FQ2([rng.randrange(field_modulus), rng.randrange(field_modulus)])
        y = square_root(x * x * x + b2)
        if y is None:
            continue
        p = (x, y)
        assert is_on_curve(p, b2)
        if multiply(p, curve_order) is not None:
            return p


def main():
    rng = random.Random(254)
    scalars = [0, 1, 2, 3, curve_order - 1, curve_order - 2, 1 << 253, (1 << 128) - 1] + [
        rng.randrange(curve_order) for _ in range(8)
    ]
    multiples = [
        {
            "scalar": str(k),
            "g1": point(multiply(G1, k)),
            "compressed": compressed(multiply(G1, k)),
            "g2": point(multiply(G2, k)),
        }
        for k in scalars
    ]

    sums = []
    for _ in range(4):
        a, b = rng.randrange(curve_order), rng.randrange(curve_order)
        for p, q in ((G1, G1), (G2, G2)):
            u, v = multiply(p, a), multiply(q, b)
            for left, right in ((u, v), (u, u), (u, neg(u)), (u, None), (None, v)):
                sums.append({"a": point(left), "b": point(right), "sum": point(add(left, right))})

    # Sums of multiples, with edge scalars, repeated points, a point and its negative, and the identity.
    products = []
    for count in (1, 2, 3, 10, 40):
        points = [multiply(G1, rng.randrange(curve_order)) for _ in range(count)]
        factors = [rng.randrange(curve_order) for _ in range(count)]
        for i in range(count):
            if i % 5 == 1:
                points[i] = points[i - 1]
            if i % 5 == 2:
                points[i] = neg(points[i - 1])
            if i % 7 == 3:
                points[i] = None
            if i % 6 == 4:
                factors[i] = [0, 1, curve_order - 1][i // 6 % 3]
            if i % 10 == 2:
                factors[i] = factors[i - 1]
        total = None
        for p, k in zip(points, factors):
            total = add(total, multiply(p, k) if p is not None else None)
        products.append(
            {"points": [point(p) for p in points], "scalars": [str(k) for k in factors], "sum": point(total)}
        )

    pairings = []
    for a, b in ((1, 1), (rng.randrange(curve_order), rng.randrange(curve_order)), (2, curve_order - 1)):
        p, q = multiply(G1, a), multiply(G2, b)
        value = pairing(q, p)
        assert isinstance(value, FQ12)
        pairings.append({"g1": point(p), "g2": point(q), "value": [str(int(c)) for c in value.coeffs]})

    outside = [point(outside_subgroup(rng)) for _ in range(4)]
    with open(sys.argv[1], "w") as file:
        json.dump(
            {
                "source": "py_ecc 8.0.0, Experiments/py_ecc_reference/make_curve_cases.py",
                "multiples": multiples,
                "sums": sums,
                "products": products,
                "pairings": pairings,
                "outside": outside,
            },
            file,
            indent=1,
        )
        file.write("\n")


main()
