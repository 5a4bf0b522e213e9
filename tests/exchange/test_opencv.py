#!/usr/bin/python3
"""ONNX files, run by OpenCV's DNN module: trained networks on the 500 test images, the others on images of
their own.

    python3 test_opencv.py BUILD
"""

from common import Sample, channels_first, check_logits, export, images, need, new_folder, train

need("cv2", "h5py")
import cv2
import h5py
import numpy as np

SAMPLES = {
    "lenet5_1998": (28, 28, 1), "alexnet": (67, 67, 3), "cuda_convnet_80sec": (32, 32, 3),
    "cuda_convnet_19pct": (32, 32, 3), "cuda_convnet_18pct": (32, 32, 3),
}


def run_onnx(path, values):
    network = cv2.dnn.readNetFromONNX(str(path))
    network.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    network.setInput(channels_first(values))
    return np.array(network.forward())


def main():
    cv2.setNumThreads(1)
    opencv = f"by OpenCV {cv2.__version__}"
    pixels, _ = images("t10k")
    for model in ("lenet5", "four_layer_cnn"):
        folder = new_folder()
        train(folder / "run.h5", "--model", model, "--epochs", 1, "--train-images", 512)
        path = export(folder / "run.h5", "onnx", folder / "model.onnx")
        with h5py.File(folder / "run.h5") as file:
            logits = file["evaluation/logits"][()]
        check_logits(f"{model}, trained, {opencv}", run_onnx(path, pixels), logits)
    for model, size in SAMPLES.items():
        sample = Sample(model, *size, "onnx")
        check_logits(f"{model} {opencv}", run_onnx(sample.path("onnx"), sample.images), sample.logits)


if __name__ == "__main__":
    main()
