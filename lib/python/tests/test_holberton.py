"""The functions of the course against a loop over windows in numpy, and its printed values.

The course's values need MNIST's training images: REPRISE_MNIST names a folder that has
train-images-idx3-ubyte, plain or gzipped. Without it those tests are left out.
"""

import gzip
import os
import unittest
from pathlib import Path

from support import TestCase
import numpy as np
from reprise import holberton

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures/fashion-mnist"


def images_of(folder):
    for name in ("train-images-idx3-ubyte.gz", "train-images-idx3-ubyte"):
        path = Path(folder) / name
        if path.exists():
            with (gzip.open if name.endswith(".gz") else open)(path, "rb") as file:
                data = file.read()
            return np.frombuffer(data, np.uint8, offset=16).reshape(-1, 28, 28, 1)
    raise FileNotFoundError(f"{folder}: no train-images-idx3-ubyte")


def padding_of(padding, A, kernel, stride):
    if padding == "valid":
        return 0, 0
    if padding == "same":
        return tuple(-(-((n - 1) * s + k - n) // 2) for n, k, s in zip(A.shape[1:3], kernel, stride))
    return padding


def windows(A, kernel, stride):
    for h in range((A.shape[1] - kernel[0]) // stride[0] + 1):
        for w in range((A.shape[2] - kernel[1]) // stride[1] + 1):
            top, left = h * stride[0], w * stride[1]
            yield h, w, (slice(None), slice(top, top + kernel[0]), slice(left, left + kernel[1]))


def conv_forward(A, W, b, activation, padding, stride):
    ph, pw = padding_of(padding, A, W.shape, stride)
    A = np.pad(A, [(0, 0), (ph, ph), (pw, pw), (0, 0)])
    cells = {(h, w): np.tensordot(A[seen], W, 3) for h, w, seen in windows(A, W.shape, stride)}
    height, width = np.max(list(cells), axis=0) + 1
    Z = np.array([[cells[h, w] for w in range(width)] for h in range(height)])
    return activation(Z.transpose(2, 0, 1, 3) + b)


def conv_backward(dZ, A, W, b, padding, stride):
    ph, pw = padding_of(padding, A, W.shape, stride)
    padded = np.pad(A, [(0, 0), (ph, ph), (pw, pw), (0, 0)])
    dA, dW = np.zeros(padded.shape), np.zeros(W.shape)
    for h, w, seen in windows(padded, W.shape, stride):
        dA[seen] += np.einsum("mc,hwic->mhwi", dZ[:, h, w], W)
        dW += np.einsum("mhwi,mc->hwic", padded[seen], dZ[:, h, w])
    return dA[:, ph : ph + A.shape[1], pw : pw + A.shape[2]], dW, dZ.sum(axis=(0, 1, 2), keepdims=True)


def pool_backward(dA, A, kernel, stride, mode):
    result = np.zeros(A.shape)
    for h, w, seen in windows(A, kernel, stride):
        given = dA[:, h : h + 1, w : w + 1]
        if mode == "max":
            result[seen] += (A[seen] == A[seen].max(axis=(1, 2), keepdims=True)) * given
        else:
            result[seen] += given / np.prod(kernel)
    return result


def relu(Z):
    return np.maximum(Z, 0)


CONVOLUTIONS = [
    ("valid", (1, 1), (3, 3)), ("same", (1, 1), (3, 3)), ("same", (2, 2), (3, 3)),
    ((2, 1), (1, 2), (3, 2)), ("valid", (3, 2), (5, 4)), ("same", (2, 3), (4, 5)),
]
POOLINGS = [((2, 2), (2, 2)), ((3, 2), (2, 1)), ((4, 4), (1, 1)), ((3, 3), (3, 3))]


class AgainstNumpy(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.images = images_of(FIXTURES)[:6] / 256
        cls.random = np.random.RandomState(0)

    def test_convolution(self):
        for padding, stride, kernel in CONVOLUTIONS:
            for A in (self.images, self.random.randn(3, 9, 8, 3)):
                W, b = self.random.randn(*kernel, A.shape[3], 2), self.random.randn(1, 1, 1, 2)
                expected = conv_forward(A, W, b, relu, padding, stride)
                result = holberton.conv_forward(A, W, b, relu, padding=padding, stride=stride)
                self.assertEqual(result.dtype, np.float64)
                np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)
                dZ = self.random.randn(*expected.shape)
                gradients = holberton.conv_backward(dZ, A, W, b, padding=padding, stride=stride)
                for given, wanted in zip(gradients, conv_backward(dZ, A, W, b, padding, stride)):
                    np.testing.assert_allclose(given, wanted, rtol=1e-11, atol=1e-11)
                self.assertEqual(gradients[2].shape, (1, 1, 1, 2))

    def test_pooling(self):
        for kernel, stride in POOLINGS:
            for A in (self.images, self.random.randn(3, 9, 8, 3)):
                for mode, of in (("max", np.max), ("avg", np.mean)):
                    result = holberton.pool_forward(A, kernel, stride, mode)
                    for h, w, seen in windows(A, kernel, stride):
                        np.testing.assert_array_equal(result[:, h, w], of(A[seen], axis=(1, 2)))
                    dA = self.random.randn(*result.shape)
                    np.testing.assert_array_equal(
                        holberton.pool_backward(dA, A, kernel, stride, mode),
                        pool_backward(dA, A, kernel, stride, mode),
                    )

    def test_float32_stays_float32(self):
        A = self.images.astype(np.float32)
        W, b = np.float32(self.random.randn(3, 3, 1, 2)), np.float32(self.random.randn(1, 1, 1, 2))
        output = holberton.conv_forward(A, W, b, relu)
        self.assertEqual(output.dtype, np.float32)
        double = [values.astype(float) for values in (A, W, b)]
        np.testing.assert_allclose(output, holberton.conv_forward(*double, relu), atol=1e-4)
        pooled = holberton.pool_forward(output, (2, 2), (2, 2))
        gradient = holberton.pool_backward(pooled, output, (2, 2), (2, 2))
        expected = pool_backward(pooled.astype(float), output.astype(float), (2, 2), (2, 2), "max")
        np.testing.assert_allclose(gradient, expected, rtol=1e-6)  # all tied maxima, in full
        gradients = holberton.conv_backward(output, A, W, b)
        self.assertEqual({values.dtype for values in gradients}, {np.dtype(np.float32)})

    def test_of_nan_the_first_gets_the_gradient(self):
        A = np.array([[1.0, np.nan], [np.nan, 2.0]]).reshape(1, 2, 2, 1)
        for dtype in (np.float64, np.float32):
            result = holberton.pool_backward(np.ones((1, 1, 1, 1), dtype), A.astype(dtype), (2, 2))
            np.testing.assert_array_equal(result.ravel(), [0, 1, 0, 0])


if "REPRISE_MNIST" in os.environ:

    class CoursesValues(TestCase):
        """With numpy's legacy seed 0, as the course prints them."""

        def test_conv_backward(self):
            np.random.seed(0)
            X = images_of(os.environ["REPRISE_MNIST"])[:10] / 256
            W, b = np.random.randn(3, 3, 1, 2), np.random.randn(1, 1, 1, 2)
            dZ = np.random.randn(10, 26, 26, 2)
            dA, dW, db = holberton.conv_backward(dZ, X, W, b, padding="valid")
            np.testing.assert_allclose(dA.ravel()[:3], [-4.24205748, 0.19390938, -2.80168847], rtol=0, atol=5e-9)
            np.testing.assert_allclose(dA.ravel()[-1], 0.74045003, rtol=0, atol=5e-9)
            np.testing.assert_allclose(dW[0, 0, 0], [10.13352674, -25.15674655], rtol=0, atol=1e-5)
            np.testing.assert_allclose(db.ravel(), [-113.18404846, -121.902714], rtol=0, atol=5e-9)


if __name__ == "__main__":
    unittest.main()
