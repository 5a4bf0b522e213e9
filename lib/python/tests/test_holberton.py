"""The functions of the course against a loop over windows in numpy, and its printed values.

The course's values need MNIST's training images: REPRISE_MNIST names a folder that has
train-images-idx3-ubyte, plain or gzipped. Without it those tests are left out.
"""

import contextlib
import gzip
import io
import os
import unittest
from pathlib import Path

from support import TestCase
import numpy as np
import reprise
from reprise import holberton, layers, losses, optimizers

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


def labelled_images(count):
    """Fashion-MNIST's images / 256, which are not pixels / 255, as the course has MNIST's; and labels."""
    images, labels = reprise.load_dataset(FIXTURES).train
    return images[:count] / 256, labels[:count].astype(np.int32)


class LeNet5(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.x, cls.y = labelled_images(300)
        cls.one_hot = np.eye(10)[cls.y]

    def test_the_compiled_form(self):
        model = holberton.lenet5(holberton.Input(shape=(28, 28, 1)))
        self.assertIn("61,706", model.summary())
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            history = model.fit(self.x, self.one_hot, 32, 3, validation_data=(self.x[:90], self.one_hot[:90]))
        self.assertEqual(set(history.history) - {"learning_rate"}, {"loss", "accuracy", "val_loss", "val_accuracy"})
        self.assertEqual(history.epoch, [0, 1, 2])
        lines = printed.getvalue().splitlines()
        self.assertEqual(lines[::2], ["Epoch 1/3", "Epoch 2/3", "Epoch 3/3"])
        figures = {name: f"{name}: {values[2]:.4f}" for name, values in history.history.items()}
        self.assertRegex(lines[5], r"^10/10 \[={30}\] - \d+s \d+ms/step - loss: ")
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            self.assertIn(f" - {figures[name]}", lines[5])
        self.assertLess(history.history["loss"][2], history.history["loss"][0])
        self.assertEqual(model.evaluate(self.x[:90], self.one_hot[:90]), [history.history[n][2] for n in ("val_loss", "val_accuracy")])
        self.assertEqual(model.predict(self.x[:2]).shape, (2, 10))
        silent = io.StringIO()
        with contextlib.redirect_stdout(silent):
            again = holberton.lenet5(X=self.x).fit(self.x, self.one_hot, epochs=3, verbose=0)
        self.assertEqual(silent.getvalue(), "")
        self.assertEqual(again.history["loss"], history.history["loss"])
        self.assertNotIn("val_loss", again.history)
        # A batch has at most all images.
        self.assertEqual(len(model.fit(self.x[:9], self.one_hot[:9], verbose=0).history["loss"]), 1)

    def test_the_form_with_placeholders(self):
        x = holberton.placeholder(np.float32, (None, 28, 28, 1))
        y = holberton.placeholder(np.int32, (None,))
        nodes = holberton.lenet5(x, holberton.one_hot(y, 10))
        output, train, loss, accuracy = nodes
        feed = {x: self.x, y: self.y}
        # The same steps by a model, Adam's epsilon being 1e-8, in the order of the images.
        model = holberton.lenet5(holberton.Input((28, 28, 1)))
        with holberton.Session() as session:
            self.assert_same_bits(session.run(output, feed), model.predict(self.x))
            before = session.run((loss, accuracy), feed_dict=feed)
            self.assertEqual(list(before), model.evaluate(self.x, self.y))
            adam = optimizers.Adam(epsilon=1e-8)
            for first in range(0, 300, 100):
                batch = slice(first, first + 100)
                weights = self.one_step(adam, model.get_weights(), self.x[batch], self.y[batch])
                self.assertIsNone(session.run(train, {x: self.x[batch], y: self.y[batch]}))
                model.set_weights(weights)
                np.testing.assert_allclose(session.run(output, feed), model.predict(self.x), atol=2e-5)
            trained, after = session.run([train, loss], feed)
            self.assertLess(after, before[0])
            self.assertEqual(after, loss.run(feed))
        self.assertLess(abs(np.log(output.run({x: self.x})[np.arange(300), self.y]).mean() + after), 1e-6)

    def one_step(self, adam, weights, x, y):
        """By layers, a loss and an optimizer of their own."""
        chain = [
            layers.Conv2d(6, 5, padding="same"), layers.ReLU(), layers.MaxPool2d(2), layers.Conv2d(16, 5),
            layers.ReLU(), layers.MaxPool2d(2), layers.Flatten(), layers.Dense(120), layers.ReLU(),
            layers.Dense(84), layers.ReLU(), layers.Dense(10),
        ]
        inputs, left = [x], list(weights)
        for layer in chain:
            layer.build(np.shape(inputs[-1])[1:])
            layer.set_weights([left.pop(0) for _ in layer.get_weights()])
            inputs.append(layer(inputs[-1]))
        probabilities = losses.softmax_cross_entropy(inputs.pop(), y).probabilities
        gradient = losses.softmax_cross_entropy_backward(probabilities, y, scale=1 / len(x))
        gradients = []
        for layer in reversed(chain):
            gradient, of_parameters = layer.backward(gradient, inputs.pop())
            gradients = of_parameters + gradients
        return adam.step(weights, gradients)

    def test_what_makes_no_sense(self):
        x = holberton.placeholder(np.float32, (None, 28, 28, 1))
        y = holberton.placeholder(np.int32, (None,))
        output, train, loss, _ = holberton.lenet5(x, holberton.one_hot(y, 10))
        some = self.x[:2]
        for call, exception, *parts in (
            (lambda: holberton.lenet5(holberton.Input((28, 28))), ValueError, "lenet5: x of shape (None, 28, 28)"),
            (lambda: holberton.lenet5(), ValueError, "x of shape ()"),
            (lambda: holberton.lenet5(x, self.one_hot), TypeError, "y = ndarray"),
            (lambda: holberton.placeholder("image", (1,)), TypeError, "dtype 'image'"),
            (lambda: loss.run({x: some}), ValueError, "no value of placeholder"),
            (lambda: output.run({x: some[:, 1:]}), ValueError, "(2, 27, 28, 1)", "(None, 28, 28, 1)"),
            (lambda: output.run({x: some.astype(object)}), TypeError, "dtype object"),
            (lambda: loss.run({x: some, y: [0, 10]}), ValueError, "one_hot", "0 to 9"),
            (lambda: loss.run({x: some, y: [0, 1, 2]}), ValueError, "3 labels"),
            (lambda: train.run({x: some, y: [0]}), ValueError, "1 labels"),
            (lambda: train.run({x: some * np.nan, y: [0, 1]}), ValueError, "infinite or NaN"),
            (lambda: holberton.Session().run(3, {}), TypeError, "int"),
            (lambda: holberton.lenet5(x, holberton.one_hot(y, 9))[2].run({x: some, y: [0, 1]}), ValueError, "(2, 9)"),
        ):
            with self.subTest(parts=parts), self.assert_line(exception, *parts):
                call()


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
