"""The programs in the module's README, run as they stand there."""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path

import support

SOURCE = Path(__file__).resolve().parents[3]
README = SOURCE / "lib/python/README.md"


class Readme(support.TestCase):
    def test_its_programs_run(self):
        programs = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
        convolution, training, parts, course = programs
        printed = self.printed_by(convolution)
        self.assertIn("(8, 28, 28, 6) (8, 14, 14, 6)", printed)
        self.assertIn("im2col_gemm", printed)
        self.assertIn("(10, 28, 28, 1) (3, 3, 1, 2) (1, 1, 1, 2)", self.printed_by(course))
        self.assertLess(float(self.printed_by(parts).split()[-1]), 2)
        self.assertLessEqual(len(training.splitlines()), 20)
        if importlib.util.find_spec("matplotlib") is None:
            training = re.sub("(?m)^.*(matplotlib|plt).*\n", "", training)
        digest = tomllib.loads((SOURCE / "fixtures/digests.toml").read_text())["lenet5_fixture"]["digest"]
        self.assertIn("digest " + digest.removeprefix("sha256:"), self.printed_by(training))

    def printed_by(self, program):
        """What it prints, run in a folder like the source's."""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "fixtures").symlink_to(SOURCE / "fixtures")
            environment = {**os.environ, "MPLCONFIGDIR": folder}
            command = [sys.executable, "-c", program]
            result = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            return result.stdout


if __name__ == "__main__":
    unittest.main()
