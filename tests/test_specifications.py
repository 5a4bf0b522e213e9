#!/usr/bin/python3
"""The specifications suffice: what docs/numeric_contract.md, record_format.md and record_contents.md say, written again
in NumPy, reaches the published digests of training runs of two steps, and of their records.

    python3 test_specifications.py PROGRAM    # PROGRAM is train_lenet5, whose records are compared

Exit status 77 means that there is no NumPy or h5py: CTest counts the test as skipped.
"""

import argparse
import gzip
import importlib.util
import math
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import tomllib
import unittest
from fractions import Fraction
from pathlib import Path

for module in ("numpy", "h5py"):
    if importlib.util.find_spec(module) is None:
        print(f"python3-{module} is not installed")
        sys.exit(77)
import h5py
import numpy as np

SOURCE = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True  # leave the source folder as it is
sys.path.insert(0, str(SOURCE / "tests/specifications"))
import arithmetic
from training import Training
from record_digest import Digest, Group, default_settings, digest_of, read_tree
from training_record import found_contents, listed_contents, tree_of

CONTENTS = listed_contents(SOURCE / "docs/record_contents.md")
PUBLISHED = tomllib.loads((SOURCE / "fixtures/digests.toml").read_text())


def read_idx(content):
    axes = content[3]
    sizes = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(sizes)


def settings_of(command):
    """The settings of a published command; where it is silent, the defaults that the format of records states."""
    settings = {name: default for name, (_, default) in default_settings("training").items()}
    settings = {name: value.item() if hasattr(value, "item") else value for name, value in settings.items()}
    words = shlex.split(command)[1:]
    for option, value in zip(words[::2], words[1::2]):
        name = option.removeprefix("--").replace("-", "_")
        if name != "data":
            settings[name] = type(settings[name])(value)
    return settings


class Arithmetic(unittest.TestCase):
    def test_fma_rounds_once(self):
        generator = np.random.default_rng(1)
        bits = generator.integers(0, 2**32, (3, 20000), dtype=np.uint32)
        a, b, c = bits.view(np.float32)
        close = generator.standard_normal((3, 20000)).astype(np.float32)
        # Products next to a tie of the sum: double rounding would go wrong.
        ties = np.float32(1) + np.float32(2**-12), np.float32(1) + np.float32(2**-12), np.float32(2**-60)
        cases = list(zip(a, b, c)) + list(zip(*close)) + [ties, (*ties[:2], -ties[2])]
        a, b, c = (np.array(values) for values in zip(*cases))
        with np.errstate(all="ignore"):
            fused = arithmetic.fma(a, b, c)
        finite = np.isfinite(a) & np.isfinite(b) & np.isfinite(c)
        wrong_if_rounded_twice = 0
        for x, y, z, result in zip(a[finite], b[finite], c[finite], fused[finite]):
            exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
            self.assertEqual(result, rounded_to_float32(exact), (x, y, z))
            with np.errstate(all="ignore"):
                wrong_if_rounded_twice += result != np.float32(float(x) * float(y) + float(z))
        self.assertGreater(wrong_if_rounded_twice, 0)

    def test_elementary_functions_have_the_errors_that_math_hpp_states(self):
        x = np.linspace(-87, 87, 20001).astype(np.float32)
        positive = np.exp(x.astype(np.float64)).astype(np.float32)
        for name, mine, exact, most in [
            ("exp", arithmetic.exp(x), np.exp(x.astype(np.float64)), 1.04),
            ("tanh", arithmetic.tanh(x / 16), np.tanh((x / 16).astype(np.float64)), 3),
            ("log", arithmetic.log(positive), np.log(positive.astype(np.float64)), 1),
        ]:
            ulp = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
            self.assertLessEqual((np.abs(mine - exact) / ulp).max(), most, name)
        for value in np.geomspace(1e-300, 1e300, 2001):
            exact = math.log(value)
            self.assertLessEqual(abs(arithmetic.log64(float(value)) - exact), math.ulp(exact), value)

    def test_quantiles_are_those_of_the_standard_normal(self):
        p = np.concatenate([np.geomspace(1e-300, 0.4, 200), np.linspace(0.4, 0.999999, 200)])
        normal = statistics.NormalDist()  # Python's own version of AS 241
        for value, mine in zip(p, arithmetic.quantile(p)):
            self.assertAlmostEqual(mine, normal.inv_cdf(float(value)), delta=1e-14 * max(1, abs(mine)))


def rounded_to_float32(exact):
    """The nearest float32 of a fraction, of two the even one."""
    with np.errstate(over="ignore"):
        start = np.float32(float(exact))
    if not np.isfinite(start):
        return start
    near = [start, np.nextafter(start, np.float32(-np.inf)), np.nextafter(start, np.float32(np.inf))]
    near = [value for value in near if np.isfinite(value)]
    return min(near, key=lambda value: (abs(Fraction(float(value)) - exact), int(value.view(np.uint32)) & 1))


class TwoSteps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = SOURCE / "fixtures/fashion-mnist"
        names = [f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")]
        cls.files = {name: gzip.decompress((folder / f"{name}.gz").read_bytes()) for name in names}
        arrays = [read_idx(content) for content in cls.files.values()]
        cls.data = {"train": arrays[:2], "test": arrays[2:]}
        cls.lines = (folder / "class_names.txt").read_text().splitlines()

    def check_steps(self, table):
        published = PUBLISHED[table]
        settings = settings_of(published["command"])
        held_out = settings["holdout"] > 0
        training = Training(settings, self.data, classes=len(self.lines) - 1)
        initial = training.model.sha256()
        self.assertEqual("sha256:" + initial, published["initial_parameters"])
        training.train()
        self.assertEqual(sum(len(epoch["step_loss"]) for epoch in training.history), 2)
        self.assertEqual("sha256:" + training.model.sha256(), published["trained_parameters"])
        files = {name: content for name, content in self.files.items() if not held_out or name.startswith("train")}
        tree = tree_of(training, files, self.lines, initial)
        digest = "sha256:" + Digest(tree, "reprise record 2").hash.hexdigest()
        self.check_record(published, digest, tree)
        self.assertEqual(digest, published["digest"])

    def check_record(self, published, digest, tree):
        """Against what the program writes: which part differs, if one does."""
        with tempfile.TemporaryDirectory(prefix="reprise-test-") as folder:
            path = Path(folder) / "record.h5"
            arguments = [PROGRAM, *shlex.split(published["command"])[1:], "--output", path]
            printed = subprocess.run(arguments, cwd=SOURCE, check=True, capture_output=True, text=True).stdout
            with h5py.File(path) as file:
                record = read_tree(file)
                self.assertEqual("sha256:" + digest_of(file), published["digest"])
        self.assertIn(f"digest {published['digest']}\n", printed)
        self.check_listed(record, "training")
        for name, group in tree.groups.items():
            mine, theirs = (Digest(part, "") for part in (group, record.groups[name]))
            if name != "configuration":  # which has a text and counts only some settings
                self.assertEqual(mine.hash.hexdigest(), theirs.hash.hexdigest(), name)

    def check_listed(self, record, kind):
        """A record holds what docs/record_contents.md lists, no more and no less."""
        listed = CONTENTS["all"] | CONTENTS[kind]
        if kind == "checkpoint":
            listed |= {path: row for path, row in CONTENTS["training"].items() if path.startswith(("/data", "/conf"))}
        patterns = {re.sub("[A-Z]{2,}", "[^/@]+", path): row for path, row in listed.items()}
        met = set()
        for path, (of_type, axes) in found_contents(record).items():
            if path.startswith("/environment"):
                continue
            pattern = next((pattern for pattern in patterns if re.fullmatch(pattern, path)), None)
            self.assertIsNotNone(pattern, f"{path} is not listed")
            met.add(pattern)
            if patterns[pattern][0]:  # settings and layers have types and axes of their own
                self.assertEqual(of_type, patterns[pattern][0], path)
                if "LAYER" not in pattern and not path.startswith("/model/conv") and patterns[pattern][1]:
                    self.assertEqual(axes, patterns[pattern][1], path)
        studies = any(path.startswith("/study") for path in met)
        for pattern, (_, _, optional) in patterns.items():
            expected = not optional and (studies or not pattern.startswith("/study"))
            self.assertTrue(pattern in met or not expected, f"{pattern} is missing")

    def test_records_of_all_kinds_hold_what_is_listed(self):
        kinds = set()
        for path in sorted((SOURCE / "fixtures/records").glob("*/*.h5")):
            with self.subTest(path.name), h5py.File(path) as file:
                tree = read_tree(file)
            if tree.attributes["format"] == "reprise record 1":  # what docs/record_format.md says of it
                tree.attributes.pop("program", None)
                tree.groups.get("state", Group()).attributes.pop("epoch_seconds", None)
                for epoch in tree.groups.get("history", Group()).groups.values():
                    epoch.attributes.pop("train_seconds")
            kinds.add(tree.attributes["kind"])
            self.check_listed(tree, tree.attributes["kind"])
        self.assertEqual(kinds, {"training", "checkpoint", "comparison"})

    def test_relu_maximum_pooling_adam(self):
        self.check_steps("lenet5_two_steps")

    def test_augmentation_naive_convolution_schedule(self):
        self.check_steps("lenet5_two_steps_augmented")

    def test_mean_image_crops_views_rates_of_biases(self):
        self.check_steps("lenet5_two_steps_inputs")

    def test_seeds_of_sources_and_drawn_held_out_images(self):
        self.check_steps("lenet5_two_steps_sources")

    def test_four_layers_normal_initializer_one_left_out(self):
        self.check_steps("four_layer_cnn_two_steps")

    def test_tanh_average_pooling_normalization_dropout_momentum(self):
        self.check_steps("lenet5_two_steps_other_options")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="train_lenet5")
    arguments, rest = parser.parse_known_args()
    PROGRAM = str(Path(arguments.program).resolve())
    unittest.main(argv=sys.argv[:1] + rest)
