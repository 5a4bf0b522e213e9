"""Losses of classification, with their gradients.

    losses, probabilities = softmax_cross_entropy(logits, labels, label_smoothing=0.1)
    grad_logits = softmax_cross_entropy_backward(
        probabilities, labels, label_smoothing=0.1, scale=1 / target_weight(logits, labels)
    )

Scores are N,classes (at most 256 classes) in float32; labels N integers from 0. Losses come image by
image, as PyTorch's do with reduction="none"; their sum divided by target_weight() is the mean that
PyTorch gives. Definitions are those of PyTorch's cross_entropy, nll_loss and log_softmax.

class_weights    a weight for each class, finite and 0 or more; None: 1 each
ignored_label    images of this label, an integer that need be no class, have loss and gradient 0
label_smoothing  s of 0 to 1: the target is 1 - s for the label, plus s / classes for each class

ValueError for sizes, labels and options that do not fit; TypeError for arguments of the wrong kind.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

import numpy.typing as npt

from . import _reprise
from ._types import Float32Array

__all__ = [
    "CrossEntropy",
    "log_softmax",
    "log_softmax_backward",
    "negative_log_likelihood",
    "negative_log_likelihood_backward",
    "softmax_cross_entropy",
    "softmax_cross_entropy_backward",
    "target_weight",
]


class CrossEntropy(NamedTuple):
    """What softmax_cross_entropy() returns."""

    losses: Float32Array  #: N, in nats
    probabilities: Float32Array  #: N,classes: the softmax


def softmax_cross_entropy(
    logits: npt.ArrayLike,
    labels: npt.ArrayLike,
    class_weights: Optional[npt.ArrayLike] = None,
    ignored_label: Optional[int] = None,
    label_smoothing: float = 0.0,
) -> CrossEntropy:
    """Softmax and cross-entropy of logits N,classes against labels N. Of an image with a NaN, or
    whose largest logit is infinite, probabilities and loss are NaN."""
    return CrossEntropy(
        *_reprise.softmax_cross_entropy(logits, labels, class_weights, ignored_label, label_smoothing)
    )


def softmax_cross_entropy_backward(
    probabilities: npt.ArrayLike,
    labels: npt.ArrayLike,
    class_weights: Optional[npt.ArrayLike] = None,
    ignored_label: Optional[int] = None,
    label_smoothing: float = 0.0,
    scale: float = 1.0,
) -> Float32Array:
    """The gradient of scale * the sum of the losses with respect to the logits, N,classes, of the
    probabilities that softmax_cross_entropy() gave; the other arguments are its."""
    return _reprise.softmax_cross_entropy_backward(
        probabilities, labels, class_weights, ignored_label, label_smoothing, scale
    )


def log_softmax(logits: npt.ArrayLike) -> Float32Array:
    """The logarithm of the softmax of each row, N,classes."""
    return _reprise.log_softmax(logits)


def log_softmax_backward(log_probabilities: npt.ArrayLike, grad_output: npt.ArrayLike) -> Float32Array:
    """The gradient with respect to the logits, of what log_softmax() gave and the loss's gradient with
    respect to that, both N,classes."""
    return _reprise.log_softmax_backward(log_probabilities, grad_output)


def negative_log_likelihood(
    log_probabilities: npt.ArrayLike,
    labels: npt.ArrayLike,
    class_weights: Optional[npt.ArrayLike] = None,
    ignored_label: Optional[int] = None,
) -> Float32Array:
    """-weight(label) * log_probability(label) of each row, N."""
    return _reprise.negative_log_likelihood(log_probabilities, labels, class_weights, ignored_label)


def negative_log_likelihood_backward(
    log_probabilities: npt.ArrayLike,
    labels: npt.ArrayLike,
    class_weights: Optional[npt.ArrayLike] = None,
    ignored_label: Optional[int] = None,
    scale: float = 1.0,
) -> Float32Array:
    """The gradient of scale * the sum of the losses with respect to log_probabilities, whose values do
    not matter, N,classes."""
    return _reprise.negative_log_likelihood_backward(
        log_probabilities, labels, class_weights, ignored_label, scale
    )


def target_weight(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    class_weights: Optional[npt.ArrayLike] = None,
    ignored_label: Optional[int] = None,
) -> float:
    """What the sum of the losses is divided by for their mean: the weights of the labels, added;
    ignored ones count 0. Of the scores N,classes only the shape matters."""
    return _reprise.target_weight(scores, labels, class_weights, ignored_label)
