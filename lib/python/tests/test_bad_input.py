"""Arguments that make no sense: each is an exception of one line, and nothing is computed."""

import os
import subprocess
import sys
import unittest

from support import TestCase
import numpy as np
import reprise
from reprise import holberton

X = np.ones((2, 6, 6, 4), np.float32)
W = np.ones((3, 3, 4, 8), np.float32)
B = np.ones(8, np.float32)
G = np.ones((2, 4, 4, 8), np.float32)
MASKED = np.ma.masked_array(X, mask=X > 0)
POOLED = np.ones((2, 3, 3, 4), np.float32)


class Broken:
    def __array__(self, *_):
        raise RuntimeError("two\nlines")


def conv(input=X, weight=W, bias=B, **options):
    return lambda: reprise.conv2d(input, weight, bias, **options)


CASES = [
    # arrays
    (conv(input=X[0]), ValueError, "input of shape 6x6x4", "N,IH,IW,IC"),
    (conv(input=np.float32(1)), ValueError, "input of shape ()"),
    (conv(weight=B), ValueError, "weight of shape 8", "KH,KW,IC/G,OC"),
    (conv(bias=W), ValueError, "bias of shape 3x3x4x8", "the axes OC"),
    (conv(bias=np.ones(7)), ValueError, "bias of shape 7", "expected 8"),
    (conv(input=X.astype(object)), TypeError, "input", "dtype object"),
    (conv(input=X.astype(complex)), TypeError, "dtype complex128"),
    (conv(input=X.astype(np.longdouble)), TypeError, "longdouble" if np.longdouble is np.float64 else "float128"),
    (conv(input=np.full((1, 6, 6, 4), "1")), TypeError, "dtype <U1"),
    (conv(input=np.zeros(4, [("a", "f4")])), TypeError, "dtype [('a', '<f4')]"),
    (conv(input=X.astype("M8[s]")), TypeError, "datetime64"),
    (conv(input=None), TypeError, "input: None"),
    (conv(input="image.png"), TypeError, "dtype <U9"),
    (conv(input=[[1, 2], [3]]), TypeError, "input: list", "numpy makes no array"),
    (conv(input=Broken()), TypeError, "two\\nlines"),
    (conv(input=MASKED), TypeError, "a masked array"),
    (conv(weight=np.ones((3, 3, 5, 8))), ValueError, "2x6x6x4", "3x3x5x8", "3x3x4x8"),
    (conv(input=np.ones((2, 0, 6, 4))), ValueError, "IH = 0", "1 or more"),
    (conv(weight=np.ones((3, 3, 4, 0)), bias=None), ValueError, "OC = 0"),
    (conv(weight=np.ones((7, 3, 4, 8))), ValueError, "a kernel of height 7"),
    # options
    (conv(stride=0), ValueError, "stride = 0", "1 or more"),
    (conv(stride=-1), ValueError, "stride = -1"),
    (conv(stride=(1, -2)), ValueError, "stride width = -2"),
    (conv(stride=float("nan")), TypeError, "stride = nan", "an integer"),
    (conv(stride=float("inf")), TypeError, "stride = inf"),
    (conv(stride=1.0), TypeError, "stride = 1.0"),
    (conv(stride=(1, 1.5)), TypeError, "stride width = 1.5"),
    (conv(stride=(1, 2, 3)), TypeError, "stride = (1, 2, 3)"),
    (conv(stride="2"), TypeError, "stride = '2'"),
    (conv(stride=None), TypeError, "stride = None"),
    (conv(stride=np.array([1, 2, 3])), TypeError, "stride = array([1, 2, 3])", "a pair of integers"),
    (conv(stride=np.array([1.0, 2.0])), TypeError, "stride height = ", "an integer"),
    (conv(stride=np.ones((2, 2), int)), TypeError, "stride height = array([1, 1])", "an integer"),
    (conv(padding=np.array([1, 2, 3])), TypeError, "padding = array([1, 2, 3])"),
    (conv(threads=np.array([1, 2])), TypeError, "threads = array([1, 2])", "an integer"),
    (conv(groups=np.array([1, 2])), TypeError, "groups = array([1, 2])", "an integer"),
    (conv(stride=2**31), ValueError, "stride_h = 2147483648", "2^31"),
    (conv(stride=2**80), ValueError, "stride = 1208925819614629174706176", "2^31"),
    (conv(stride=-(2**80)), ValueError, "stride = -1208925819614629174706176"),
    (conv(dilation=0), ValueError, "dilation = 0"),
    (conv(dilation=3), ValueError, "leaves no output"),
    (conv(groups=3), ValueError, "IC = 4 in 3 groups"),
    (conv(groups=0), ValueError, "groups = 0"),
    (conv(groups="2"), TypeError, "groups = '2'"),
    (conv(padding="full"), ValueError, "padding = 'full'", "keep_size"),
    (conv(padding=-1), ValueError, "padding = -1"),
    (conv(padding=((1, 2), (3, -4))), ValueError, "padding = -4"),
    (conv(padding=1.5), TypeError, "padding = 1.5"),
    (conv(padding=(1, 2, 3, 4)), TypeError, "padding = (1, 2, 3, 4)"),
    (conv(padding=10**9), ValueError, "at most 2^40 elements"),
    (conv(algorithm="ftt"), ValueError, '"ftt"', "nearest is fft"),
    (conv(algorithm=3), TypeError, "algorithm = 3", "a text"),
    (conv(algorithm="winograd", stride=2), ValueError, "winograd does not support forward"),
    (conv(input=X * np.float32("nan"), algorithm="fft"), ValueError, "nan"),
    (conv(threads=0), ValueError, "threads = 0"),
    (conv(threads=10**6), ValueError, "threads = 1000000", "1024"),
    (conv(threads="all"), TypeError, "threads = 'all'"),
    (conv(threads=2.0), TypeError, "threads = 2.0"),
    # other functions
    (lambda: reprise.conv2d_backward(G[:1], X, W), ValueError, "grad_output of shape 1x4x4x8", "2x4x4x8"),
    (lambda: reprise.conv2d_backward(None, X, W), TypeError, "grad_output: None"),
    (lambda: reprise.conv2d_backward(G, X, W, algorithm=""), ValueError, "convolution algorithm"),
    (lambda: reprise.conv2d_reference(X, W[0]), ValueError, "conv2d_reference: weight of shape"),
    (lambda: reprise.conv2d_reference_backward(G, X, W, stride=2), ValueError, "2x2x2x8"),
    (lambda: reprise.max_pool2d(X[0]), ValueError, "max_pool2d: input of shape 6x6x4"),
    (lambda: reprise.max_pool2d(X, 0), ValueError, "kernel = 0"),
    (lambda: reprise.max_pool2d(X, 7), ValueError, "a window of height 7"),
    (lambda: reprise.max_pool2d(X, 2, 0.5), TypeError, "stride = 0.5"),
    (lambda: reprise.max_pool2d(X, rounding="up"), ValueError, 'rounding = "up"', "floor or ceil"),
    (lambda: reprise.max_pool2d_backward(POOLED, X, 3), ValueError, "2x3x3x4", "2x2x2x4"),
    (lambda: reprise.max_pool2d_backward(POOLED, X, ties="some"), ValueError, 'ties = "some"'),
    (lambda: reprise.avg_pool2d(X, count_include_padding=1), TypeError, "True or False"),
    (lambda: reprise.avg_pool2d(X, padding=10**9), ValueError, "at most 2^40 elements"),
    (lambda: reprise.avg_pool2d_backward(X, X), ValueError, "grad_output of shape 2x6x6x4"),
    (lambda: reprise.conv_shape("ic3ih"), ValueError, "ic3ih"),
    (lambda: reprise.conv_shape(3), TypeError, "line = 3"),
    (lambda: reprise.conv_shape((1, 2, 3), (1, 1, 3, 1)), TypeError, "input = (1, 2, 3)", "four integers"),
    (lambda: reprise.conv_shape((1, 2, 3, -4), (1, 1, 3, 1)), ValueError, "input = -4"),
    (lambda: reprise.resolve("auto", 3), TypeError, "shape: int"),
    (lambda: reprise.resolve("auto", "ic3ih9oc4kh3", "back"), ValueError, '"back"', "grad_weight"),
    (lambda: holberton.conv_forward(X, W, B, abs), ValueError, "b", "(1, 1, 1, c_new)"),
    (lambda: holberton.conv_forward(X, W, B.reshape(1, 1, 1, 8), "relu"), TypeError, "activation = 'relu'"),
    (lambda: holberton.conv_forward(X, W, B.reshape(1, 1, 1, 8), abs, "full"), ValueError, "padding = 'full'"),
    (lambda: holberton.conv_backward(G, X, W, np.ones((1, 1, 1, 7)), "valid"), ValueError, "(1, 1, 1, 7)"),
    (lambda: holberton.pool_forward(X, (2, 2), mode="min"), ValueError, "mode = 'min'"),
    (lambda: holberton.pool_forward(X.astype(float), (9, 2)), ValueError, "a window of height 9"),
    (lambda: holberton.pool_forward(X.astype(float), (2, 2), (0, 1)), ValueError, "stride height = 0"),
    (lambda: holberton.pool_backward(X.astype(float), X, (2, 2)), ValueError, "(2, 5, 5, 4)"),
    (lambda: holberton.pool_backward(X, None, (2, 2)), TypeError, "A_prev: None"),
]


class BadInput(TestCase):
    def test_each_is_one_line(self):
        for call, exception, *parts in CASES:
            with self.subTest(parts=parts), self.assert_line(exception, *parts):
                call()

    def test_arrays_of_two_integers_are_pairs(self):
        pairs = dict(stride=(1, 2), dilation=(2, 1), padding=(0, 1))
        expected = reprise.conv2d(X, W, **pairs)
        for kind in (list, np.array, lambda pair: np.array(pair, np.uint8)):
            self.assert_same_bits(
                reprise.conv2d(X, W, **{name: kind(pair) for name, pair in pairs.items()}), expected
            )
        sides = ((1, 0), (0, 2))
        self.assert_same_bits(reprise.conv2d(X, W, padding=np.array(sides)), reprise.conv2d(X, W, padding=sides))

    def test_an_interrupt_of_a_conversion_is_passed_on(self):
        class Interrupted:
            def __array__(self, *_):
                raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            reprise.conv2d(Interrupted(), W)


# In a process of its own with 1 GiB more than it has: arrays that do not fit.
TOO_LARGE = """
import resource, numpy as np, reprise
from reprise import _reprise
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, used + 2**30))
x, w = np.ones((1, 3, 3, 1), np.float32), np.ones((3, 3, 1, 1), np.float32)
large = np.broadcast_to(np.float32(1), (1, 2**15, 2**14, 1))
for call in (
    lambda: reprise.conv2d(x, w, padding=20000),
    lambda: reprise.conv2d_reference(x, w, padding=20000),
    lambda: reprise.conv2d(large, w),
    lambda: reprise.max_pool2d(large),
    lambda: reprise.avg_pool2d(x, 1, 1, padding=20000),
    lambda: reprise.conv2d(x, np.broadcast_to(np.float32(1), (1, 1, 1, 2**30))),
):
    try:
        call()
        print("no error")
    except MemoryError as error:
        print(error)
"""


@unittest.skipIf("REPRISE_SANITIZED" in os.environ, "AddressSanitizer ends where new has no memory")
class TooLarge(TestCase):
    def test_what_memory_does_not_hold_is_a_memory_error(self):
        result = subprocess.run([sys.executable, "-c", TOO_LARGE], capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = result.stdout.splitlines()
        self.assertEqual(len(lines), 6, lines)
        for line in lines:
            self.assertIn("cannot be allocated", line)
            self.assertIn("expected", line)


if __name__ == "__main__":
    unittest.main()
