"""Reprise's convolution as a function of PyTorch's, with both gradients, checked by gradcheck in double."""

import reprise
import torch


class Conv2d(torch.autograd.Function):
    """N,H,W,C and KH,KW,IC/G,OC; float64 by the reference in double, float32 by an algorithm."""

    @staticmethod
    def forward(ctx, x, weight, bias, options):
        ctx.save_for_backward(x, weight)
        ctx.options, ctx.is_double = options, x.dtype == torch.float64
        convolve = reprise.conv2d_reference if ctx.is_double else reprise.conv2d
        return torch.from_numpy(convolve(x.detach(), weight.detach(), bias.detach(), **options))

    @staticmethod
    def backward(ctx, grad_output):
        backward = reprise.conv2d_reference_backward if ctx.is_double else reprise.conv2d_backward
        saved = (tensor.detach() for tensor in ctx.saved_tensors)
        gradients = backward(grad_output, *saved, **ctx.options)
        return *map(torch.from_numpy, gradients), None


shapes = (2, 5, 6, 4), (3, 2, 2, 6), (6,)
for options in (dict(stride=2, padding="same", groups=2), dict(padding=1, dilation=(1, 2), groups=2)):
    operands = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    print(torch.autograd.gradcheck(Conv2d.apply, (*operands, options)))
