"""Against PyTorch itself: the example in lib/examples, and conv2d on tensors as PyTorch has them."""

import importlib.util
import runpy
import sys
import unittest
from pathlib import Path

from support import TestCase

if importlib.util.find_spec("torch") is None:
    print("python3-torch is not installed")
    sys.exit(77)
import numpy as np
import reprise
import torch

EXAMPLE = Path(__file__).resolve().parents[3] / "lib/examples/torch_conv2d.py"


class Torch(TestCase):
    def test_the_example_passes_gradcheck(self):
        self.assertLess(len(EXAMPLE.read_text().splitlines()), 40)
        torch.manual_seed(0)
        function = runpy.run_path(str(EXAMPLE))["Conv2d"]  # gradcheck raises where it does not hold
        x, weight, bias = (torch.randn(s, requires_grad=True) for s in ((2, 9, 8, 3), (3, 3, 3, 5), (5,)))
        y = function.apply(x, weight, bias, dict(padding="same", algorithm="auto"))
        grad = torch.randn(y.shape)
        y.backward(grad)
        mine = [values.grad.clone() for values in (x, weight, bias)]
        for values in (x, weight, bias):
            values.grad = None
        expected = torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), weight.permute(3, 2, 0, 1), bias, padding=1)
        np.testing.assert_allclose(y.detach(), expected.detach().permute(0, 2, 3, 1), atol=1e-5)
        expected.backward(grad.permute(0, 3, 1, 2))
        for one, values in zip(mine, (x, weight, bias)):
            np.testing.assert_allclose(one, values.grad, rtol=1e-4, atol=1e-4)

    def test_a_wrong_gradient_is_found(self):
        function = runpy.run_path(str(EXAMPLE))["Conv2d"]

        class Wrong(function):
            @staticmethod
            def backward(ctx, grad_output):
                first, *others = function.backward(ctx, grad_output)
                return first * 1.01, *others

        operands = [
            torch.randn(s, dtype=torch.float64, requires_grad=True) for s in ((1, 4, 4, 2), (2, 2, 2, 2), (2,))
        ]
        with self.assertRaises(RuntimeError):
            torch.autograd.gradcheck(Wrong.apply, (*operands, {}))

    def test_tensors_are_read_by_dlpack_and_by_numpy(self):
        x, w = torch.randn(2, 5, 5, 3), torch.randn(2, 2, 3, 4)
        expected = reprise.conv2d(x.numpy(), w.numpy())
        self.assert_same_bits(reprise.conv2d(x, w), expected)
        self.assert_same_bits(reprise.conv2d(x.double(), w), expected)
        channels_first = x.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
        self.assert_same_bits(reprise.conv2d(channels_first, w), expected)
        with self.assert_line(TypeError, "input"):
            reprise.conv2d(x.clone().requires_grad_(), w)

    def test_a_view_with_a_sign_to_come_is_refused(self):
        z, w = torch.view_as_complex(torch.rand(1, 8, 8, 3, 2)), torch.rand(2, 2, 3, 4)
        view = z.conj().imag
        self.assertTrue(view.is_neg())
        with self.assert_line(TypeError, "conv2d: input", "negative bit", ".resolve_neg()"):
            reprise.conv2d(view, w)
        with self.assert_line(TypeError, "conv2d: weight", ".resolve_neg()"):
            reprise.conv2d(z.imag, torch._neg_view(w))
        with self.assert_line(TypeError, "conv2d: input", "conjugate bit", ".resolve_conj()"):
            reprise.conv2d(z.conj(), w)
        expected = reprise.conv2d(-z.imag.numpy(), w)
        self.assert_same_bits(reprise.conv2d(view.resolve_neg(), w), expected)


if __name__ == "__main__":
    unittest.main()
