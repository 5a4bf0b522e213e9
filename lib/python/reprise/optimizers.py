"""Optimizers: update rules, as training uses them, for parameters of one's own.

    adam = reprise.optimizers.Adam(learning_rate=0.001)
    weights = adam.step(weights, gradients)     # lists of arrays; new ones are returned

State and arithmetic are float32, as in training. With lr the learning rate, w a parameter and g its
gradient:

SGD       v <- momentum v - weight_decay lr w - lr g;  w <- w + v
          (Krizhevsky, Sutskever, Hinton 2012, section 5)
Nesterov  v as of SGD;  w <- w + momentum v - weight_decay lr w - lr g
          (Sutskever, Martens, Dahl, Hinton 2013, in the form that PyTorch and Keras have)
Adam      m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;
          w <- w - (lr / (1 - beta1^t)) m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
          (Kingma, Ba 2015, algorithm 1)
RMSProp   v <- beta2 v + (1 - beta2) g^2;  m <- momentum m + g / (sqrt(v) + epsilon);  w <- w - lr m
          (Hinton 2012, lecture 6e; with momentum as in PyTorch)
Adagrad   s <- s + g^2;  w <- w - lr g / (sqrt(s) + epsilon)
          (Duchi, Hazan, Singer 2011, the diagonal form)
"""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import numpy as np
import numpy.typing as npt

from . import _reprise
from ._errors import as_list
from ._types import Float32Array

__all__ = ["Adagrad", "Adam", "Nesterov", "Optimizer", "RMSProp", "SGD"]


class Optimizer:
    """What all optimizers have; the classes below make one.

    learning_rate  may be changed between steps
    """

    def __init__(self, kind: str, learning_rate: float, options: Dict[str, float]) -> None:
        self.learning_rate = learning_rate
        self._arguments = kind, dict(options)
        self._rule = _reprise.Optimizer(kind, options)

    @property
    def steps(self) -> int:
        """The steps taken so far."""
        return self._rule.steps

    def step(
        self,
        parameters: Sequence[npt.ArrayLike],
        gradients: Sequence[npt.ArrayLike],
        threads: int = 1,
    ) -> List[Float32Array]:
        """One update: new arrays of the parameters' shapes, of a list of parameters and of their
        gradients. ValueError if shapes do not match each other or those of the steps before."""
        old = [_float32("parameters", array) for array in as_list("step", "parameters", parameters)]
        grads = [_float32("gradients", array) for array in as_list("step", "gradients", gradients)]
        if [array.shape for array in old] != [array.shape for array in grads]:
            raise ValueError(
                f"step: gradients of shapes {[array.shape for array in grads]}; expected the "
                f"parameters' {[array.shape for array in old]}"
            )
        if not old:
            raise ValueError("step: no parameters; expected one array or more")
        flat = self._rule.step(
            np.concatenate([array.ravel() for array in old]),
            np.concatenate([array.ravel() for array in grads]),
            self.learning_rate,
            threads,
        )
        ends = np.cumsum([array.size for array in old])
        parts = np.split(flat, ends[:-1])
        return [part.reshape(array.shape).copy() for part, array in zip(parts, old)]

    def __getstate__(self) -> Any:
        return self._arguments, self.learning_rate, self._rule.state()

    def __setstate__(self, state: Any) -> None:
        (kind, options), learning_rate, held = state
        Optimizer.__init__(self, kind, learning_rate, options)
        self._rule.restore(*held)


class SGD(Optimizer):
    """Gradient descent, with momentum and weight decay if they are not 0."""

    def __init__(
        self, learning_rate: float = 0.01, momentum: float = 0.0, weight_decay: float = 0.0
    ) -> None:
        super().__init__("sgd", learning_rate, dict(momentum=momentum, weight_decay=weight_decay))


class Nesterov(Optimizer):
    """Gradient descent with Nesterov's momentum."""

    def __init__(
        self, learning_rate: float = 0.01, momentum: float = 0.9, weight_decay: float = 0.0
    ) -> None:
        super().__init__("nesterov", learning_rate, dict(momentum=momentum, weight_decay=weight_decay))


class Adam(Optimizer):
    """Adam."""

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-7,
    ) -> None:
        super().__init__("adam", learning_rate, dict(beta1=beta1, beta2=beta2, epsilon=epsilon))


class RMSProp(Optimizer):
    """RMSProp; beta2 is what PyTorch calls alpha and Keras rho."""

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta2: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
    ) -> None:
        super().__init__("rmsprop", learning_rate, dict(beta2=beta2, momentum=momentum, epsilon=epsilon))


class Adagrad(Optimizer):
    """Adagrad; its sums of squares start at 0."""

    def __init__(self, learning_rate: float = 0.01, epsilon: float = 1e-7) -> None:
        super().__init__("adagrad", learning_rate, dict(epsilon=epsilon))


def _float32(name: str, array: npt.ArrayLike) -> Float32Array:
    values = np.asarray(array)
    if values.dtype.kind not in "biuf":
        raise TypeError(f"step: {name} of dtype {values.dtype}; expected arrays of numbers")
    return np.asarray(values, np.float32)
