"""Tests of what `compare.py` says about samples: python3 -m unittest discover -s Benchmarks."""

import random
import unittest

from compare import judge, spread


def noisy(rng, seconds, count, noise, bursts=0.3):
    """Samples as a shared machine gives them: never below the true time, a little above it, sometimes far above."""
    return [seconds * (1 + rng.expovariate(1 / noise) + (rng.uniform(0.2, 1) if rng.random() < bursts else 0))
            for _ in range(count)]


class Judge(unittest.TestCase):
    def verdicts(self, factor, noise, trials=2000, bursts=0.3, floor=0.04):
        rng = random.Random(7)
        found = []
        for _ in range(trials):
            base = noisy(rng, 1e-3, 9, noise, bursts)
            head = noisy(rng, 1e-3 * factor, 9, noise, bursts)
            found.append(judge(base, head, floor)[2])
        return {v: found.count(v) / trials for v in ("slower", "faster", "")}

    def test_equal_code_is_hardly_ever_called_slower(self):
        for noise in (0.002, 0.01, 0.05):
            found = self.verdicts(1, noise)
            self.assertLess(found["slower"], 0.002, noise)
            self.assertLess(found["faster"], 0.002, noise)

    def test_a_tenth_slower_is_found_where_runs_are_quiet(self):
        self.assertGreater(self.verdicts(1.1, 0.002, bursts=0)["slower"], 0.99)

    def test_a_half_slower_is_found_in_noise(self):
        self.assertGreater(self.verdicts(1.5, 0.01)["slower"], 0.8)

    def test_faster_is_not_slower(self):
        found = self.verdicts(1 / 1.5, 0.01)
        self.assertEqual(found["slower"], 0)
        self.assertGreater(found["faster"], 0.8)

    def test_differences_below_the_floor_are_not_mentioned(self):
        self.assertEqual(judge([1.0] * 5, [1.039] * 5, 0.04)[2], "")
        self.assertEqual(judge([1.0] * 5, [1.041] * 5, 0.04)[2], "slower")

    def test_one_lucky_run_of_the_base_is_no_regression(self):
        base = [0.5] + [1.0] * 8
        self.assertEqual(judge(base, [1.0] * 9, 0.04)[2], "")

    def test_the_ratio_is_that_of_the_fastest(self):
        self.assertAlmostEqual(judge([2.0, 1.0, 3.0], [5.0, 4.0, 2.0], 0.04)[0], 2.0)

    def test_samples_must_be_paired(self):
        for base, head in (([1.0], [1.0, 2.0]), ([], [])):
            with self.assertRaises(ValueError):
                judge(base, head, 0.04)


class Spread(unittest.TestCase):
    def test_quartile(self):
        self.assertEqual(spread([1.0]), 0)
        self.assertAlmostEqual(spread([9.0, 1.0, 1.1, 1.2, 9.0, 9.0, 9.0, 9.0, 9.0]), 0.2)

    def test_order_does_not_matter(self):
        self.assertEqual(spread([3.0, 1.0, 2.0]), spread([1.0, 2.0, 3.0]))


if __name__ == "__main__":
    unittest.main()
