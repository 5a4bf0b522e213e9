"""Whatever a public function is given, it returns a right result or raises a TypeError, ValueError or
MemoryError of one line; seeded, so that a failure is found again.

    test_properties.py [CALLS [SEED]]
"""

import inspect
import os
import resource
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

from support import TestCase, same_bits
import numpy as np
import reprise
from reprise import holberton, layers, losses, models, optimizers

CALLS, SEED = 1500, 1
SANITIZED = "REPRISE_SANITIZED" in os.environ
ONE_LINE = (TypeError, ValueError, MemoryError)
NOT_OURS = ("incompatible function", "incompatible constructor", "Unable to cast", "_M_", "basic_string")
FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"


def limit_memory():
    """At most 2 GiB more than there is now; AddressSanitizer maps more than any limit."""
    if SANITIZED:
        return
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**31, used + 2**31))


class Indexed:
    def __index__(self):
        return 2


class Broken:
    def __index__(self):
        raise ZeroDivisionError

    __array__ = __float__ = __len__ = __index__


def strange_values(random):
    """Values of all kinds, for options and arrays alike."""
    x = random.normal(size=(2, 6, 5, 4)).astype(np.float32)
    read_only = x.copy()
    read_only.flags.writeable = False
    structured = np.zeros(3, [("a", "f4")])
    values = [
        None, True, False, 0, 1, 2, 3, -1, 7, 2**31 - 1, 2**31, 2**32 + 1, 2**63, 2**64, -(2**70), 1.5, 0.0, -2.0,
        float("nan"), float("inf"), -float("inf"), 1e308, 1 + 2j, "", "same", "valid", "keep_size", "ceil", "first",
        "auto", "fft", "winograd", "x\0y", "\ud800", "a\nb", b"same", (), (1,), (1, 2), (2, 0), (1, -1), (1, 2, 3), [2, 1],
        ("a", 1), ((1, 2), (3, 4)), ((1, 2), 3), ((1,), (2,)), {}, {"a": 1}, set(), object(), len, Indexed(),
        np.int64(2), np.float32(2), np.uint8(255), np.array(2), np.array([1, 2]), np.bool_(True), np.datetime64("2020"),
        # arrays
        x, x[0], x[..., 0], x[:, ::-1], x[::-1, :, ::-2], x.transpose(3, 1, 2, 0), np.asfortranarray(x), read_only,
        x.astype(">f4"), x.astype(np.float16), x.astype(int), x > 0, x.astype(complex), x.astype(object), x.astype(str),
        x[:0], x[:, :0], x[..., :0], np.zeros((0, 0, 0, 0)), np.zeros(()), x * np.float32("nan"), x * np.float32("inf"),
        x.astype(float) * 1e300, x.tolist(), [[1, 2], [3]], structured, np.ma.masked_array(x, x > 0), memoryview(x),
        np.broadcast_to(np.float32(1), (2**20, 2**13, 2**13, 4)), np.broadcast_to(np.float32(1), (2, 6, 5, 4)),
        np.broadcast_to(np.uint8(1), (2**20, 2**20)), np.zeros((2, 6, 5, 4), np.uint8), np.eye(3), np.arange(3) - 1,
        np.full(3, 300), np.array([0, 1, 2], np.uint64) + 2**63, Broken(),
    ]
    # AddressSanitizer ends where new has no memory.
    return [v for v in values if not (SANITIZED and isinstance(v, np.ndarray) and v.size > 2**30)]


def calls(random):
    """Each public function with arguments that make sense."""
    x, g = (random.normal(size=s).astype(np.float32) for s in ((2, 6, 5, 4), (2, 4, 3, 6)))
    w, b = (random.normal(size=s).astype(np.float32) for s in ((3, 3, 2, 6), (6,)))
    pooled, z = x[:, ::2, ::2][:, :3, :2], random.normal(size=(3, 5)).astype(np.float32)
    conv = dict(stride=1, padding="valid", dilation=1, groups=2, threads=1)
    window = dict(kernel=2, stride=None, padding="valid", rounding="floor", dilation=1, threads=1)
    targets = dict(labels=np.array([0, 4, 2]), class_weights=None, ignored_label=None)
    image = random.integers(0, 256, (6, 8, 9, 1), np.uint8)
    labels = np.arange(6) % 3
    chain = [layers.Conv2d(2, 3), layers.ReLU(), layers.Flatten(), layers.Dense(3)]
    model = models.Sequential(chain, (8, 9, 1))
    course = dict(A_prev=x.astype(float), W=random.normal(size=(3, 3, 4, 2)), b=np.zeros((1, 1, 1, 2)), stride=(1, 1))
    shape = reprise.conv_shape(x.shape, w.shape, groups=2)
    algorithm = reprise.conv_algorithms()[0]
    built = layers.Conv2d(2, 3)
    built.build((6, 5, 4))
    placeholder = holberton.placeholder(np.float32, (None, 28, 28, 1))
    fitting = dict(epochs=1, batch_size=3, validation_data=None, threads=1, verbose=0, callbacks=(), learning_rate=0.01)
    return {
        reprise.conv2d: dict(input=x, weight=w, bias=b, algorithm="auto", **conv),
        reprise.conv2d_backward: dict(grad_output=g, input=x, weight=w, algorithm="direct", **conv),
        reprise.conv2d_reference: dict(input=x, weight=w, bias=b, **conv),
        reprise.conv2d_reference_backward: dict(grad_output=g, input=x, weight=w, **conv),
        reprise.max_pool2d: dict(input=x, **window),
        reprise.max_pool2d_backward: dict(grad_output=pooled, input=x, ties="first", **window),
        reprise.avg_pool2d: dict(input=x, count_include_padding=False, **window),
        reprise.avg_pool2d_backward: dict(grad_output=pooled, input=x, count_include_padding=True, **window),
        reprise.conv_shape: dict(input=x.shape, weight=w.shape, stride=1, padding="same", dilation=1, groups=2),
        reprise.resolve: dict(algorithm="auto", shape=shape, conv_pass="forward"),
        algorithm.error_bound: dict(shape=shape, conv_pass="forward"),
        algorithm.unsupported: dict(shape=shape, conv_pass="forward"),
        algorithm.workspace_bytes: dict(shape=shape, conv_pass="forward", threads=1),
        reprise.digest: dict(what=x),
        reprise.load_dataset: dict(folder=str(FIXTURES / "fashion-mnist"), holdout=0),
        reprise.open: dict(path="/nowhere", no_checksum=False, unconfined=False),
        reprise.compare: dict(a="/nowhere", b="/nowhere", most=20),
        reprise.verify: dict(record="/nowhere", data=None, epochs=0, threads=1),
        losses.softmax_cross_entropy: dict(logits=z, label_smoothing=0.1, **targets),
        losses.softmax_cross_entropy_backward: dict(probabilities=z, label_smoothing=0.1, scale=0.5, **targets),
        losses.log_softmax: dict(logits=z),
        losses.log_softmax_backward: dict(log_probabilities=z, grad_output=z),
        losses.negative_log_likelihood: dict(log_probabilities=z, **targets),
        losses.negative_log_likelihood_backward: dict(log_probabilities=z, scale=0.5, **targets),
        losses.target_weight: dict(scores=z, **targets),
        optimizers.SGD: dict(learning_rate=0.1, momentum=0.5, weight_decay=0.1),
        optimizers.Nesterov: dict(learning_rate=0.1, momentum=0.5, weight_decay=0.1),
        optimizers.Adam: dict(learning_rate=0.1, beta1=0.9, beta2=0.99, epsilon=1e-7),
        optimizers.RMSProp: dict(learning_rate=0.1, beta2=0.9, momentum=0.5, epsilon=1e-7),
        optimizers.Adagrad: dict(learning_rate=0.1, epsilon=1e-7),
        optimizers.Adam().step: dict(parameters=[z], gradients=[z], threads=1),
        layers.Conv2d: dict(filters=2, kernel=3, stride=1, padding="same", dilation=1, groups=1, algorithm="auto",
                            weight="he_normal", bias=("constant", 1.0), name="c", seed=1),
        layers.LocallyConnected2d: dict(filters=2, kernel=3, stride=1, padding="same", weight="zeros", bias="zeros"),
        layers.PartialConv2d: dict(connections=[[0], [0, 1]], kernel=2, algorithm="direct", weight="zeros"),
        layers.MaxPool2d: dict(kernel=2, stride=2, padding=1, rounding="ceil", ties="all", dilation=1),
        layers.AvgPool2d: dict(kernel=2, stride=2, padding=1, rounding="ceil", count_include_padding=True),
        layers.Subsampling: dict(weight="zeros", bias="zeros", name="s", seed=1),
        layers.Dense: dict(units=3, weight="he_normal", bias="zeros", name="d", seed=1),
        layers.RBF: dict(codes=np.eye(3), name="r", seed=1),
        layers.Flatten: dict(name="f", seed=1),
        layers.ReLU: dict(name="r", seed=1),
        layers.Tanh: dict(amplitude=1.7, slope=0.7, name="t", seed=1),
        layers.LocalResponseNormalization: dict(n=5, k=2.0, alpha=1e-4, beta=0.75, within_maps=False),
        layers.Dropout: dict(rate=0.5, name="d", seed=1),
        layers.Rescale: dict(low=0.0, high=1.0, padding=1),
        layers.Conv2d(2, 3).build: dict(input_shape=(6, 5, 4)),
        built.forward: dict(x=x, training=True, step=1, first_image=1, threads=1),
        built.backward: dict(grad_output=built(x), x=x, output=None, training=True, step=1, first_image=1, threads=1),
        built.set_weights: dict(weights=built.get_weights()),
        models.Sequential: dict(layers=chain, image=(8, 9, 1), seed=1),
        **{getattr(models, name): dict(image=(24, 24, 3), classes=3, seed=1, conv_algorithm="auto", dropout=0.0)
           for name in models.__all__ if name not in ("History", "Model", "Sequential", "load_dataset", "lenet5_1998", "alexnet", "alexnet_as_coded")},
        models.lenet5_1998: dict(image=(28, 28, 1), classes=10),
        models.alexnet: dict(image=(67, 67, 1), classes=2, width=16),
        models.alexnet_as_coded: dict(image=(67, 67, 1), classes=2),
        model.fit: dict(x=image, y=labels, **fitting),
        models.lenet5((8, 9, 1), 3, pooling="average", pool_kernel=2, without="conv2").fit: dict(x=image, y=labels, **fitting),
        model.evaluate: dict(x=image, y=labels, threads=1),
        model.predict: dict(x=image, logits=False, threads=1),
        model.set_weights: dict(weights=model.get_weights()),
        model.save_weights: dict(path="/nowhere/x.npz", format=None, force=False),
        model.load_weights: dict(path="/nowhere/x.npz", no_checksum=False, unconfined=False),
        model.export: dict(path="/nowhere/x.onnx", force=False),
        holberton.conv_forward: dict(activation=np.tanh, padding="same", **course),
        holberton.conv_backward: dict(dZ=np.ones((2, 6, 5, 2)), padding="same", **course),
        holberton.pool_forward: dict(A_prev=x.astype(float), kernel_shape=(2, 2), stride=(2, 2), mode="max"),
        holberton.pool_backward: dict(dA=np.ones((2, 3, 2, 4)), A_prev=x.astype(float), kernel_shape=(2, 2), stride=(2, 2), mode="avg"),
        holberton.lenet5: dict(x=placeholder, y=holberton.one_hot(holberton.placeholder(np.int32, (None,)), 10), seed=1, threads=1),
        holberton.placeholder: dict(dtype=np.float32, shape=(None, 2), name="p"),
        holberton.Input: dict(shape=(2, 3), name="i"),
        holberton.one_hot: dict(labels=holberton.placeholder(np.int32, (None,)), depth=3),
    }


# Many epochs or a large image are no mistake, but take too long.
TOO_LONG = {"epochs", "image", "classes", "depth"}


def is_large(value):
    sizes = value if isinstance(value, (tuple, list)) else [value]
    return any(isinstance(size, (int, np.integer)) and 40 < size < 2**31 for size in sizes)


def public_functions():
    for module in (reprise, losses, layers, optimizers, models, holberton):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isfunction(thing) and thing is not reprise.conv_algorithms:
                yield thing
            elif inspect.isclass(thing) and issubclass(thing, (layers.Layer, optimizers.Optimizer)):
                if thing not in (layers.Layer, optimizers.Optimizer):
                    yield thing


class Properties(TestCase):
    @classmethod
    def setUpClass(cls):
        limit_memory()
        warnings.simplefilter("ignore")

    def test_all_public_functions_are_called(self):
        here = set(calls(np.random.default_rng(SEED)))
        self.assertEqual([function for function in public_functions() if function not in here], [])

    def test_arguments_that_make_sense_do(self):
        for function, arguments in calls(np.random.default_rng(SEED)).items():
            with self.subTest(function):
                try:
                    function(**arguments)
                except ValueError as error:
                    self.assertIn("/nowhere", str(error))

    def test_strange_arguments_are_computed_or_refused_in_one_line(self):
        random = np.random.default_rng(SEED)
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)  # nothing here is a file that a text could name
            refused = 0
            for number in range(CALLS):
                if number % 100 == 0:
                    table, strange = calls(random), strange_values(random)
                function = list(table)[number % len(table)]
                arguments = dict(table[function])
                for name in random.choice(list(arguments), min(len(arguments), 1 + number % 2), replace=False):
                    value = strange[random.integers(len(strange))]
                    if name in TOO_LONG and is_large(value):
                        continue
                    arguments[name] = value
                refused += self.check(number, function, arguments)
            self.assertGreater(refused, CALLS // 3)

    def check(self, number, function, arguments):
        with self.subTest(call=number, function=function):
            try:
                function(**arguments)
            except ONE_LINE as error:
                text = str(error)
                self.assertNotIn("\n", text)
                self.assertTrue(text)
                for part in NOT_OURS:
                    self.assertNotIn(part, text)
                return True
            except ZeroDivisionError:
                return True  # Broken's own
        return False

    def test_any_view_gives_the_bits_of_its_copy(self):
        random = np.random.default_rng(SEED)
        for _ in range(60):
            base = random.normal(size=random.integers(5, 9, 4)).astype(random.choice(["f4", "f8", "f2", ">f4", "i2"]))
            view = base.transpose(random.permutation(4))
            view = view[tuple(slice(None, None, int(step)) for step in random.choice([1, -1, 2, -2], 4))]
            copy = np.array(view, np.float32, order="C")
            weight = random.normal(size=(2, 2, view.shape[3], 3))[:, ::-1]
            pairs = (
                (reprise.conv2d(view, weight), reprise.conv2d(copy, weight.astype(np.float32).copy())),
                (reprise.max_pool2d(view), reprise.max_pool2d(copy)),
                (reprise.avg_pool2d(view), reprise.avg_pool2d(copy)),
                (layers.Tanh()(view), layers.Tanh()(copy)),
                (reprise.conv2d_backward(reprise.conv2d(copy, weight)[:, ::-1], view, weight).weight,
                 reprise.conv2d_backward(reprise.conv2d(copy, weight)[:, ::-1].copy(), copy, weight).weight),
            )
            for one, other in pairs:
                self.assertTrue(same_bits(one, other))


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    CALLS, SEED = numbers + [CALLS, SEED][len(numbers):]
    unittest.main(argv=[argument for argument in sys.argv if not argument.isdigit()])
