#!/usr/bin/python3
"""ONNX files, run by OpenCV's DNN module: trained networks on the 500 test images, the others on images of
their own.

    python3 test_opencv.py BUILD
"""

from common import channels_first, check_logits, need, onnx_cases

need("cv2")
import cv2
import numpy as np


def run_onnx(path, values):
    network = cv2.dnn.readNetFromONNX(str(path))
    network.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    network.setInput(channels_first(values))
    return np.array(network.forward())


def main():
    cv2.setNumThreads(1)
    opencv = f"by OpenCV {cv2.__version__}"
    for name, path, values, expected in onnx_cases():
        check_logits(f"{name} {opencv}", run_onnx(path, values), expected)


if __name__ == "__main__":
    main()
