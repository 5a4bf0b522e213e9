"""Records as mappings of numpy arrays, as nested dictionaries and, where xarray is there, as its datasets."""

import importlib.util
import os
import subprocess
import sys
import tempfile
import types
import unittest
import unittest.mock
from pathlib import Path

from support import TestCase
import numpy as np
import reprise

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
RECORD = FIXTURES / "records/format_1/training.h5"


class Tree(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.record = reprise.open(RECORD)

    def test_places(self):
        record = self.record
        self.assertEqual((record.path, record.parent), ("/", None))
        conv1 = record["model/conv1"]
        self.assertIs(record["/model"]["conv1"], conv1)
        self.assertEqual((conv1.path, conv1.parent.path), ("/model/conv1", "/model"))
        self.assertIs(conv1.parent, record.children["model"])
        self.assertIs(record["/"], record)
        self.assertIn("/model/conv1", record.groups)
        self.assertEqual(list(conv1.subtree), [conv1])
        self.assertEqual(conv1["weight"].shape, (5, 5, 1, 4))
        self.assertIs(record["configuration"].attributes, record["configuration"].attrs)
        for missing in ("nothing", "model/conv9/weight", "model/conv1/weight/more"):
            with self.assertRaises(KeyError):
                record[missing]
        with self.assert_line(TypeError, "3", "a path"):
            record[3]

    def test_plain_dictionaries(self):
        tree = self.record.to_dict()
        self.assertEqual(set(tree), set(self.record))
        self.assertIs(type(tree["model"]["conv1"]), dict)
        self.assertIs(tree["model"]["conv1"]["weight"], self.record["model/conv1/weight"])

    def test_verify_takes_the_data_by_its_folder_as_the_run_had_them(self):
        folder = FIXTURES / "fashion-mnist"
        for holdout in (0, 500):
            data = reprise.load_dataset(folder, holdout=holdout)
            model = reprise.models.lenet5()
            history = model.fit(
                data, epochs=1, batch_size=20, block_size=6, train_images=32, holdout=holdout, verbose=False
            )
            self.assertEqual(reprise.verify(history.record, folder).verdict, "identical")

    @unittest.skipUnless("REPRISE_EXPERIMENTS" in os.environ, "no train_lenet5")
    def test_verify_takes_the_weights_that_a_run_started_from(self):
        data = FIXTURES / "fashion-mnist"
        with tempfile.TemporaryDirectory() as folder:
            weights, other, run = (os.path.join(folder, name) for name in ("w.npz", "other.npz", "run.h5"))
            reprise.models.lenet5(seed=7).save_weights(weights)
            reprise.models.lenet5(seed=8).save_weights(other)
            command = [os.path.join(os.environ["REPRISE_EXPERIMENTS"], "train_lenet5"), "--data", str(data),
                       "--initial", weights, "--epochs", "1", "--train-images", "32", "--batch-size", "16", "--output", run]
            subprocess.run(command, check=True, capture_output=True)
            self.assertEqual(reprise.verify(run, data, initial=weights).verdict, "identical")
            with self.assert_line(ValueError, "initial weights: SHA-256"):
                reprise.verify(run, data, initial=other)
            with self.assert_line(ValueError, "missing.npz"):
                reprise.verify(run, data, initial="missing.npz")
            with self.assert_line(TypeError, "verify: int", "path"):
                reprise.verify(run, data, initial=3)
            with self.assert_line(ValueError, "initial= with the file"):
                reprise.verify(run, data)

    def test_a_module_called_xarray_without_a_version_has_no_data_tree(self):
        with unittest.mock.patch.dict(sys.modules, xarray=types.ModuleType("xarray")):
            with self.assert_line(ImportError, "this xarray has no DataTree"):
                self.record.to_datatree()

    def test_it_needs_no_xarray(self):
        program = f"""
import sys
sys.modules["xarray"] = None
import reprise
record = reprise.open({str(RECORD)!r})
print(record["model/conv1/weight"].shape, len(record.to_dict()))
for call in (record.to_dataset, record.to_datatree):
    try:
        call()
    except ImportError as error:
        print(error)
"""
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = result.stdout.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertTrue(all("python3-xarray" in line for line in lines[1:]))


@unittest.skipIf(importlib.util.find_spec("xarray") is None, "python3-xarray is not installed")
class Xarray(TestCase):
    def test_every_group_is_a_dataset(self):
        record = reprise.open(RECORD)
        seen = 0
        for group in record.subtree:
            dataset = group.to_dataset()
            self.assertEqual(set(dataset.variables), {name for name in group if isinstance(group[name], np.ndarray)})
            self.assertEqual(dataset.attrs, group.attrs)
            for name, variable in dataset.variables.items():
                seen += 1
                np.testing.assert_array_equal(variable.values, group[name])
                for axis, named in zip(group.dimensions(name), variable.dims):
                    self.assertIn(named, (axis, f"{axis}_{dataset.sizes[named]}"))
        self.assertGreater(seen, 30)
        weight = record["model/conv1"].to_dataset()["weight"]
        self.assertEqual(weight.dims, ("kernel_height", "kernel_width", "in_channels", "out_channels"))
        self.assertEqual(weight.sel(in_channels=0).shape, (5, 5, 4))

    def test_a_data_tree_where_there_is_one(self):
        import xarray

        record = reprise.open(RECORD)
        if hasattr(xarray, "DataTree"):
            np.testing.assert_array_equal(record.to_datatree()["model/conv1/weight"], record["model/conv1/weight"])
        else:
            with self.assert_line(ImportError, "this xarray has no DataTree", xarray.__version__, "2024.10"):
                record.to_datatree()


if __name__ == "__main__":
    unittest.main()
