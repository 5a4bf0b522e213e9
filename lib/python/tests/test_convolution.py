"""conv2d and conv2d_backward on numpy arrays: values, bits, memory, threads, and the registry."""

import array
import itertools
import multiprocessing
import pickle
import sys
import threading
import unittest

from support import Oracle, TestCase
import numpy as np
import reprise
from reprise import _reprise

U = 2.0**-24
CASES = [
    # input, weight, options
    ((2, 7, 8, 3), (3, 3, 3, 4), {}),
    ((1, 9, 7, 4), (3, 2, 2, 6), dict(groups=2, padding="same", stride=2)),
    ((3, 8, 8, 1), (5, 5, 1, 6), dict(padding="keep_size")),
    ((2, 6, 9, 2), (2, 3, 2, 3), dict(stride=(3, 1), padding="keep_size", dilation=(2, 1))),
    ((1, 5, 5, 8), (1, 1, 8, 3), dict(padding=1)),
    ((2, 12, 12, 16), (3, 3, 16, 8), dict(padding="same")),
    ((2, 10, 10, 6), (3, 3, 1, 12), dict(groups=6, dilation=2)),
]


def operands(input, weight, options, seed=0):
    random = np.random.default_rng(seed)
    values = [random.uniform(-1, 1, size).astype(np.float32) for size in (input, weight, weight[-1:])]
    oracle = Oracle(values[0], values[1], **options)
    grad_output = random.uniform(-1, 1, (input[0], *oracle.out, weight[-1])).astype(np.float32)
    return (*values, grad_output, oracle)


class Values(TestCase):
    def check_bound(self, algorithm, shape, conv_pass, result, exact, magnitude, maxima):
        """|result - exact| within the declared bound, at the declared scale."""
        scale = magnitude if algorithm.error_scale == "elementwise" else maxima
        bound = algorithm.error_bound(shape, conv_pass) * U * scale + 1e-30
        self.assertTrue((np.abs(result - exact) <= bound).all(), (algorithm.name, shape, conv_pass))

    def test_every_algorithm_is_within_its_bound(self):
        for (input_shape, weight_shape, options), algorithm in itertools.product(
            CASES, reprise.conv_algorithms()
        ):
            shape = reprise.conv_shape(input_shape, weight_shape, **options)
            if algorithm.unsupported(shape) or algorithm.unsupported(shape, "grad_weight"):
                continue
            x, w, b, g, oracle = operands(input_shape, weight_shape, options)
            magnitudes = Oracle(abs(x), abs(w), **options)
            output = reprise.conv2d(x, w, b, **options, algorithm=algorithm.name)
            self.assertEqual(output.shape, (shape.N, shape.OH, shape.OW, shape.OC))
            of_x, of_w, _ = magnitudes.backward(abs(g))
            terms = np.prod(w.shape[:3])
            most = [abs(values).max() for values in (x, w, b, g)]
            self.check_bound(
                algorithm, shape, "forward", output, oracle.forward(b),
                magnitudes.forward(abs(b)), terms * most[0] * most[1] + most[2],
            )
            gradients = reprise.conv2d_backward(g, x, w, **options, algorithm=algorithm.name)
            exact = oracle.backward(g)
            terms = np.prod(w.shape[:2]) * shape.OC // shape.G
            self.check_bound(
                algorithm, shape, "grad_input", gradients.input, exact[0], of_x, terms * most[3] * most[1]
            )
            terms = shape.N * shape.OH * shape.OW
            self.check_bound(
                algorithm, shape, "grad_weight", gradients.weight, exact[1], of_w, terms * most[3] * most[0]
            )
            np.testing.assert_allclose(gradients.bias, exact[2], atol=1e-5)

    def test_the_reference_is_in_double(self):
        for input_shape, weight_shape, options in CASES:
            x, w, b, g, oracle = (
                values.astype(float) if isinstance(values, np.ndarray) else values
                for values in operands(input_shape, weight_shape, options)
            )
            output = reprise.conv2d_reference(x, w, b, **options, threads=2)
            np.testing.assert_allclose(output, oracle.forward(b), rtol=1e-12, atol=1e-12)
            gradients = reprise.conv2d_reference_backward(g, x, w, **options)
            for result, exact in zip(gradients, oracle.backward(g)):
                self.assertEqual(result.dtype, np.float64)
                np.testing.assert_allclose(result, exact, rtol=1e-12, atol=1e-12)

    def test_no_bias_is_zeros(self):
        x, w, b, _, _ = operands(*CASES[0])
        self.assert_same_bits(reprise.conv2d(x, w), reprise.conv2d(x, w, np.zeros(4)))

    def test_an_empty_batch(self):
        self.assertEqual(reprise.conv2d(np.zeros((0, 5, 5, 2)), np.zeros((3, 3, 2, 4))).shape, (0, 3, 3, 4))
        gradients = reprise.conv2d_backward(
            np.zeros((0, 3, 3, 4)), np.zeros((0, 5, 5, 2)), np.ones((3, 3, 2, 4))
        )
        self.assertEqual(gradients.input.shape, (0, 5, 5, 2))
        self.assertTrue((gradients.weight == 0).all() and (gradients.bias == 0).all())


class Bits(TestCase):
    def test_threads_change_no_bit(self):
        for case in CASES:
            x, w, b, g, _ = operands(*case)
            one = reprise.conv2d(x, w, b, **case[2], algorithm="auto")
            back = reprise.conv2d_backward(g, x, w, **case[2], algorithm="auto")
            for threads in (2, 3):
                self.assert_same_bits(reprise.conv2d(x, w, b, **case[2], algorithm="auto", threads=threads), one)
                more = reprise.conv2d_backward(g, x, w, **case[2], algorithm="auto", threads=threads)
                for a, b_ in zip(more, back):
                    self.assert_same_bits(a, b_)

    def test_every_form_of_the_same_numbers_gives_the_same_bits(self):
        x, w, b, _, _ = operands(*CASES[0])
        expected = reprise.conv2d(x, w, b)
        backwards = np.ascontiguousarray(x[:, ::-1])[:, ::-1]
        every_second = np.repeat(x, 2, axis=2)[:, :, ::2]
        unaligned = np.frombuffer(b"." + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape)
        self.assertFalse(unaligned.flags.aligned)
        read_only = x.copy()
        read_only.flags.writeable = False
        buffer = memoryview(array.array("f", x.ravel())).cast("B").cast("f", x.shape)
        for form in (
            x.astype(np.float64), x.astype(">f4"), np.asfortranarray(x), backwards, every_second,
            unaligned, read_only, buffer, x.tolist(), OnlyDlpack(x),
        ):
            self.assert_same_bits(reprise.conv2d(form, w, b), expected)

    def test_float16_integers_and_booleans(self):
        for dtype in (np.float16, np.int64, np.uint8, bool):
            x = np.arange(25).reshape(1, 5, 5, 1).astype(dtype)
            w = np.ones((2, 2, 1, 1), dtype)
            self.assert_same_bits(reprise.conv2d(x, w), reprise.conv2d(x.astype(np.float32), w.astype(np.float32)))


class OnlyDlpack:
    """A tensor of another library: no array, no buffer, only DLPack."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, stream=None):
        return self.values.__dlpack__()

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class Memory(TestCase):
    def test_a_float32_array_in_c_order_is_read_in_place(self):
        x = np.ones((2, 3, 4, 5), np.float32)
        self.assertEqual(_reprise.data_address(x), x.ctypes.data)
        self.assertEqual(_reprise.data_address(x[1:]), x[1:].ctypes.data)
        self.assertEqual(_reprise.data_address(OnlyDlpack(x)), x.ctypes.data)
        for other in (x.astype(float), x[:, ::-1], x.transpose(0, 3, 2, 1)):
            self.assertNotEqual(_reprise.data_address(other), other.ctypes.data)

    def test_results_own_their_memory(self):
        x, w, b, g, _ = operands(*CASES[0])
        for result in (reprise.conv2d(x, w, b), *reprise.conv2d_backward(g, x, w)):
            self.assertTrue(result.flags.owndata and result.flags.writeable and result.flags.c_contiguous)
            self.assertEqual(result.dtype, np.float32)

    def test_arguments_are_left_as_they_are(self):
        arrays = operands(*CASES[1])[:4]
        x, w, b, g = arrays
        before = [values.copy() for values in arrays]
        counts = [sys.getrefcount(values) for values in arrays]
        reprise.conv2d(x, w, b, **CASES[1][2])
        reprise.conv2d_backward(g, x, w, **CASES[1][2])
        self.assertEqual([sys.getrefcount(values) for values in arrays], counts)
        for values, copy in zip(arrays, before):
            self.assert_same_bits(values, copy)


class Threads(TestCase):
    def test_other_python_threads_run_meanwhile(self):
        counted, stop = [0], threading.Event()

        def count():
            while not stop.is_set():
                counted[0] += 1

        counter = threading.Thread(target=count)
        counter.start()
        try:
            x, w = np.ones((4, 64, 64, 16)), np.ones((5, 5, 16, 16))
            before = counted[0]
            reprise.conv2d_reference(x, w)  # some 0.1 s
            meanwhile = counted[0] - before
        finally:
            stop.set()
            counter.join()
        self.assertGreater(meanwhile, 1000)

    def test_many_python_threads_at_once(self):
        x, w, b, _, _ = operands(*CASES[5])
        expected = reprise.conv2d(x, w, b, threads=2)
        results = [None] * 8

        def run(i):
            results[i] = [reprise.conv2d(x, w, b, threads=1 + i % 3) for _ in range(20)]

        threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for result in itertools.chain(*results):
            self.assert_same_bits(result, expected)

    def test_a_forked_process_computes_the_same(self):
        x, w, b, _, _ = operands(*CASES[5])
        expected = reprise.conv2d(x, w, b, threads=2)
        with multiprocessing.get_context("fork").Pool(1) as pool:
            result = pool.apply_async(_with_two_threads, (x, w, b)).get(timeout=60)
        self.assert_same_bits(result, expected)


def _with_two_threads(x, w, b):
    return reprise.conv2d(x, w, b, threads=2)


class Registry(TestCase):
    def test_every_algorithm_says_what_it_is(self):
        algorithms = reprise.conv_algorithms()
        names = [algorithm.name for algorithm in algorithms]
        for name in ("naive", "direct", "fft", "winograd", "auto"):
            self.assertIn(name, names)
        for algorithm in algorithms:
            self.assertIn(algorithm.reproducibility, ("portable", "machine"))
            self.assertTrue(algorithm.summary)
            if algorithm.reproducibility == "portable":
                self.assertFalse(algorithm.threads_may_show)
        fft = next(algorithm for algorithm in algorithms if algorithm.name == "fft")
        self.assertEqual((fft.finite_only, fft.max_magnitude), (True, 2.0**24))
        shape = reprise.conv_shape("mb16ic16ih12oc8oh12kh3ph1")
        self.assertGreater(fft.workspace_bytes(shape), 0)
        self.assertGreater(fft.workspace_bytes(shape, "grad_weight", threads=2), 0)
        self.assertEqual(fft.unsupported(shape), "")
        winograd = next(algorithm for algorithm in algorithms if algorithm.name == "winograd")
        self.assertNotEqual(winograd.unsupported("ic4ih9oc4kh3sh2"), "")

    def test_auto_is_resolved_by_the_shape_of_one_image(self):
        line = "ic256ih13oc384oh13kh3ph1"
        names = {reprise.resolve("auto", f"mb{n}" + line) for n in (1, 16, 1000)}
        self.assertEqual(len(names), 1)
        self.assertNotIn("auto", names)
        self.assertEqual(reprise.resolve("naive", line, "grad_input"), "naive")

    def test_a_shape(self):
        shape = reprise.conv_shape((128, 28, 28, 1), (5, 5, 1, 6), padding="same")
        self.assertEqual((shape.OH, shape.OW, shape.pad_top, shape.OC), (28, 28, 2, 6))
        self.assertEqual(reprise.conv_shape(shape.line), shape)
        self.assertEqual(pickle.loads(pickle.dumps(shape)), shape)
        self.assertEqual(len({shape, reprise.conv_shape(shape.line)}), 1)
        self.assertEqual(eval(repr(shape)), shape)
        self.assertEqual(shape.flops, 2 * 128 * 28 * 28 * 6 * 25)


if __name__ == "__main__":
    unittest.main()
