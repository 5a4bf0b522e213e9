"""Layers: the parts of networks, each by itself or in a reprise.models.Sequential.

    from reprise.layers import Conv2d
    layer = Conv2d(6, 5, padding="same", name="conv1")
    y = layer(x)                                   # N,28,28,6 for x of N,28,28,1
    gradients = layer.backward(grad_y, x)          # .input, .parameters (of weight, of bias)

A layer settles for the shape of its first input and then has parameters, drawn from the streams that a
layer of its name has in a model of its seed. Inputs are N,H,W,C, or N,C where a layer takes flat ones
(Dense, RBF; others take both where that makes sense). Arrays are float32; others are converted once.

Results have the same bits with any number of threads. One call is not interruptible. Exceptions are
ValueError for sizes and values that do not fit, TypeError for arguments of the wrong kind and
MemoryError; the text begins with the class.

Initializers are "zeros", "he_normal" (He et al. 2015), "glorot_uniform" (Glorot, Bengio 2010),
("constant", value), ("normal", standard deviation) and ("fan_in_uniform", value), uniform in
+-value / inputs of a unit (LeCun et al. 1998, section III.B).
"""

from __future__ import annotations

from typing import Any, Dict, List, Literal, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt

from . import _reprise
from ._errors import as_list, shown
from ._types import Float32Array, Padding, Pair

__all__ = [
    "AvgPool2d",
    "Conv2d",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "LayerGradients",
    "LocalResponseNormalization",
    "LocallyConnected2d",
    "MaxPool2d",
    "PartialConv2d",
    "RBF",
    "ReLU",
    "Rescale",
    "Subsampling",
    "Tanh",
]

Initializer = Union[str, Tuple[str, float]]


class LayerGradients(NamedTuple):
    """The gradients of a scalar loss with respect to a layer's input and its parameters."""

    input: Float32Array  #: of the input's shape
    parameters: List[Float32Array]  #: of the parameters' shapes, in the order of get_weights()


class Layer:
    """What all layers have; the classes below make one."""

    kind: str  #: the class
    options: Dict[str, Any]  #: by name, as the class takes them
    name: str  #: names the layer in a model and its random numbers; "" until it is given one
    seed: int  #: of the parameters and of what is random in training

    def __init__(self, options: Dict[str, Any], name: Optional[str], seed: int) -> None:
        self.kind = type(self).__name__
        self.options = options
        self.name = _text(self.kind, "name", "" if name is None else name)
        self.seed = _seed(self.kind, seed)
        self._built: Optional[_reprise.BuiltLayer] = None
        self._input_shape: Optional[Tuple[int, ...]] = None
        _reprise.check_layer(self.kind, options)

    def build(self, input_shape: Sequence[int]) -> Tuple[int, ...]:
        """Settles the layer for inputs of one shape, (H, W, C) or (C,), unless it is settled, and
        returns the shape of its outputs. ValueError if it cannot take such inputs, or is settled for
        others."""
        shape = _shape(self.kind, input_shape)
        if self._built is None:
            self._built = _reprise.BuiltLayer(self.kind, self.options, self.name, self.seed, list(shape))
            self._input_shape = shape
        elif shape != self._input_shape:
            raise ValueError(
                f"{self.kind}: an input of shape {shape}; expected {self._input_shape}, as before"
            )
        return self._built.output_shape()

    def forward(
        self,
        x: npt.ArrayLike,
        training: bool = False,
        step: int = 0,
        first_image: int = 0,
        threads: int = 1,
    ) -> Float32Array:
        """The layer's outputs for a batch N,H,W,C or N,C; layer(x) is the same.

        training     Dropout drops
        step         the number of the step in training: dropout masks depend on it
        first_image  the place of the first image in its batch: masks depend on that, too
        threads      1 to 1024; changes the speed only

        Returns N,H',W',C' or N,C'.
        """
        array = np.asarray(x)
        self.build(array.shape[1:])
        assert self._built is not None
        return self._built.forward(x if array.dtype == object else array, training, step, first_image, threads)

    __call__ = forward

    def backward(
        self,
        grad_output: npt.ArrayLike,
        x: npt.ArrayLike,
        output: Optional[npt.ArrayLike] = None,
        training: bool = False,
        step: int = 0,
        first_image: int = 0,
        threads: int = 1,
    ) -> LayerGradients:
        """The gradients of a scalar loss with respect to x and to the parameters.

        grad_output  the loss's gradient with respect to forward()'s output
        x            as forward() had it
        output       what forward() returned; None: it is computed again
        others       as forward() had them
        """
        array = np.asarray(x)
        self.build(array.shape[1:])
        assert self._built is not None
        return LayerGradients(
            *self._built.backward(grad_output, array, output, training, step, first_image, threads)
        )

    def get_weights(self) -> List[Float32Array]:
        """Copies of the parameters, weight and bias; empty before build()."""
        return [] if self._built is None else self._built.parameters()

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Sets what get_weights() gives. ValueError, and nothing is set, if a shape differs or the
        layer is not built."""
        if self._built is None:
            raise ValueError(f"{self.kind}: a layer that is not built; expected build() before")
        self._built.set_parameters(as_list(self.kind, "weights", weights))

    def weight_names(self) -> List[str]:
        """The names of get_weights(): weight, bias."""
        return [] if self._built is None else self._built.parameter_names()

    def __getstate__(self) -> Any:
        return self.options, self.name, self.seed, self._input_shape, self.get_weights()

    def __setstate__(self, state: Any) -> None:
        options, name, seed, shape, weights = state
        Layer.__init__(self, options, name, seed)
        if shape is not None:
            self.build(shape)
            self.set_weights(weights)

    def __repr__(self) -> str:
        given = [f"{name}={value!r}" for name, value in self.options.items()]
        if self.name:
            given.append(f"name={self.name!r}")
        return f"{self.kind}({', '.join(given)})"


class Conv2d(Layer):
    """Convolution with bias. Parameters: weight (KH,KW,IC/G,OC), bias (OC).

    filters                             OC
    kernel                              an integer or (height, width)
    stride, padding, dilation, groups,  as of reprise.conv2d(); values outside an algorithm's domain
    algorithm                           are not looked for, as in training
    weight, bias                        initializers
    """

    def __init__(
        self,
        filters: int,
        kernel: Pair = 3,
        stride: Pair = 1,
        padding: Padding = "valid",
        dilation: Pair = 1,
        groups: int = 1,
        algorithm: str = "direct",
        weight: Initializer = "he_normal",
        bias: Initializer = "zeros",
        name: Optional[str] = None,
        seed: int = 1,
    ) -> None:
        options = dict(filters=filters, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
        others = dict(groups=groups, algorithm=algorithm, weight=weight, bias=bias)
        super().__init__({**options, **others}, name, seed)


class LocallyConnected2d(Layer):
    """A convolution whose weights and biases are not shared: each position has its own
    (cuda-convnet's "local"). Parameters: weight (OH,OW,KH,KW,IC,OC), bias (OH,OW,OC)."""

    def __init__(
        self,
        filters: int,
        kernel: Pair = 3,
        stride: Pair = 1,
        padding: Padding = "valid",
        weight: Initializer = "he_normal",
        bias: Initializer = "zeros",
        name: Optional[str] = None,
        seed: int = 1,
    ) -> None:
        options = dict(filters=filters, kernel=kernel, stride=stride, padding=padding)
        super().__init__({**options, "weight": weight, "bias": bias}, name, seed)


class PartialConv2d(Layer):
    """A convolution (stride 1, no padding) whose output channels each see some of the input channels:
    LeCun et al. 1998, layer C3 by Table I.

    connections  for each output channel its input channels, ascending; their number may not decrease
                 from one output channel to the next

    Parameters: for each number I of inputs "weightI" (KH,KW,I,output channels with I inputs), then
    bias (OC).
    """

    def __init__(
        self,
        connections: Sequence[Sequence[int]],
        kernel: Pair = 5,
        algorithm: str = "direct",
        weight: Initializer = ("fan_in_uniform", 2.4),
        bias: Initializer = "zeros",
        name: Optional[str] = None,
        seed: int = 1,
    ) -> None:
        inputs = [
            as_list(type(self).__name__, "connections", channels)
            for channels in as_list(type(self).__name__, "connections", connections)
        ]
        options = dict(connections=inputs, kernel=kernel, algorithm=algorithm, weight=weight, bias=bias)
        super().__init__(options, name, seed)


class MaxPool2d(Layer):
    """Maximum pooling; arguments as of reprise.max_pool2d() and max_pool2d_backward()."""

    def __init__(
        self,
        kernel: Pair = 2,
        stride: Optional[Pair] = None,
        padding: Padding = "valid",
        rounding: Literal["floor", "ceil"] = "floor",
        ties: Literal["first", "all"] = "first",
        dilation: Pair = 1,
        name: Optional[str] = None,
        seed: int = 1,
    ) -> None:
        options = dict(kernel=kernel, stride=stride, padding=padding, rounding=rounding)
        super().__init__({**options, "ties": ties, "dilation": dilation}, name, seed)


class AvgPool2d(Layer):
    """Average pooling; arguments as of reprise.avg_pool2d()."""

    def __init__(
        self,
        kernel: Pair = 2,
        stride: Optional[Pair] = None,
        padding: Padding = "valid",
        rounding: Literal["floor", "ceil"] = "floor",
        count_include_padding: bool = False,
        dilation: Pair = 1,
        name: Optional[str] = None,
        seed: int = 1,
    ) -> None:
        options = dict(kernel=kernel, stride=stride, padding=padding, rounding=rounding)
        others = dict(count_include_padding=count_include_padding, dilation=dilation)
        super().__init__({**options, **others}, name, seed)


class Subsampling(Layer):
    """LeCun et al. 1998, section II.B, layers S2 and S4: bias(c) + weight(c) times the sum of 2x2
    cells. Parameters: weight (C), bias (C)."""

    def __init__(
        self,
        weight: Initializer = ("fan_in_uniform", 2.4),
        bias: Initializer = "zeros",
        name: Optional[str] = None,
        seed: int = 1,
    ) -> None:
        super().__init__(dict(weight=weight, bias=bias), name, seed)


class Dense(Layer):
    """x weight + bias, of flat inputs. Parameters: weight (in,out), bias (out)."""

    def __init__(
        self,
        units: int,
        weight: Initializer = "he_normal",
        bias: Initializer = "zeros",
        name: Optional[str] = None,
        seed: int = 1,
    ) -> None:
        super().__init__(dict(units=units, weight=weight, bias=bias), name, seed)


class RBF(Layer):
    """Euclidean radial basis functions with fixed centres: -sum over j of (x(j) - codes[i][j])^2, the
    negative of LeCun et al. 1998, equation 7. codes is (out,in); no parameters. Flat inputs."""

    def __init__(self, codes: npt.ArrayLike, name: Optional[str] = None, seed: int = 1) -> None:
        super().__init__(dict(codes=codes), name, seed)


class Flatten(Layer):
    """N,H,W,C as N,(H*W*C), in that order."""

    def __init__(self, name: Optional[str] = None, seed: int = 1) -> None:
        super().__init__({}, name, seed)


class ReLU(Layer):
    """max(x, 0); its gradient at 0 is 0."""

    def __init__(self, name: Optional[str] = None, seed: int = 1) -> None:
        super().__init__({}, name, seed)


class Tanh(Layer):
    """amplitude * tanh(slope * x); (1.7159, 2/3) is that of LeCun et al. 1998, equation 6."""

    def __init__(
        self, amplitude: float = 1.0, slope: float = 1.0, name: Optional[str] = None, seed: int = 1
    ) -> None:
        super().__init__(dict(amplitude=amplitude, slope=slope), name, seed)


class LocalResponseNormalization(Layer):
    """x(i) / (k + alpha * sum of x(j)^2)^beta over the n channels around i (Krizhevsky, Sutskever,
    Hinton 2012, section 3.3), or with within_maps over the n x n cells around in the same channel.
    alpha is not divided by n, as it is in PyTorch and Caffe. n is odd, up to 255."""

    def __init__(
        self,
        n: int = 5,
        k: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        within_maps: bool = False,
        name: Optional[str] = None,
        seed: int = 1,
    ) -> None:
        super().__init__(dict(n=n, k=k, alpha=alpha, beta=beta, within_maps=within_maps), name, seed)


class Dropout(Layer):
    """In training each value becomes 0 with probability `rate` (0 to below 1), else it is divided by
    1 - rate. Which ones is a function of seed, name, step, and the image's place in its batch."""

    def __init__(self, rate: float = 0.5, name: Optional[str] = None, seed: int = 1) -> None:
        super().__init__(dict(rate=rate), name, seed)


class Rescale(Layer):
    """low + (high - low) x, in a frame of `padding` cells of the value `low`."""

    def __init__(
        self,
        low: float = 0.0,
        high: float = 1.0,
        padding: int = 0,
        name: Optional[str] = None,
        seed: int = 1,
    ) -> None:
        super().__init__(dict(low=low, high=high, padding=padding), name, seed)


def _text(kind: str, name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{kind}: {name} = {shown(value)}; expected a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{kind}: {name} = {shown(value)}; expected a text that UTF-8 can hold") from None
    return value


def _seed(kind: str, seed: Any) -> int:
    if not isinstance(seed, (int, np.integer)):
        raise TypeError(f"{kind}: seed = {shown(seed)}; expected an integer of 0 or more")
    if not 0 <= seed < 2**63:
        raise ValueError(f"{kind}: seed = {shown(seed)}; expected an integer of 0 to 2^63 - 1")
    return int(seed)


def _shape(kind: str, shape: Sequence[int]) -> Tuple[int, ...]:
    if not isinstance(shape, (tuple, list)) or not all(
        isinstance(size, (int, np.integer)) for size in shape
    ):
        raise TypeError(f"{kind}: a shape {shown(shape)}; expected (H, W, C) or (C,)")
    sizes = tuple(int(size) for size in shape)
    if len(sizes) not in (1, 3) or not all(1 <= size < 2**31 for size in sizes):
        raise ValueError(
            f"{kind}: an input of shape {sizes}; expected (H, W, C) or (C,), sizes of 1 to 2^31 - 1"
        )
    return sizes
