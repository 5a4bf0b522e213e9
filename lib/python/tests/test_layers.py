"""Layers by themselves and as models: against PyTorch's golden values, numpy, and the library's models."""

import pickle
import unittest
from pathlib import Path

from support import TestCase, golden
import numpy as np
import reprise
from reprise import layers, models
from reprise.layers import Conv2d, Dense, Dropout, Flatten, MaxPool2d, ReLU

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
RANDOM = np.random.default_rng(1)
U = 2.0**-24


def uniform(*shape):
    return RANDOM.uniform(-1, 1, shape).astype(np.float32)


def lenet5(**of_convolutions):
    return [
        Conv2d(6, 5, padding="same", name="conv1", **of_convolutions), ReLU(), MaxPool2d(2),
        Conv2d(16, 5, name="conv2", **of_convolutions), ReLU(), MaxPool2d(2), Flatten(),
        Dense(120, name="dense1"), ReLU(), Dense(84, name="dense2"), ReLU(), Dense(10, name="dense3"),
    ]


class Golden(TestCase):
    def check(self, layer, values, bound):
        x, grad_output = (values[name].astype(np.float32) for name in ("input", "grad_output"))
        output = layer.forward(x)
        np.testing.assert_allclose(output, values["output"], rtol=bound, atol=bound)
        for given in (output, None):
            gradients = layer.backward(grad_output, x, given)
            np.testing.assert_allclose(gradients.input, values["grad_input"], rtol=bound, atol=bound)
        return gradients

    def test_layers_agree_with_pytorch(self):
        with golden("layers.h5") as file:
            lrn = layers.LocalResponseNormalization
            for name, layer in (
                ("relu", ReLU()), ("tanh", layers.Tanh()), ("scaled_tanh", layers.Tanh(1.7159, 2 / 3)),
                ("local_response_normalization", lrn()),
                ("local_response_normalization_few_channels", lrn()),
                ("local_response_normalization_other_options", lrn(n=3, k=1, alpha=0.5, beta=0.5)),
            ):
                with self.subTest(name):
                    self.check(layer, file[name], 20 * U)
            values = file["dense"]
            dense = Dense(7)
            self.assertEqual(dense.build((13,)), (7,))
            dense.set_weights([values["weight"], values["bias"]])
            gradients = self.check(dense, values, 40 * U)
            for result, name in zip(gradients.parameters, ("grad_weight", "grad_bias")):
                np.testing.assert_allclose(result, values[name], rtol=1e-5, atol=1e-5)

    def test_dilated_pooling_agrees_with_pytorch(self):
        with golden("pool2d.h5") as file:
            values = file["max_dilated"]
            window = dict(kernel=(2, 3), stride=(2, 1), padding=1, dilation=(3, 2))
            x, g = values["input"], values["grad_output"]
            np.testing.assert_array_equal(reprise.max_pool2d(x, **window), values["output"])
            result = reprise.max_pool2d_backward(g, x, **window)
            np.testing.assert_allclose(result, values["grad_input"], atol=1e-6)
            self.check(MaxPool2d(**window), values, 20 * U)


class OneByOne(TestCase):
    def test_a_layer_is_the_function_of_its_kind(self):
        x = uniform(3, 9, 8, 4)
        conv = Conv2d(6, (3, 2), stride=2, padding="same", groups=2, algorithm="auto")
        y = conv(x)
        weight, bias = conv.get_weights()
        self.assertEqual((weight.shape, conv.weight_names()), ((3, 2, 2, 6), ["weight", "bias"]))
        options = dict(stride=2, padding="same", groups=2, algorithm="auto")
        self.assert_same_bits(y, reprise.conv2d(x, weight, bias, **options))
        g = uniform(*y.shape)
        gradients, expected = conv.backward(g, x), reprise.conv2d_backward(g, x, weight, **options)
        self.assert_same_bits(gradients.input, expected.input)
        for one, other in zip(gradients.parameters, expected[1:]):
            self.assert_same_bits(one, other)
        pools = ((MaxPool2d(3, 2, ties="all"), reprise.max_pool2d(x, 3, 2)),
                 (layers.AvgPool2d(2, dilation=2), reprise.avg_pool2d(x, 2, dilation=2)))
        for layer, result in pools:
            self.assert_same_bits(layer(x), result)

    def test_gradients_agree_with_differences(self):
        codes = np.float32([[1, -1, 0], [0, 1, 1]])
        for layer, shape in (
            (layers.LocallyConnected2d(3, 2, stride=(1, 2)), (2, 4, 5, 2)),
            (layers.PartialConv2d([[0], [1], [0, 2]], 2), (2, 4, 4, 3)),
            (layers.Subsampling(("constant", 0.5), ("constant", 1)), (2, 4, 4, 2)),
            (layers.Rescale(-0.1, 1.175, 2), (2, 3, 3, 1)),
            (layers.LocalResponseNormalization(3, 1, 0.5, within_maps=True), (1, 4, 4, 2)),
            (layers.AvgPool2d(2, padding=1, count_include_padding=True), (1, 4, 4, 2)),
            (layers.RBF(codes), (4, 3)), (Dense(3), (4, 5)), (Flatten(), (2, 2, 3, 2)),
        ):
            x = uniform(*shape)
            y = layer(x)
            direction, g = uniform(*x.shape), uniform(*y.shape)
            gradients = layer.backward(g, x, y)
            step = 2.0**-6
            difference = (layer(x + step * direction).astype(float) - layer(x - step * direction)) / (2 * step)
            by_hand = (gradients.input * direction).sum(dtype=float)
            self.assertAlmostEqual((difference * g).sum(), by_hand, delta=2e-3 * (1 + abs(by_hand)), msg=layer)
            before = layer.get_weights()
            turns = [uniform(*w.shape) for w in before]
            ends = []
            for sign in (1, -1):
                layer.set_weights([w + sign * step * t for w, t in zip(before, turns)])
                ends.append(layer(x).astype(float))
            by_hand = sum((p * t).sum(dtype=float) for p, t in zip(gradients.parameters, turns))
            self.assertAlmostEqual(
                ((ends[0] - ends[1]) / (2 * step) * g).sum(), by_hand, delta=2e-3 * (1 + abs(by_hand)), msg=layer
            )

    def test_dropout_is_a_function_of_seed_name_step_and_place(self):
        x = np.ones((40, 50), np.float32)
        layer = Dropout(0.25, name="dropout1")
        self.assert_same_bits(layer(x), x)
        dropped = layer(x, training=True, step=3)
        self.assertLess(abs((dropped == 0).mean() - 0.25), 0.05)
        self.assertEqual(set(np.unique(dropped)), {np.float32(0), np.float32(1 / 0.75)})
        self.assert_same_bits(layer(x[10:], training=True, step=3, first_image=10), dropped[10:])
        self.assert_same_bits(layer.backward(x, x, training=True, step=3).input, dropped)
        for other in (Dropout(0.25, name="dropout2"), Dropout(0.25, name="dropout1", seed=2)):
            self.assertFalse(np.array_equal(other(x, training=True, step=3), dropped))
        self.assertFalse(np.array_equal(layer(x, training=True, step=4), dropped))

    def test_threads_pickle_and_repr(self):
        x = uniform(5, 12, 12, 3)
        layer = Conv2d(4, 3, algorithm="fft", name="c", seed=7)
        y = layer(x)
        self.assert_same_bits(layer(x, threads=3), y)
        self.assert_same_bits(pickle.loads(pickle.dumps(layer))(x), y)
        again = eval(repr(layer), vars(layers))
        again.seed = 7
        self.assert_same_bits(again(x), y)
        self.assertFalse(pickle.loads(pickle.dumps(ReLU())).get_weights())

    def test_an_empty_batch(self):
        self.assertEqual(Conv2d(2, 3)(np.zeros((0, 5, 5, 1))).shape, (0, 3, 3, 2))
        self.assertEqual(Dense(3)(np.zeros((0, 4))).shape, (0, 3))


class Sequential(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = reprise.load_dataset(FIXTURES / "fashion-mnist")
        cls.images, cls.labels = cls.data.train

    def test_lenet5_of_layers_trains_to_the_bits_of_lenet5(self):
        x, y = self.images[:70], self.labels[:70]
        options = dict(epochs=2, batch_size=30, optimizer="nesterov", learning_rate=0.02, lr_milestones="1",
                       block_size=7, verbose=False, validation_data=(self.images[70:90], self.labels[70:90]))
        named = models.lenet5(seed=3)
        chain = models.Sequential(lenet5(), (28, 28, 1), seed=3)
        for one, other in zip(named.get_weights(), chain.get_weights()):
            self.assert_same_bits(one, other)
        histories = [named.fit(x, y, **options), chain.fit(x, y, **options, threads=2)]
        self.assertEqual(histories[0].history, histories[1].history)
        for one, other in zip(named.get_weights(), chain.get_weights()):
            self.assert_same_bits(one, other)
        self.assert_same_bits(named.predict(x), chain.predict(x))
        self.assertEqual(named.evaluate(x, y), chain.evaluate(x, y, threads=2))
        copy = pickle.loads(pickle.dumps(chain))
        self.assert_same_bits(copy.predict(x), chain.predict(x))
        with self.assert_line(ValueError, "record: a run of a Sequential"):
            histories[1].record

    def test_outputs_that_are_not_flat(self):
        model = models.Sequential([Conv2d(2, 3)], (5, 6, 1))
        x = uniform(3, 5, 6, 1)
        weight, bias = model.get_weights()
        self.assert_same_bits(model.predict(x, logits=True), reprise.conv2d(x, weight, bias))
        with self.assert_line(ValueError, "logits=True"):
            model.predict(x)
        with self.assert_line(ValueError, "flat ones"):
            model.fit(x, [0, 1, 0], batch_size=3)

    def test_labels_beyond_a_byte_are_refused(self):
        model = models.Sequential([Flatten(), Dense(300)], (2, 2, 1))
        self.assertEqual(model.predict(uniform(3, 2, 2, 1)).shape, (3, 300))
        for call in (model.fit, model.evaluate):
            with self.assert_line(ValueError, "300 classes", "at most 256"):
                call(uniform(3, 2, 2, 1), [0, 299, 44])


X = np.ones((2, 6, 6, 3), np.float32)
CASES = [
    (lambda: Conv2d(0), ValueError, "Conv2d: filters = 0"),
    (lambda: Conv2d(2**31), ValueError, "filters", "2^31"),
    (lambda: Conv2d(4, kernel=(3, 0)), ValueError, "kernel width = 0"),
    (lambda: Conv2d(4, padding="all"), ValueError, "padding = 'all'"),
    (lambda: Conv2d(4, weight="he"), ValueError, "weight = 'he'", "glorot_uniform"),
    (lambda: Conv2d(4, weight=("normal", float("nan"))), ValueError, "nan", "a finite number"),
    (lambda: Conv2d(4, weight=("normal",)), TypeError, "weight = ('normal',)"),
    (lambda: Conv2d(4, weight="normal"), ValueError, "weight = 'normal'"),
    (lambda: Conv2d(4, algorithm="ftt"), ValueError, "nearest is fft"),
    (lambda: Conv2d(4, name=3), TypeError, "name = 3"),
    (lambda: Conv2d(4, seed=-1), ValueError, "seed = -1"),
    (lambda: Conv2d(4, seed="1"), TypeError, "seed = '1'"),
    (lambda: Conv2d(4)(X[0]), ValueError, "(6, 3)", "(H, W, C)"),
    (lambda: Conv2d(4)(X[:, :2]), ValueError, "a kernel of height 3"),
    (lambda: Conv2d(4)(X.astype(object)), TypeError, "dtype object"),
    (lambda: Conv2d(4, groups=2)(X), ValueError, "IC = 3 in 2 groups"),
    (lambda: Conv2d(4, stride=2, algorithm="winograd")(X), ValueError, "winograd does not support"),
    (lambda: Conv2d(4).build((2**31, 1, 1)), ValueError, "2^31"),
    (lambda: Conv2d(4).build((0, 1, 1)), ValueError, "(0, 1, 1)"),
    (lambda: Conv2d(4).build("abc"), TypeError, "'abc'"),
    (lambda: Dense(4)(X), ValueError, "flatten"),
    (lambda: Dense(2**30).build((2**30,)), ValueError, "Dense: weight", "2^40"),
    (lambda: layers.LocallyConnected2d(2**20, 1).build((2**10, 2**10, 2**10)), ValueError, "2^40"),
    (lambda: layers.Rescale(padding=2**30).build((4, 4, 4)), ValueError, "2^40"),
    (lambda: layers.PartialConv2d(3), TypeError, "connections = 3"),
    (lambda: layers.PartialConv2d([[0, 7]], 2)(X), ValueError, "below 3"),
    (lambda: layers.PartialConv2d([[-1]]), ValueError, "connections = -1"),
    (lambda: layers.RBF(np.ones((0, 3))), ValueError, "no codes"),
    (lambda: layers.RBF(np.ones((2, 3)))(np.ones((2, 4))), ValueError, "codes"),
    (lambda: layers.LocalResponseNormalization(n=4), ValueError, "4"),
    (lambda: layers.LocalResponseNormalization(n=257), ValueError, "257", "255"),
    (lambda: layers.LocalResponseNormalization(k=0), ValueError, "k"),
    (lambda: layers.LocalResponseNormalization(within_maps=1), TypeError, "within_maps = 1"),
    (lambda: Dropout(1.0), ValueError, "rate 1"),
    (lambda: Dropout("half"), TypeError, "rate = 'half'"),
    (lambda: MaxPool2d(ties="some"), ValueError, 'ties = "some"'),
    (lambda: MaxPool2d(7)(X), ValueError, "a window of height 7"),
    (lambda: MaxPool2d(2, dilation=0), ValueError, "dilation = 0"),
    (lambda: ReLU()(X, step=-1), ValueError, "step = -1"),
    (lambda: ReLU()(X, training=1), TypeError, "training = 1"),
    (lambda: ReLU().backward(X[:1], X), ValueError, "grad_output of shape 1x6x6x3"),
    (lambda: ReLU().backward(X, X, X[:, :5]), ValueError, "output of shape 2x5x6x3"),
    (lambda: ReLU().set_weights([]), ValueError, "not built"),
    (lambda: models.Sequential([], (4, 4, 1)), ValueError, "no layers"),
    (lambda: models.Sequential([3], (4, 4, 1)), TypeError, "int among the layers"),
    (lambda: models.Sequential([Dense(2)], (4, 4, 1)), ValueError, "flatten"),
    (lambda: models.Sequential([ReLU(name="a"), ReLU(name="a")], (4, 4, 1)), ValueError, "called a"),
    (lambda: models.Sequential([ReLU()], (4, 4)), TypeError, "image = (4, 4)"),
    (lambda: models.Sequential([ReLU()], (4, 4, -1)), ValueError, "image = -1"),
    (lambda: models.Sequential([ReLU()], (2**20, 2**20, 2**20)), ValueError, "2^40"),
    (lambda: models.Sequential([ReLU()], (4, 4, 1), seed=-1), ValueError, "seed"),
]


class BadInput(TestCase):
    def test_each_is_one_line(self):
        for call, exception, *parts in CASES:
            with self.subTest(parts=parts), self.assert_line(exception, *parts):
                call()

    def test_a_layer_keeps_the_shape_of_its_inputs(self):
        layer = Conv2d(2, 3)
        layer(X)
        with self.assert_line(ValueError, "(5, 6, 3)", "(6, 6, 3)"):
            layer(X[:, :5])


if __name__ == "__main__":
    unittest.main()
