"""Values that are given later: what lenet5(x, y) of reprise.holberton takes and returns."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ._errors import shown

Shape = Sequence[Optional[int]]
Feed = Mapping["Node", Any]


class Node:
    """A value that depends on placeholders; run() and Session.run() give it for values of these."""

    def __init__(self, name: str, value: Callable[[Feed, Dict[Any, Any]], Any]) -> None:
        self.name = name
        self._value = value

    def run(self, feed_dict: Feed) -> Any:
        """The node's value for a dictionary with an array for each placeholder."""
        return run(self, feed_dict)

    eval = run

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Placeholder(Node):
    """An array that is given when something is run.

    dtype  of the array; it is converted
    shape  its sizes, None where any will do
    """

    def __init__(self, dtype: Any, shape: Shape, name: str) -> None:
        self.shape = _shape(name, shape)
        super().__init__(name, lambda feed, _: self._given(feed))
        try:
            self.dtype = np.dtype(dtype)
        except (TypeError, ValueError):
            raise TypeError(f"{name}: dtype {shown(dtype)}; expected one of numpy's") from None

    def _given(self, feed: Feed) -> npt.NDArray[Any]:
        if not isinstance(feed, Mapping):
            raise TypeError(f"run: {type(feed).__name__}; expected a dictionary with a value of {self.name}")
        if self not in feed:
            raise ValueError(f"run: no value of {self.name}; expected one in feed_dict")
        array = np.asarray(feed[self])
        if array.dtype.kind not in "biuf":
            raise TypeError(f"run: {self.name} of dtype {array.dtype}; expected numbers")
        fits = array.ndim == len(self.shape) and all(
            wanted in (None, size) for wanted, size in zip(self.shape, array.shape)
        )
        if not fits:
            raise ValueError(f"run: {self.name} of shape {array.shape}; expected {self.shape}")
        return array.astype(self.dtype, copy=False)


def _shape(name: Any, shape: Any) -> Tuple[Optional[int], ...]:
    if not isinstance(name, str):
        raise TypeError(f"placeholder: name = {shown(name)}; expected a text")
    expected = "expected sizes, None where any will do, such as (None, 28, 28, 1)"
    if not isinstance(shape, (tuple, list)):
        raise TypeError(f"{name}: shape = {shown(shape)}; {expected}")
    for size in shape:
        if size is not None and (not isinstance(size, (int, np.integer)) or size < 0):
            raise ValueError(f"{name}: shape = {shown(shape)}; {expected}")
    return tuple(None if size is None else int(size) for size in shape)


def placeholder(dtype: Any = np.float32, shape: Shape = (), name: str = "placeholder") -> Placeholder:
    """A placeholder for arrays of a shape, None where any size will do: placeholder(np.float32,
    (None, 28, 28, 1))."""
    return Placeholder(dtype, shape, name)


def Input(shape: Shape, name: str = "input") -> Placeholder:
    """A placeholder for any number of float32 arrays of a shape: Input(shape=(28, 28, 1))."""
    return Placeholder(np.float32, (None, *_shape(name, shape)), name)


def one_hot(labels: Placeholder, depth: int) -> Node:
    """Labels as rows of `depth` zeros and a one."""
    if not isinstance(labels, Placeholder):
        raise TypeError(f"one_hot: labels = {type(labels).__name__}; expected what placeholder() returns")
    if not isinstance(depth, (int, np.integer)) or not 1 <= depth < 2**31:
        raise ValueError(f"one_hot: depth = {shown(depth)}; expected an integer of 1 to 2^31 - 1")

    def value(feed: Feed, _: Any) -> Any:
        given = labels._given(feed)
        outside = (given < 0) | (given >= depth)
        if given.dtype.kind not in "iu" or outside.any():
            raise ValueError(f"run: {labels.name} for one_hot; expected integers of 0 to {depth - 1}")
        return np.eye(depth, dtype=np.float32)[given]

    return Node(f"one_hot of {labels.name}", value)


def run(fetches: Any, feed_dict: Feed) -> Any:
    """The values of a node, or of a list or tuple of nodes, which are computed together."""
    return _values(fetches, feed_dict, {})


def _values(fetches: Any, feed: Feed, shared: Dict[Any, Any]) -> Any:
    if isinstance(fetches, (list, tuple)):
        values: List[Any] = [_values(node, feed, shared) for node in fetches]
        return type(fetches)(values)
    if not isinstance(fetches, Node):
        raise TypeError(f"run: {type(fetches).__name__}; expected what lenet5() or placeholder() returns")
    return fetches._value(feed, shared)


class Session:
    """run() under the name that the course's programs call.

    with Session() as session:
        cost, accuracy = session.run((loss, acc), feed_dict={x: X, y: Y})
    """

    def run(self, fetches: Any, feed_dict: Optional[Feed] = None) -> Any:
        """The values of a node, or of a list or tuple of them."""
        return run(fetches, {} if feed_dict is None else feed_dict)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: Any) -> None:
        return None
