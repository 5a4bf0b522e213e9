#!/usr/bin/python3
"""ONNX files, run by ONNX Runtime (npm's onnxruntime-web in node, which tests/exchange/install_runtime
installs): trained networks on the 500 test images, the others on images of their own.

    python3 test_onnxruntime.py BUILD
"""

import shutil
import subprocess
import sys
from pathlib import Path

from common import Sample, channels_first, check_logits, export, images, need, new_folder, run, train

need("h5py")
import h5py
import numpy as np

HERE = Path(__file__).resolve().parent
SAMPLES = {
    "lenet5_1998": (28, 28, 1), "alexnet": (67, 67, 3), "cuda_convnet_80sec": (32, 32, 3),
    "cuda_convnet_19pct": (32, 32, 3), "cuda_convnet_18pct": (32, 32, 3),
}


def runtime():
    """The folder that has it; ends the test as skipped where there is none."""
    folder = subprocess.run([HERE / "install_runtime", "--where"], capture_output=True, text=True).stdout.strip()
    if shutil.which("node") is None or not (Path(folder) / "node_modules/onnxruntime-web").is_dir():
        print("skipped: no node, or no onnxruntime-web; tests/exchange/install_runtime installs it")
        sys.exit(77)
    return folder


def main():
    modules = runtime()
    cases = []
    pixels, _ = images("t10k")
    for model in ("lenet5", "four_layer_cnn"):
        folder = new_folder()
        train(folder / "run.h5", "--model", model, "--epochs", 1, "--train-images", 512)
        path = export(folder / "run.h5", "onnx", folder / "model.onnx")
        with h5py.File(folder / "run.h5") as file:
            cases.append((f"{model}, trained,", path, pixels, file["evaluation/logits"][()]))
    for model, size in SAMPLES.items():
        sample = Sample(model, *size, "onnx")
        cases.append((model, sample.path("onnx"), sample.images, sample.logits))

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
