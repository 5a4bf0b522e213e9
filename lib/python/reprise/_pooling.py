"""Pooling: maximum and average, forward and backward."""

from __future__ import annotations

from typing import Literal, Optional

import numpy.typing as npt

from . import _reprise
from ._types import Float32Array, Padding, Pair

Rounding = Literal["floor", "ceil"]


def max_pool2d(
    input: npt.ArrayLike,
    kernel: Pair = 2,
    stride: Optional[Pair] = None,
    padding: Padding = "valid",
    rounding: Rounding = "floor",
    dilation: Pair = 1,
    threads: int = 1,
) -> Float32Array:
    """The maximum of each window, in float32.

    input     N,IH,IW,C
    kernel    the window's size, an integer or (height, width)
    stride    in input cells; None: the kernel's size, so that windows do not overlap
    padding   as of conv2d(); it counts as -infinity
    rounding  "floor": a window that does not fit whole at the bottom or right is left out; "ceil":
              the first such one counts, if it begins inside the image or its top or left padding
    dilation  cells from one of a window to the next, an integer or (height, width); 1 is dense
    threads   1 to 1024; changes the speed only

    Returns N,OH,OW,C with OH = (IH + pad_top + pad_bottom - dilation_h * (KH - 1) - 1) / stride_h + 1,
    rounded as asked for.
    NaN propagates: a window with a NaN gives NaN.

    ValueError if sizes do not match or make no sense; TypeError if an argument is of the wrong kind;
    MemoryError if there is no room for the output. Not interruptible.
    """
    return _reprise.max_pool2d(input, kernel, stride, padding, rounding, dilation, threads)


def max_pool2d_backward(
    grad_output: npt.ArrayLike,
    input: npt.ArrayLike,
    kernel: Pair = 2,
    stride: Optional[Pair] = None,
    padding: Padding = "valid",
    rounding: Rounding = "floor",
    ties: Literal["first", "all"] = "first",
    dilation: Pair = 1,
    threads: int = 1,
) -> Float32Array:
    """The gradient with respect to max_pool2d's input.

    grad_output  N,OH,OW,C
    input        N,IH,IW,C, as max_pool2d had it
    ties         who gets the gradient of a maximum that stands in a window more than once: the first
                 in row-major order, or each of them in full
    others       as max_pool2d had them

    Returns N,IH,IW,C. Exceptions as of max_pool2d().
    """
    return _reprise.max_pool2d_backward(
        grad_output, input, kernel, stride, padding, rounding, ties, dilation, threads
    )


def avg_pool2d(
    input: npt.ArrayLike,
    kernel: Pair = 2,
    stride: Optional[Pair] = None,
    padding: Padding = "valid",
    rounding: Rounding = "floor",
    count_include_padding: bool = False,
    dilation: Pair = 1,
    threads: int = 1,
) -> Float32Array:
    """The average of each window, in float32.

    count_include_padding  divide by the window's cells inside the image and its padding, not by
                           those inside the image alone

    Other arguments, shapes and exceptions are max_pool2d's; padding counts as 0, and a window wholly
    in the padding gives 0.
    """
    return _reprise.avg_pool2d(
        input, kernel, stride, padding, rounding, count_include_padding, dilation, threads
    )


def avg_pool2d_backward(
    grad_output: npt.ArrayLike,
    input: npt.ArrayLike,
    kernel: Pair = 2,
    stride: Optional[Pair] = None,
    padding: Padding = "valid",
    rounding: Rounding = "floor",
    count_include_padding: bool = False,
    dilation: Pair = 1,
    threads: int = 1,
) -> Float32Array:
    """The gradient with respect to avg_pool2d's input; arguments as of max_pool2d_backward()."""
    return _reprise.avg_pool2d_backward(
        grad_output, input, kernel, stride, padding, rounding, count_include_padding, dilation, threads
    )
