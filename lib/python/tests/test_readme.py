"""The programs in the module's README, run as they stand there."""

import re
import subprocess
import sys
import unittest
from pathlib import Path

import support

README = Path(__file__).resolve().parent.parent / "README.md"


class Readme(support.TestCase):
    def test_its_programs_run(self):
        programs = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
        self.assertEqual(len(programs), 2)
        printed = []
        for program in programs:
            result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            printed.append(result.stdout)
        self.assertIn("(8, 28, 28, 6) (8, 14, 14, 6)", printed[0])
        self.assertIn("im2col_gemm", printed[0])
        self.assertIn("(10, 28, 28, 1) (3, 3, 1, 2) (1, 1, 1, 2)", printed[1])


if __name__ == "__main__":
    unittest.main()
