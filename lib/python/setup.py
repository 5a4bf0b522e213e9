"""Builds the compiled part of the package by CMake, from the source tree that this folder lies in."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCE = Path(__file__).resolve().parent.parent.parent


def version():
    text = (SOURCE / "CMakeLists.txt").read_text()
    return re.search(r"project\(reprise VERSION ([0-9.]+)", text).group(1)


class BuildByCMake(build_ext):
    def build_extension(self, extension):
        build = Path(self.build_temp).resolve()
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        options = {
            "CMAKE_BUILD_TYPE": "Release",
            "REPRISE_BUILD_PROGRAMS": "OFF",
            "REPRISE_BUILD_TESTS": "OFF",
            "REPRISE_WITH_PYTHON": "ON",
            "REPRISE_PYTHON": sys.executable,
        }
        definitions = [f"-D{name}={value}" for name, value in options.items()]
        subprocess.check_call(["cmake", "-S", SOURCE, "-B", build, *generator, *definitions])
        jobs = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count()))
        subprocess.check_call(
            ["cmake", "--build", build, "--target", "reprise_python", "--parallel", jobs]
        )
        (built,) = (build / "lib/python/reprise").glob("_reprise.*.so")
        target = Path(self.get_ext_fullpath(extension.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(built, target)
        # The program that reads records is looked for beside the module.
        shutil.copy2(build / "lib/reprise_record_reader", target.parent)


setup(
    version=version(),
    ext_modules=[Extension("reprise._reprise", sources=[])],
    cmdclass={"build_ext": BuildByCMake},
)
