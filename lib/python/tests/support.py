"""What the module's tests share: the module, or exit status 77 where numpy is missing, and an oracle."""

import importlib.util
import sys
import unittest
from pathlib import Path

if importlib.util.find_spec("numpy") is None:
    print("python3-numpy is not installed")
    sys.exit(77)
import numpy as np


GOLDEN = Path(__file__).resolve().parents[3] / "fixtures/golden"


def golden(name):
    """A file of golden values, open; exit status 77 where h5py is missing."""
    if importlib.util.find_spec("h5py") is None:
        print("python3-h5py is not installed")
        sys.exit(77)
    import h5py

    return h5py.File(GOLDEN / name, "r")


def pair(value):
    return (value, value) if np.isscalar(value) else tuple(value)


def sides(padding, size, span, stride):
    """The cells before and after along one axis, by the rules of lib/reprise/core/geometry.hpp."""
    if padding == "valid":
        return 0, 0
    if isinstance(padding, int):
        return padding, padding
    outputs = -(-size // stride) if padding == "same" else size
    total = max(0, (outputs - 1) * stride + span - size)
    if padding == "same":
        return total // 2, total - total // 2
    half = (total + 1) // 2
    return (total // 2 if stride == 1 else half), half


class Oracle:
    """A convolution in float64, a kernel cell at a time."""

    def __init__(self, input, weight, stride=1, padding="valid", dilation=1, groups=1):
        self.input, self.weight = np.asarray(input, float), np.asarray(weight, float)
        self.stride, self.dilation, self.groups = pair(stride), pair(dilation), groups
        spans = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.weight.shape[:2])]
        sizes = self.input.shape[1:3]
        self.pads = [sides(padding, *axis) for axis in zip(sizes, spans, self.stride)]
        self.padded = np.pad(self.input, [(0, 0), *self.pads, (0, 0)])
        self.out = [
            (size + sum(pads) - span) // stride + 1
            for size, pads, span, stride in zip(sizes, self.pads, spans, self.stride)
        ]

    def taps(self):
        """For each kernel cell: itself, and the cells that it sees, as an index of the padded input."""
        for kh, kw in np.ndindex(*self.weight.shape[:2]):
            begins = [k * d for k, d in zip((kh, kw), self.dilation)]
            rows, columns = (
                slice(begin, begin + (out - 1) * stride + 1, stride)
                for begin, out, stride in zip(begins, self.out, self.stride)
            )
            yield (kh, kw), (slice(None), rows, columns)

    def by_groups(self, array):
        return array.reshape(*array.shape[:-1], self.groups, -1)

    def forward(self, bias):
        channels = self.weight.shape[-1]
        output = np.zeros((len(self.input), *self.out, self.groups, channels // self.groups))
        for tap, seen in self.taps():
            output += np.einsum(
                "nhwgi,igo->nhwgo", self.by_groups(self.padded[seen]), self.by_groups(self.weight[tap])
            )
        return output.reshape(*output.shape[:3], channels) + bias

    def backward(self, grad_output):
        grad_output = np.asarray(grad_output, float)
        grads = self.by_groups(grad_output)
        grad_padded, grad_weight = np.zeros_like(self.padded), np.zeros_like(self.weight)
        for tap, seen in self.taps():
            back = np.einsum("nhwgo,igo->nhwgi", grads, self.by_groups(self.weight[tap]))
            grad_padded[seen] += back.reshape(*back.shape[:3], -1)
            weight = np.einsum("nhwgi,nhwgo->igo", self.by_groups(self.padded[seen]), grads)
            grad_weight[tap] = weight.reshape(weight.shape[0], -1)
        (top, _), (left, _) = self.pads
        height, width = self.input.shape[1:3]
        grad_input = grad_padded[:, top : top + height, left : left + width]
        return grad_input, grad_weight, grad_output.sum(axis=(0, 1, 2))


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


class TestCase(unittest.TestCase):
    def assert_same_bits(self, a, b):
        self.assertTrue(same_bits(a, b), "not the same bits")

    def assert_line(self, exception, *parts):
        """A context in which `exception` is raised with one line that has all the parts."""
        return _Line(self, exception, parts)


class _Line:
    def __init__(self, case, exception, parts):
        self.case, self.exception, self.parts = case, exception, parts

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.case.assertIs(kind, self.exception, error)
        text = str(error)
        self.case.assertNotIn("\n", text)
        for part in self.parts:
            self.case.assertIn(part, text)
        return True
