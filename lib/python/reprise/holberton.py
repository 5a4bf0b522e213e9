"""The functions of a course on convolutional networks, with the signatures that the course published.

Not affiliated with the course or its school. Arrays are (m, h, w, c): examples, height, width and
channels.

float32 arrays are computed in float32 by reprise's own functions. If any of a function's arrays is of
another dtype, all are taken as float64 and computed in double, which gives the values that the course
prints.

lenet5() is there in both of the course's forms. Networks are computed in float32. Input(),
placeholder(), one_hot() and Session stand for what the course's programs take from TensorFlow:

    x = placeholder(np.float32, (None, 28, 28, 1))
    y = placeholder(np.int32, (None,))
    y_pred, train_op, loss, acc = lenet5(x, one_hot(y, 10))
    with Session() as session:
        session.run(train_op, feed_dict={x: X_batch, y: Y_batch})
        cost, accuracy = session.run((loss, acc), feed_dict={x: X, y: Y})
"""

from __future__ import annotations

from typing import Any, Callable, List, Literal, Optional, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt

from . import _reprise
from ._errors import shown
from ._convolution import conv2d, conv2d_backward, conv2d_reference, conv2d_reference_backward
from ._placeholders import Input, Node, Placeholder, Session, one_hot, placeholder
from ._pooling import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from .models import Epoch, History, Model

__all__ = [
    "CompiledModel",
    "Input",
    "Node",
    "Placeholder",
    "Session",
    "conv_backward",
    "conv_forward",
    "lenet5",
    "one_hot",
    "placeholder",
    "pool_backward",
    "pool_forward",
]

_Array = npt.NDArray[np.floating]
_CoursePadding = Union[Literal["same", "valid"], Tuple[int, int]]


def conv_forward(
    A_prev: npt.ArrayLike,
    W: npt.ArrayLike,
    b: npt.ArrayLike,
    activation: Callable[[_Array], Any],
    padding: _CoursePadding = "same",
    stride: Tuple[int, int] = (1, 1),
) -> Any:
    """Forward propagation over a convolutional layer.

    A_prev      output of the layer before, (m, h_prev, w_prev, c_prev)
    W           kernels, (kh, kw, c_prev, c_new)
    b           biases, (1, 1, 1, c_new)
    activation  any callable on arrays; it gets the convolution's output with the biases
    padding     "same": the output is as high and wide as A_prev for any stride ("keep_size" of
                reprise.conv2d); "valid": none; or (height, width), the cells on each side
    stride      (height, width)

    Returns what `activation` returns for the array (m, h_new, w_new, c_new).

    ValueError if sizes do not match; TypeError if an argument is of the wrong kind.
    """
    if not callable(activation):
        raise TypeError(
            f"conv_forward: activation = {shown(activation)}; expected a function of an array"
        )
    convolve: Any = conv2d if _are_float32(A_prev, W, b) else conv2d_reference
    bias = _bias("conv_forward", b)
    return activation(convolve(A_prev, W, bias, stride, _padding("conv_forward", padding)))


def conv_backward(
    dZ: npt.ArrayLike,
    A_prev: npt.ArrayLike,
    W: npt.ArrayLike,
    b: npt.ArrayLike,
    padding: _CoursePadding = "same",
    stride: Tuple[int, int] = (1, 1),
) -> Tuple[_Array, _Array, _Array]:
    """Back propagation over a convolutional layer.

    dZ      the loss's gradient with respect to the convolution's output before activation,
            (m, h_new, w_new, c_new)
    others  as conv_forward() had them; of b only the shape matters

    Returns dA_prev, dW and db: the gradients with respect to A_prev, W and b, of their shapes; db is
    (1, 1, 1, c_new).

    Exceptions as of conv_forward().
    """
    single = _are_float32(dZ, A_prev, W, b)
    channels = _bias("conv_backward", b).shape[0]
    backward: Any = conv2d_backward if single else conv2d_reference_backward
    gradients = backward(dZ, A_prev, W, stride, _padding("conv_backward", padding))
    if channels != gradients.bias.shape[0]:
        raise ValueError(
            f"conv_backward: b of shape (1, 1, 1, {channels}); "
            f"expected (1, 1, 1, {gradients.bias.shape[0]})"
        )
    return gradients.input, gradients.weight, gradients.bias.reshape(1, 1, 1, -1)


def pool_forward(
    A_prev: npt.ArrayLike,
    kernel_shape: Tuple[int, int],
    stride: Tuple[int, int] = (1, 1),
    mode: Literal["max", "avg"] = "max",
) -> _Array:
    """Forward propagation over a pooling layer, without padding.

    A_prev        output of the layer before, (m, h_prev, w_prev, c)
    kernel_shape  (height, width) of the windows
    stride        (height, width)
    mode          "max" or "avg"

    Returns (m, h_new, w_new, c).

    ValueError if sizes do not match or the mode is unknown; TypeError if an argument is of the wrong
    kind.
    """
    is_max = _is_max("pool_forward", mode)
    if _are_float32(A_prev):
        pool: Any = max_pool2d if is_max else avg_pool2d
        return pool(A_prev, kernel_shape, stride)
    A = _reprise.float64_array("pool_forward", "A_prev", A_prev, "m,h,w,c")
    output = np.empty(_reprise.pool_sizes(A.shape, kernel_shape, stride))
    for at, rows, columns in _windows(output.shape, kernel_shape, stride):
        window = A[:, rows, columns]
        output[at] = window.max(axis=(1, 2)) if is_max else window.mean(axis=(1, 2))
    return output


def pool_backward(
    dA: npt.ArrayLike,
    A_prev: npt.ArrayLike,
    kernel_shape: Tuple[int, int],
    stride: Tuple[int, int] = (1, 1),
    mode: Literal["max", "avg"] = "max",
) -> _Array:
    """Back propagation over a pooling layer.

    dA      the loss's gradient with respect to the pooling's output, (m, h_new, w_new, c)
    others  as pool_forward() had them

    Returns dA_prev, (m, h_prev, w_prev, c). A maximum that stands in a window more than once gets the
    gradient in full at each place; of a window with NaN the first NaN gets it.

    Exceptions as of pool_forward().
    """
    is_max = _is_max("pool_backward", mode)
    if _are_float32(dA, A_prev):
        if is_max:
            return max_pool2d_backward(dA, A_prev, kernel_shape, stride, ties="all")
        return avg_pool2d_backward(dA, A_prev, kernel_shape, stride)
    A = _reprise.float64_array("pool_backward", "A_prev", A_prev, "m,h,w,c")
    gradient = _reprise.float64_array("pool_backward", "dA", dA, "m,h,w,c")
    sizes = _reprise.pool_sizes(A.shape, kernel_shape, stride)
    if gradient.shape != sizes:
        raise ValueError(f"pool_backward: dA of shape {gradient.shape}; expected {sizes}")
    result = np.zeros(A.shape)
    for at, rows, columns in _windows(sizes, kernel_shape, stride):
        window = A[:, rows, columns]
        given = gradient[at][:, np.newaxis, np.newaxis]
        if is_max:
            result[:, rows, columns] += _maxima(window) * given
        else:
            result[:, rows, columns] += given / (window.shape[1] * window.shape[2])
    return result


class CompiledModel(Model):
    """What lenet5(X) returns: a model with Adam, categorical cross-entropy and accuracy, whose methods
    have Keras's order of arguments and defaults."""

    def fit(  # type: ignore[override]
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        batch_size: Optional[int] = None,
        epochs: int = 1,
        verbose: Union[bool, int] = 1,
        callbacks: Optional[Sequence[Callable[[Epoch], Any]]] = None,
        validation_data: Optional[Tuple[npt.ArrayLike, npt.ArrayLike]] = None,
        threads: int = 1,
        **settings: Any,
    ) -> History:
        """Trains the model: images N,H,W,C, one-hot labels N,classes (or integers); prints two lines
        after each epoch and returns a history, as Keras does. batch_size is 32 if None; a batch has at
        most all images. Otherwise as reprise.models.Model.fit()."""
        count = max(1, np.shape(x)[0]) if np.ndim(x) else 1
        return super().fit(
            x,
            y,
            epochs=epochs,
            batch_size=min(32, count) if batch_size is None else min(batch_size, count),
            validation_data=validation_data,
            threads=threads,
            verbose=verbose,
            callbacks=callbacks or (),
            **settings,
        )

    def evaluate(self, x: npt.ArrayLike, y: npt.ArrayLike, threads: int = 1) -> List[float]:  # type: ignore[override]
        """[loss, accuracy]."""
        return list(super().evaluate(x, y, threads))


def lenet5(
    x: Any = None, y: Optional[Node] = None, *, X: Any = None, seed: int = 0, threads: int = 1
) -> Any:
    """LeNet-5 as the course has it: conv 6 @ 5x5 same, max pool 2x2, conv 16 @ 5x5 valid, max pool 2x2,
    dense 120, 84 and 10; ReLU, He-normal weights, softmax.

    lenet5(X)     X is Input(shape=(28, 28, 1)), or images. Returns a CompiledModel: Adam (learning rate
                  0.001, beta 0.9 and 0.999, epsilon 1e-7), categorical cross-entropy, accuracy.
    lenet5(x, y)  x is a placeholder of images, y one of one-hot labels or one_hot() of one. Returns
                  four nodes, each to be run with values for x and y: the softmax output; a step of Adam
                  (the same settings, epsilon 1e-8), which gives None; the loss, a mean; the accuracy.
                  Nodes run together are run in their order.
    seed          of the parameters
    threads       of lenet5(x, y): 1 to 1024; changes the speed only

    ValueError if shapes do not fit; TypeError for arguments of the wrong kind.
    """
    images = X if x is None else x
    image = _image_shape(images)
    if y is None:
        return CompiledModel("lenet5", image, 10, {"seed": seed})
    return _course_graph(images, y, Model("lenet5", image, 10, {"seed": seed}), threads)


def _image_shape(images: Any) -> Tuple[int, int, int]:
    shape = images.shape if isinstance(images, Placeholder) else np.shape(images)
    if len(shape) != 4 or None in shape[1:]:
        raise ValueError(f"lenet5: x of shape {tuple(shape)}; expected (None, height, width, channels)")
    return tuple(shape[1:])  # type: ignore[return-value]


def _course_graph(x: Any, y: Any, model: Model, threads: int) -> Tuple[Node, Node, Node, Node]:
    for name, node in (("x", x), ("y", y)):
        if not isinstance(node, Node):
            raise TypeError(f"lenet5: {name} = {type(node).__name__}; expected what placeholder() returns")
    # More images than a step is given: a batch's bits do not depend on the number that might come.
    trainer = _reprise.Trainer(model._network, {"batch_size": 2**20, "epsilon": 1e-8}, threads)

    def labels(feed: Any, shared: Any) -> Any:
        return model._labels("lenet5", y._value(feed, shared))

    def images(feed: Any, shared: Any) -> Any:
        return np.ascontiguousarray(x._value(feed, shared), np.float32)

    def output(feed: Any, shared: Any) -> Any:
        return model.predict(images(feed, shared), threads=threads)

    def train(feed: Any, shared: Any) -> None:
        shared.clear()
        batch, classes = images(feed, shared), labels(feed, shared)
        with model._alone("lenet5"):
            trainer.step(batch, classes, np.arange(len(batch), dtype=np.uint32), 0)

    def figures(feed: Any, shared: Any) -> Tuple[float, float]:
        if "figures" not in shared:
            shared["figures"] = model.evaluate(images(feed, shared), labels(feed, shared), threads)
        return shared["figures"]

    return (
        Node("softmax output", output),
        Node("step of Adam", train),
        Node("loss", lambda feed, shared: figures(feed, shared)[0]),
        Node("accuracy", lambda feed, shared: figures(feed, shared)[1]),
    )


def _are_float32(*arrays: Any) -> bool:
    return all(getattr(array, "dtype", None) == np.float32 for array in arrays)


def _is_max(where: str, mode: str) -> bool:
    if mode not in ("max", "avg"):
        raise ValueError(f"{where}: mode = {shown(mode)}; expected 'max' or 'avg'")
    return mode == "max"


def _padding(where: str, padding: Any) -> Any:
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(
                f"{where}: padding = {shown(padding)}; expected 'same', 'valid' or (height, width)"
            )
        return "keep_size" if padding == "same" else padding
    return padding


def _bias(where: str, b: Any) -> _Array:
    bias = b if _are_float32(b) else _reprise.float64_array(where, "b", b, "1,1,1,c_new")
    if bias.ndim != 4 or bias.shape[:3] != (1, 1, 1):
        raise ValueError(f"{where}: b of shape {bias.shape}; expected (1, 1, 1, c_new)")
    return bias.reshape(-1)


def _windows(sizes: Any, kernel_shape: Any, stride: Any) -> Any:
    """The place of each output, and the rows and columns of its window, row by row."""
    kernel, step = np.broadcast_to(kernel_shape, 2), np.broadcast_to(stride, 2)
    for h in range(sizes[1]):
        for w in range(sizes[2]):
            rows = slice(h * step[0], h * step[0] + kernel[0])
            columns = slice(w * step[1], w * step[1] + kernel[1])
            yield (slice(None), h, w), rows, columns


def _maxima(window: _Array) -> npt.NDArray[np.bool_]:
    """Where the maxima of (m, kh, kw, c) are, for each m and c; where there is NaN, the first."""
    most = window.max(axis=(1, 2), keepdims=True)
    places = window == most
    for m, c in np.argwhere(np.isnan(most[:, 0, 0])):
        first = np.argmax(window[m, :, :, c])
        places[m, :, :, c].flat[first] = True
    return places
