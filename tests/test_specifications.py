#!/usr/bin/python3
"""The specifications suffice: what docs/numeric_contract.md and docs/record_format.md say, written again in NumPy, reaches
the published digests of LeNet-5 after two steps, with three sets of options, and the digests of the records.

    python3 test_specifications.py PROGRAM    # PROGRAM is train_lenet5, whose records are compared

Exit status 77 means that there is no NumPy or h5py: CTest counts the test as skipped.
"""

import argparse
import gzip
import importlib.util
import math
import shlex
import shutil
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
from network import Training
from record_digest import Digest, default_settings

PUBLISHED = tomllib.loads((SOURCE / "fixtures/digests.toml").read_text())


def read_idx(path):
    content = gzip.decompress(path.read_bytes())
    axes = content[3]
    sizes = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(sizes)


def read_data(folder):
    return {
        part: (read_idx(folder / f"{name}-images-idx3-ubyte.gz"), read_idx(folder / f"{name}-labels-idx1-ubyte.gz"))
        for part, name in {"train": "train", "test": "t10k"}.items()
    }


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
        cls.data = read_data(SOURCE / "fixtures/fashion-mnist")
        cls.folder = Path(tempfile.mkdtemp(prefix="reprise-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def record_of(self, command):
        """What the program prints, by its first words, and the record's path."""
        path = self.folder / "record.h5"
        arguments = [PROGRAM, *shlex.split(command)[1:], "--output", path, "--force"]
        run = subprocess.run(arguments, cwd=SOURCE, check=True, capture_output=True, text=True)
        lines = [line.rsplit(" ", 1) for line in run.stdout.splitlines() if " sha256:" in line]
        return dict(lines), path

    def check_steps(self, table):
        published = PUBLISHED[table]
        training = Training(settings_of(published["command"]), self.data, classes=10)
        self.assertEqual("sha256:" + training.model.sha256(), published["initial_parameters"])
        training.train()
        self.assertEqual(len(training.step_losses), 2)
        self.assertEqual("sha256:" + training.model.sha256(), published["trained_parameters"])
        self.check_record(published, training)

    def check_record(self, published, training):
        printed, path = self.record_of(published["command"])
        with h5py.File(path) as record:
            self.assertEqual(record["history/step_loss"][()].ravel().tolist(), training.step_losses)
            self.assertEqual(record["history/test_loss"][-1], training.test_loss())
            digest = "sha256:" + Digest(record).hash.hexdigest()
        self.assertEqual(digest, printed["digest"])
        self.assertEqual(digest, published["digest"])

    def test_relu_maximum_pooling_adam(self):
        self.check_steps("lenet5_two_steps")

    def test_augmentation_naive_convolution_schedule(self):
        self.check_steps("lenet5_two_steps_augmented")

    def test_tanh_average_pooling_normalization_dropout_momentum(self):
        self.check_steps("lenet5_two_steps_other_options")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="train_lenet5")
    arguments, rest = parser.parse_known_args()
    PROGRAM = str(Path(arguments.program).resolve())
    unittest.main(argv=sys.argv[:1] + rest)
