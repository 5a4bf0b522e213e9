#!/usr/bin/python3
"""ONNX files, run by ONNX Runtime (npm's onnxruntime-web in node, which tests/exchange/install_runtime
installs): trained networks on the 500 test images, the others on images of their own.

    python3 test_onnxruntime.py BUILD
"""

import shutil
import subprocess
import sys
from pathlib import Path

from common import channels_first, check_logits, onnx_cases, run

import numpy as np

HERE = Path(__file__).resolve().parent


def runtime():
    """The folder that has it; ends the test as skipped where there is none."""
    folder = subprocess.run([HERE / "install_runtime", "--where"], capture_output=True, text=True).stdout.strip()
    if shutil.which("node") is None or not (Path(folder) / "node_modules/onnxruntime-web").is_dir():
        print("skipped: no node, or no onnxruntime-web; tests/exchange/install_runtime installs it")
        sys.exit(77)
    return folder


def main():
    modules = runtime()
    cases = list(onnx_cases())
    words = []
    for _, path, values, _ in cases:
        values = channels_first(values)
        values.tofile(path.with_suffix(".images"))
        words += [path, path.with_suffix(".images"), ",".join(map(str, values.shape)), path.with_suffix(".logits")]
    version = run("node", HERE / "run_onnx.mjs", modules, *words).strip()
    for name, path, values, expected in cases:
        logits = np.fromfile(path.with_suffix(".logits"), np.float32).reshape(len(values), -1)
        check_logits(f"{name} by ONNX Runtime {version}", logits, expected)


if __name__ == "__main__":
    main()
