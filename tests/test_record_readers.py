#!/usr/bin/python3
"""Opens a record with readers of other makes: h5py, xarray, netCDF4, ncdump, h5dump, h5diff, where they are installed.

    python3 test_record_readers.py PROGRAM    # PROGRAM is record_sample, built from record_sample.cpp

Exit status 77 means that there is no h5py: CTest counts the test as skipped.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

if importlib.util.find_spec("h5py") is None:
    print("python3-h5py is not installed")
    sys.exit(77)
import h5py

SOURCE = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True  # leave the source folder as it is
sys.path.insert(0, str(SOURCE / "tests/specifications"))
from record_digest import axis_names, digest_of

CHECKSUM_SIZE = 73


def have(module):
    return importlib.util.find_spec(module) is not None


class Readers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="reprise-test-"))
        cls.path = str(cls.folder / "record.h5")
        cls.digest = cls.save(cls.path)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @staticmethod
    def save(path):
        return subprocess.run([PROGRAM, path], check=True, capture_output=True, text=True).stdout.strip()

    def run_tool(self, *command):
        if shutil.which(command[0]) is None:
            self.skipTest(f"{command[0]} is not installed")
        return subprocess.run(command, check=True, capture_output=True, text=True)

    def test_h5py_finds_names_types_and_values(self):
        with h5py.File(self.path) as file:
            self.assertEqual(file.attrs["format"], "reprise record 2")
            self.assertEqual(file["configuration"].attrs["seed"], -1)
            self.assertEqual(file["configuration"].attrs["note"], "")
            self.assertIn('note = ""\n', file["configuration/toml"].asstr()[()])
            self.assertEqual(file["data/class_names"].asstr()[2], "Größe")
            self.assertEqual(list(file["data/class_names"].asstr()), ["T-shirt/top", "", "Größe", "Ankle boot"])
            self.assertEqual(axis_names(file["model/conv1/kernel"]), ["kh", "kw", "ic", "oc"])
            self.assertEqual(axis_names(file["history/train_loss"]), ["epoch"])
            self.assertEqual(axis_names(file["evaluation/logits"]), ["image", "class"])
            self.assertEqual(axis_names(file["evaluation/sample_pixels"]), ["image", "height", "width"])
            self.assertEqual(file["evaluation/logits"][4, 9], 49)
            self.assertEqual(file["evaluation/counts"].compression, "gzip")

    def test_the_digest_is_that_of_the_documented_walk(self):
        with h5py.File(self.path) as file:
            self.assertEqual(digest_of(file), self.digest)
            self.assertEqual(file.attrs["digest"], "sha256:" + self.digest)

    def test_the_digest_of_a_training_run_leaves_its_default_settings_out(self):
        path = str(self.folder / "training.h5")
        digest = subprocess.run([PROGRAM, path, "training"], check=True, capture_output=True, text=True).stdout.strip()
        with h5py.File(path) as file:
            self.assertEqual(digest_of(file), digest)

    def test_records_of_earlier_formats_have_the_digests_at_their_roots(self):
        for path in sorted((SOURCE / "fixtures/records").glob("*/*.h5")):
            with self.subTest(path.name), h5py.File(path) as file:
                self.assertEqual("sha256:" + digest_of(file), file.attrs["digest"])

    def test_the_last_line_is_the_sha256_of_all_before(self):
        content = Path(self.path).read_bytes()
        checksum = hashlib.sha256(content[:-CHECKSUM_SIZE]).hexdigest()
        self.assertEqual(content[-CHECKSUM_SIZE:].decode(), f"\nsha256:{checksum}\n")

    def test_no_object_keeps_a_time(self):
        with h5py.File(self.path) as file:
            self.assertEqual(h5py.h5g.get_objinfo(file["history/epoch"].id).mtime, 0)
            file.visititems(lambda _, thing: self.assertEqual(h5py.h5g.get_objinfo(thing.id).mtime, 0))

    def test_another_process_gives_the_same_bytes(self):
        self.save(str(self.folder / "again.h5"))
        self.assertEqual(Path(self.path).read_bytes(), (self.folder / "again.h5").read_bytes())

    def check_xarray(self, engine):
        import xarray

        with xarray.open_dataset(self.path, group="history", engine=engine) as history:
            self.assertEqual(set(history.data_vars), {"train_loss", "test_loss"})
            self.assertEqual(float(history.train_loss.sel(epoch=2)), 0.25)
            self.assertEqual(history.train_loss.attrs, {"unit": "nats"})
        with xarray.open_dataset(self.path, group="data", engine=engine) as data:
            self.assertEqual(data.sha256.sel(file="labels").item(), "bad3")
            self.assertEqual(data.class_names.dims, ("class",))
        with xarray.open_dataset(self.path, group="model/conv1", engine=engine) as conv1:
            self.assertEqual(dict(conv1.kernel.sizes), {"kh": 5, "kw": 5, "ic": 1, "oc": 6})
            self.assertEqual(conv1.bias.dims, ("oc",))
            self.assertEqual(set(conv1.variables), {"kernel", "bias", "no_values"})
        with xarray.open_dataset(self.path, group="evaluation", engine=engine) as evaluation:
            self.assertEqual(evaluation.logits.dims, ("image_5", "class_10"))
            self.assertEqual(evaluation.sample_pixels.dims, ("image", "height", "width"))
            self.assertEqual(list(evaluation.sample_labels.values[:, 0]), ["Bag", "Coat"])

    @unittest.skipUnless(have("xarray") and have("h5netcdf"), "python3-xarray, python3-h5netcdf")
    def test_xarray_names_axes_through_h5netcdf(self):
        self.check_xarray("h5netcdf")

    @unittest.skipUnless(have("xarray") and have("netCDF4"), "python3-xarray, python3-netcdf4")
    def test_xarray_names_axes_through_netcdf4(self):
        self.check_xarray("netcdf4")

    @unittest.skipUnless(have("netCDF4"), "python3-netcdf4")
    def test_netcdf4_finds_dimensions_and_no_stray_variables(self):
        import netCDF4

        with netCDF4.Dataset(self.path) as file:
            conv1 = file["model/conv1"]
            self.assertEqual(conv1["kernel"].dimensions, ("kh", "kw", "ic", "oc"))
            self.assertEqual(set(conv1.variables), {"kernel", "bias", "no_values"})
            self.assertEqual(list(file["data/class_names"][:]), ["T-shirt/top", "", "Größe", "Ankle boot"])
            self.assertEqual(list(file["history/epoch"][:]), [1, 2, 3])

    def test_ncdump_shows_named_axes(self):
        header = self.run_tool("ncdump", "-h", self.path).stdout
        for line in ("float kernel(kh, kw, ic, oc) ;", "double train_loss(epoch) ;", "int64 epoch(epoch) ;"):
            self.assertIn(line, header)
        self.assertNotIn("float kh", header)

    def test_h5dump_reads_everything(self):
        self.assertEqual(self.run_tool("h5dump", self.path).stderr, "")

    def test_h5diff_sees_no_difference_outside_the_environment(self):
        other = self.folder / "other.h5"
        shutil.copy(self.path, other)
        with h5py.File(other, "r+") as file:
            file["environment/seconds"][0] = 9
        self.run_tool("h5diff", "--exclude-path", "/environment", self.path, str(other))


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
