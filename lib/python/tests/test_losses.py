"""Losses and optimizers against PyTorch's golden values."""

import pickle
import unittest

from support import TestCase, golden
import numpy as np
from reprise import losses, optimizers

U = 2.0**-24


class Golden(TestCase):
    def test_losses_with_every_option(self):
        with golden("layers.h5") as file:
            cases = file["loss_options"]
            self.assertEqual(set(cases), {"all", "ignored", "smoothing", "weights"})
            for name, values in cases.items():
                with self.subTest(name):
                    self.check_losses({key: data[()] for key, data in values.items()})

    def check_losses(self, values):
        logits, labels = values["logits"], values["labels"].astype(int)
        ignored = None if values["ignored"] < 0 else int(values["ignored"])
        weights = values.get("class_weights")
        targets = dict(class_weights=weights, ignored_label=ignored)
        smoothing = dict(label_smoothing=float(values["label_smoothing"]))
        entropy = losses.softmax_cross_entropy(logits, labels, **targets, **smoothing)
        near = dict(rtol=0, atol=20 * U)
        np.testing.assert_allclose(entropy.losses, values["losses"], rtol=0, atol=200 * U)
        np.testing.assert_allclose(entropy.probabilities.sum(axis=1), 1, **near)
        total = losses.target_weight(logits, labels, **targets)
        self.assertAlmostEqual(entropy.losses.sum(dtype=float) / total, float(values["mean"]), places=5)
        gradient = losses.softmax_cross_entropy_backward(
            entropy.probabilities, labels, **targets, **smoothing, scale=1 / total
        )
        np.testing.assert_allclose(gradient, values["grad_logits"], **near)
        log_probabilities = losses.log_softmax(logits)
        np.testing.assert_allclose(log_probabilities, values["log_probabilities"], **near)
        likelihood = losses.negative_log_likelihood(log_probabilities, labels, **targets)
        np.testing.assert_allclose(likelihood, values["nll"], rtol=0, atol=200 * U)
        gradient = losses.negative_log_likelihood_backward(log_probabilities, labels, **targets, scale=1 / total)
        np.testing.assert_allclose(gradient, values["nll_grad"], **near)
        if not smoothing["label_smoothing"]:
            through = losses.log_softmax_backward(log_probabilities, gradient)
            np.testing.assert_allclose(through, values["grad_logits"], **near)

    def test_optimizers_follow_pytorch(self):
        for name, rule in (
            ("sgd", optimizers.SGD(0.01)),
            ("sgd_momentum_weight_decay", optimizers.SGD(0.01, 0.9, 0.0005)),
            ("nesterov", optimizers.Nesterov(0.01, 0.9, 0.0005)),
            ("adam", optimizers.Adam()),
            ("rmsprop", optimizers.RMSProp(0.001, 0.99, 0.5)),
            ("adagrad", optimizers.Adagrad(0.01)),
        ):
            with self.subTest(name), golden("optimizers.h5") as file:
                values = file[name]
                weights = np.float32(values["parameters"][0])
                for i, gradient in enumerate(values["gradients"]):
                    parts = weights[:7], weights[7:].reshape(3, 11)
                    given = gradient[:7], gradient[7:].reshape(3, 11)
                    one, two = rule.step(parts, given, threads=1 + i % 2)
                    self.assertEqual((one.shape, two.shape), ((7,), (3, 11)))
                    weights = np.concatenate([one, two.ravel()])
                    rule = pickle.loads(pickle.dumps(rule))  # the state goes on
                    expected = values["parameters"][i + 1]
                    bound = (i + 1) * U * (abs(expected) + 20 * rule.learning_rate * max(1, abs(values["gradients"][:]).max()))
                    self.assertTrue((abs(weights - expected) <= bound).all())
                self.assertEqual(rule.steps, 5)


class Labels(TestCase):
    def test_an_ignored_label_need_be_no_class(self):
        logits = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
        for ignored in (-100, 255, 2**40, 1):
            labels = np.array([0, ignored, 2, ignored])
            entropy = losses.softmax_cross_entropy(logits, labels, ignored_label=ignored)
            self.assertEqual(entropy.losses[1::2].tolist(), [0, 0])
            self.assertTrue((entropy.losses[::2] > 0).all())
            self.assertEqual(losses.target_weight(logits, labels, ignored_label=ignored), 2)
            gradient = losses.softmax_cross_entropy_backward(entropy.probabilities, labels, ignored_label=ignored)
            self.assertFalse(gradient[1::2].any())
            self.assertTrue(gradient[::2].all())
            logp = losses.log_softmax(logits)
            np.testing.assert_allclose(losses.negative_log_likelihood(logp, labels, None, ignored), entropy.losses, rtol=1e-6)

    def test_no_rows(self):
        self.assertEqual(losses.softmax_cross_entropy(np.zeros((0, 3)), np.zeros(0, int)).losses.shape, (0,))


Z, Y = np.zeros((4, 3), np.float32), [0, 1, 2, 0]
CASES = [
    (lambda: losses.softmax_cross_entropy(Z, [0, 1, 2, 3]), ValueError, "label 3 of row 3", "0 to 2"),
    (lambda: losses.softmax_cross_entropy(Z, [0, 1, 2, -1]), ValueError, "label -1 of row 3"),
    (lambda: losses.softmax_cross_entropy(Z, [0, 1, 2, 256]), ValueError, "label 256"),
    (lambda: losses.softmax_cross_entropy(Z, np.array([0, 1, 2, 2**64 - 1], np.uint64)), ValueError, "row 3"),
    (lambda: losses.softmax_cross_entropy(Z, Y[:3]), ValueError, "3 labels", "4"),
    (lambda: losses.softmax_cross_entropy(Z, np.eye(4)), TypeError, "labels of dtype float64"),
    (lambda: losses.softmax_cross_entropy(Z, np.eye(4, dtype=int)), ValueError, "2 axes"),
    (lambda: losses.softmax_cross_entropy(Z, None), TypeError, "labels of dtype object"),
    (lambda: losses.softmax_cross_entropy(Z[0], Y), ValueError, "logits of shape 3", "N,classes"),
    (lambda: losses.softmax_cross_entropy(Z[:, :0], Y), ValueError, "0 classes"),
    (lambda: losses.softmax_cross_entropy(np.zeros((4, 257)), Y), ValueError, "257 classes", "256"),
    (lambda: losses.softmax_cross_entropy(Z, Y, [1, 1]), ValueError, "class_weights of shape 2", "expected 3"),
    (lambda: losses.softmax_cross_entropy(Z, Y, [1, -1, 1]), ValueError, "-1"),
    (lambda: losses.softmax_cross_entropy(Z, Y, [1, np.nan, 1]), ValueError, "nan"),
    (lambda: losses.softmax_cross_entropy(Z, Y, label_smoothing=1.5), ValueError, "1.5"),
    (lambda: losses.softmax_cross_entropy(Z, Y, label_smoothing="x"), TypeError, "label_smoothing = 'x'"),
    (lambda: losses.softmax_cross_entropy(Z, Y, ignored_label=0.5), TypeError, "ignored_label = 0.5"),
    (lambda: losses.softmax_cross_entropy(Z, Y, ignored_label=2**70), ValueError, "64 bits"),
    (lambda: losses.softmax_cross_entropy_backward(Z, Y, scale=float("inf")), ValueError, "scale = inf"),
    (lambda: losses.negative_log_likelihood(Z, [0, 1, 2, 9]), ValueError, "label 9"),
    (lambda: losses.log_softmax_backward(Z, Z[:2]), ValueError, "grad_output of shape 2x3"),
    (lambda: losses.target_weight(Z, [0, 1, 2, 9]), ValueError, "label 9"),
    (lambda: optimizers.SGD(momentum=1.0), ValueError, "momentum = 1.0", "below 1"),
    (lambda: optimizers.Adam(epsilon=0), ValueError, "epsilon = 0"),
    (lambda: optimizers.Adam(beta1="x"), TypeError, "beta1 = 'x'"),
    (lambda: optimizers.SGD(-1.0).step([Z], [Z]), ValueError, "learning_rate"),
    (lambda: optimizers.SGD("fast").step([Z], [Z]), TypeError, "learning_rate = 'fast'"),
    (lambda: optimizers.SGD().step([Z], [Z[:2]]), ValueError, "(2, 3)", "(4, 3)"),
    (lambda: optimizers.SGD().step([], []), ValueError, "no parameters"),
    (lambda: optimizers.SGD().step([Z.astype(object)], [Z]), TypeError, "dtype object"),
]


class BadInput(TestCase):
    def test_each_is_one_line(self):
        for call, exception, *parts in CASES:
            with self.subTest(parts=parts), self.assert_line(exception, *parts):
                call()

    def test_an_optimizer_keeps_the_number_of_its_parameters(self):
        rule = optimizers.Adam()
        rule.step([Z], [Z])
        with self.assert_line(ValueError, "6 parameters", "12"):
            rule.step([Z[:2]], [Z[:2]])


if __name__ == "__main__":
    unittest.main()
