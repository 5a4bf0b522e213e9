"""mypy finds no fault in the package, and its stubtest none in the stubs of the compiled part."""

import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import TestCase

if importlib.util.find_spec("mypy") is None:
    print("mypy is not installed")
    sys.exit(77)
import reprise

PACKAGES = Path(reprise.__file__).parent.parent
# What pybind11's classes have and no stub can say.
OF_PYBIND11 = ("is inconsistent, metaclass differs", '__init__ is inconsistent, stub does not have *args argument "args"')


class Types(TestCase):
    def run_module(self, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "MYPYPATH": str(PACKAGES), "PYTHONPATH": str(PACKAGES)}
            command = [sys.executable, "-m", *arguments]
            result = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
        self.assertEqual(result.stderr, "")
        return result.stdout

    def test_the_package(self):
        printed = self.run_module("mypy", "--cache-dir", os.devnull, "-p", "reprise")
        self.assertIn("Success: no issues found", printed)

    def test_the_stubs(self):
        printed = self.run_module("mypy.stubtest", "reprise._reprise")
        self.assertIn("(checked 1 module)", printed)
        errors = [line for line in printed.splitlines() if line.startswith("error: ")]
        self.assertEqual([line for line in errors if not line.endswith(OF_PYBIND11)], [])


if __name__ == "__main__":
    unittest.main()
