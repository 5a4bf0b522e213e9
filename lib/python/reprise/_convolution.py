"""Convolution: the functions, the registry of algorithms, and shapes."""

from __future__ import annotations

import dataclasses
from typing import List, Literal, NamedTuple, Optional, Sequence, Union

import numpy.typing as npt

from . import _reprise
from ._reprise import ConvShape
from ._types import Float32Array, Float64Array, Padding, Pair

ConvPass = Literal["forward", "grad_input", "grad_weight"]


class Conv2dGradients(NamedTuple):
    """The gradients of a scalar loss with respect to a convolution's operands."""

    input: Float32Array  #: N,IH,IW,IC
    weight: Float32Array  #: KH,KW,IC/G,OC
    bias: Float32Array  #: OC


def conv2d(
    input: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: Optional[npt.ArrayLike] = None,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    groups: int = 1,
    algorithm: str = "direct",
    threads: int = 1,
) -> Float32Array:
    """2-D convolution (cross-correlation), in float32.

        output[n,oh,ow,oc] = bias[oc] + sum over kh, kw, ic of
            input[n, oh*stride_h + kh*dilation_h - pad_top, ow*stride_w + kw*dilation_w - pad_left,
                  g*IC/G + ic] * weight[kh,kw,ic,oc],    g = oc // (OC/G),

    where cells outside the input count as 0, and
    OH = (IH + pad_top + pad_bottom - dilation_h*(KH-1) - 1) // stride_h + 1.

    input      N,IH,IW,IC; N may be 0
    weight     KH,KW,IC/G,OC
    bias       OC; None: zeros
    stride     in input cells, an integer or (height, width)
    padding    "valid": none. "same": TensorFlow's, OH = ceil(IH / stride), the odd cell at the bottom
               and right. "keep_size": OH = IH for any stride. Or cells: an integer, (height, width)
               or ((top, bottom), (left, right)).
    dilation   1 is dense; an integer or (height, width)
    groups     G, which divides IC and OC
    algorithm  a name of conv_algorithms(), "auto", or a kernel such as "direct/igemm"
    threads    1 to 1024; changes the speed only (with "onednn" the last bits, too)

    Returns output N,OH,OW,OC, float32.

    A float32 input in C order is read in place. One call is not interruptible: Ctrl-C takes effect
    when it is done. Other Python threads run meanwhile.

    ValueError if sizes do not match or make no sense, the algorithm is unknown or does not support the
    shape, or a value is outside the algorithm's domain ("fft" and "winograd" take finite values up
    to 2^24; "direct" and "auto" take all). TypeError if an argument is of the wrong kind.
    MemoryError if there is no room for the output or the algorithm's workspace.

    Sources: "same" is TensorFlow's rule (tf.nn); the algorithms' sources are in lib/reprise/conv.
    """
    return _reprise.conv2d(
        input, weight, bias, stride, padding, dilation, groups, algorithm, threads
    )


def conv2d_backward(
    grad_output: npt.ArrayLike,
    input: npt.ArrayLike,
    weight: npt.ArrayLike,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    groups: int = 1,
    algorithm: str = "direct",
    threads: int = 1,
) -> Conv2dGradients:
    """The gradients of a scalar loss with respect to input, weight and bias of conv2d().

    grad_output  the loss's gradient with respect to conv2d's output, N,OH,OW,OC
    input        N,IH,IW,IC, as conv2d had it
    weight       KH,KW,IC/G,OC, as conv2d had it
    others       as conv2d had them

    Returns Conv2dGradients(input, weight, bias), float32 arrays of the operands' shapes. Weight and
    bias gradients sum over images in their order; images with a gradient of zero change no bit.

    Exceptions as of conv2d(); ValueError if grad_output is not of the output's shape. Not
    interruptible.
    """
    return Conv2dGradients(
        *_reprise.conv2d_backward(
            grad_output, input, weight, stride, padding, dilation, groups, algorithm, threads
        )
    )


def conv2d_reference(
    input: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: Optional[npt.ArrayLike] = None,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    groups: int = 1,
    threads: int = 1,
) -> Float64Array:
    """conv2d() in float64: the readable loop nest, slow, for checks and for gradients in double.

    Arguments and exceptions are conv2d's; float64 arrays in C order are read in place. Each output
    is one chain of additions that starts at the bias, over kh, kw, ic in this order.
    """
    return _reprise.conv2d_reference(
        input, weight, bias, stride, padding, dilation, groups, threads
    )


def conv2d_reference_backward(
    grad_output: npt.ArrayLike,
    input: npt.ArrayLike,
    weight: npt.ArrayLike,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    groups: int = 1,
    threads: int = 1,
) -> Conv2dGradients:
    """conv2d_backward() in float64: the readable loop nest. Returns float64 arrays."""
    return Conv2dGradients(
        *_reprise.conv2d_reference_backward(
            grad_output, input, weight, stride, padding, dilation, groups, threads
        )
    )


def conv_shape(
    input: Union[str, Sequence[int]],
    weight: Optional[Sequence[int]] = None,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    groups: int = 1,
) -> ConvShape:
    """The sizes of a convolution, resolved and checked.

    Either of an input's and a weight's shapes, (N,IH,IW,IC) and (KH,KW,IC/G,OC), with the options
    of conv2d(), or of one line in the grammar of oneDNN's benchdnn:

        conv_shape((128, 28, 28, 1), (5, 5, 1, 6), padding="same")
        conv_shape("mb128ic1ih28oc6oh28kh5ph2")

    ValueError if sizes do not match, leave no output or are 2^31 or more.
    """
    if weight is None:
        return _reprise.parse_conv_shape(input)
    return _reprise.conv_shape(input, weight, stride, padding, dilation, groups)


@dataclasses.dataclass(frozen=True)
class ConvAlgorithm:
    """A convolution algorithm; conv_algorithms() lists them."""

    name: str
    summary: str
    #: "portable": the same bits on every machine. "machine": the same bits again on the same machine
    #: with the same libraries.
    reproducibility: str
    #: Whether the number of threads may change bits, within the bound.
    threads_may_show: bool
    #: What error_bound() is in units of: "elementwise" or "tensorwise".
    error_scale: str
    #: Whether NaN and infinities are outside its domain.
    finite_only: bool
    #: Larger magnitudes are outside its domain.
    max_magnitude: float

    def error_bound(self, shape: Union[ConvShape, str], conv_pass: ConvPass = "forward") -> float:
        """The declared bound on |result - exact| for every element, in units of error_scale.

        With u = 2^-24 and the pass's operands a and b: elementwise is u * (sum of |a| |b| over the
        element's products + |bias|); tensorwise is u * (the number of products * max |a| * max |b| +
        max |bias|), the maxima taken over whole arrays.
        """
        return _reprise.error_bound(self.name, _shape(shape), conv_pass)

    def unsupported(self, shape: Union[ConvShape, str], conv_pass: ConvPass = "forward") -> str:
        """Why it does not support this pass of this shape, or an empty text if it does."""
        return _reprise.unsupported(self.name, _shape(shape), conv_pass)

    def workspace_bytes(
        self, shape: Union[ConvShape, str], conv_pass: ConvPass = "forward", threads: int = 1
    ) -> int:
        """The memory that a pass needs besides its arrays, in bytes."""
        return _reprise.workspace_bytes(self.name, _shape(shape), conv_pass, threads)


def conv_algorithms() -> List[ConvAlgorithm]:
    """All convolution algorithms built in, "auto" last."""
    return [ConvAlgorithm(**description) for description in _reprise.conv_algorithms()]


def resolve(
    algorithm: str, shape: Union[ConvShape, str], conv_pass: ConvPass = "forward"
) -> str:
    """The name of what `algorithm` runs for a pass of this shape: itself, unless it is "auto".

    "auto" chooses by the shape of one image, so that an image's output does not depend on its batch.
    """
    return _reprise.resolve(algorithm, _shape(shape), conv_pass)


def _shape(shape: Union[ConvShape, str]) -> ConvShape:
    if isinstance(shape, ConvShape):
        return shape
    if isinstance(shape, str):
        return _reprise.parse_conv_shape(shape)
    raise TypeError(f"shape: {type(shape).__name__}; expected what conv_shape() returns, or a line")
