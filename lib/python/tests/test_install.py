"""cmake --install puts the package where the interpreter of each prefix looks for it.

    python3 test_install.py BUILD
"""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import support

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def install(prefix, **environment):
    command = ["cmake", "--install", BUILD, "--prefix", str(prefix), "--component", "python"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment})


class Install(support.TestCase):
    def test_the_package_is_whole_and_imports(self):
        with tempfile.TemporaryDirectory() as folder:
            install(folder)
            packages = Path(folder) / f"lib/python{VERSION}/site-packages"
            command = [sys.executable, "-c", "import reprise, reprise.holberton; print(reprise.__file__)"]
            environment = {**os.environ, "PYTHONPATH": str(packages)}
            result = subprocess.run(command, capture_output=True, text=True, env=environment)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertEqual(Path(result.stdout.strip()).parent, packages / "reprise")
            names = {path.name for path in (packages / "reprise").iterdir()}
            self.assertLessEqual({"py.typed", "_reprise.pyi"}, names)

    @unittest.skipUnless(os.path.isdir("/usr/lib/python3/dist-packages"), "not Debian's Python")
    def test_debians_python_finds_it_below_usr_and_usr_local(self):
        code = "import sys; print('\\n'.join(sys.path))"
        searched = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
        for prefix in ("/usr", "/usr/local"):
            with tempfile.TemporaryDirectory() as folder:
                install(prefix, DESTDIR=folder)
                (module,) = Path(folder).rglob("_reprise*.so")
                packages = "/" + str(module.parent.parent.relative_to(folder))
                self.assertTrue(packages.startswith(prefix + "/lib/python3"), packages)
                if os.path.isdir(packages):  # a folder that is not there is not searched
                    self.assertIn(packages, searched.splitlines())


if __name__ == "__main__":
    BUILD = sys.argv.pop()
    unittest.main()
