"""max_pool2d and avg_pool2d on numpy arrays, forward and backward."""

import itertools
import unittest

from support import TestCase
import numpy as np
import reprise

SIZES = [((2, 7, 8, 3), 2, None), ((1, 9, 7, 5), (3, 2), (2, 1)), ((3, 4, 4, 16), 3, 1)]


def windows(shape, kernel, stride):
    (kh, kw), (sh, sw) = kernel, stride
    for oh, ow in itertools.product((range((shape[1] - kh) // sh + 1)), range((shape[2] - kw) // sw + 1)):
        yield oh, ow, slice(oh * sh, oh * sh + kh), slice(ow * sw, ow * sw + kw)


def extents(kernel, stride):
    kernel = (kernel, kernel) if np.isscalar(kernel) else kernel
    stride = kernel if stride is None else stride
    return kernel, (stride, stride) if np.isscalar(stride) else stride


class Pooling(TestCase):
    def test_values_and_gradients(self):
        random = np.random.default_rng(1)
        for shape, kernel, stride in SIZES:
            x = random.permutation(np.prod(shape)).reshape(shape).astype(np.float32)  # no ties
            most, mean = reprise.max_pool2d(x, kernel, stride), reprise.avg_pool2d(x, kernel, stride)
            g = random.uniform(-1, 1, most.shape).astype(np.float32)
            to_most, to_mean = np.zeros(shape), np.zeros(shape)
            for oh, ow, rows, columns in windows(shape, *extents(kernel, stride)):
                window = x[:, rows, columns]
                maximum = window.max(axis=(1, 2), keepdims=True)
                given = g[:, oh : oh + 1, ow : ow + 1]
                np.testing.assert_array_equal(most[:, oh, ow], maximum[:, 0, 0])
                np.testing.assert_allclose(mean[:, oh, ow], window.mean(axis=(1, 2)), rtol=1e-6)
                to_most[:, rows, columns] += given * (window == maximum)
                to_mean[:, rows, columns] += given / window[0, :, :, 0].size
            back = reprise.max_pool2d_backward(g, x, kernel, stride)
            np.testing.assert_allclose(back, to_most, rtol=1e-5, atol=1e-6)
            back = reprise.avg_pool2d_backward(g, x, kernel, stride)
            np.testing.assert_allclose(back, to_mean, rtol=1e-5, atol=1e-6)

    def test_threads_change_no_bit(self):
        x = np.random.default_rng(2).normal(size=(5, 9, 9, 3)).astype(np.float32)
        for pool in (reprise.max_pool2d, reprise.avg_pool2d):
            self.assert_same_bits(pool(x, 3, 2, "same", threads=3), pool(x, 3, 2, "same"))

    def test_options(self):
        x = np.ones((1, 3, 3, 1), np.float32)
        self.assertEqual(reprise.max_pool2d(x).shape, (1, 1, 1, 1))
        self.assertEqual(reprise.max_pool2d(x, rounding="ceil").shape, (1, 2, 2, 1))
        self.assertEqual(reprise.avg_pool2d(x, padding=1)[0, 0, 0, 0], 1)
        self.assertEqual(reprise.avg_pool2d(x, padding=1, count_include_padding=True)[0, 0, 0, 0], 0.25)
        one = np.ones((1, 1, 1, 1), np.float32)
        first = reprise.max_pool2d_backward(one, x, 3)
        self.assertEqual((first[0, 0, 0, 0], first.sum()), (1, 1))
        self.assertEqual(reprise.max_pool2d_backward(one, x, 3, ties="all").sum(), 9)
        padded = reprise.avg_pool2d_backward(np.ones((1, 2, 2, 1)), x, padding=1, count_include_padding=True)
        self.assertEqual(padded.sum(), 9 / 4)

    def test_results_own_their_memory(self):
        x = np.ones((1, 4, 4, 2), np.float32)
        y = reprise.max_pool2d(x)
        for result in (y, reprise.avg_pool2d(x), reprise.max_pool2d_backward(y, x)):
            self.assertTrue(result.flags.owndata and result.flags.writeable)


if __name__ == "__main__":
    unittest.main()
