"""Convolutions with both gradients, reproducible to the bit, for numpy arrays.

    import numpy as np, reprise
    images = np.random.rand(8, 28, 28, 1).astype(np.float32)   # N,H,W,C
    weight = np.random.rand(5, 5, 1, 6).astype(np.float32)     # KH,KW,IC/G,OC
    output = reprise.conv2d(images, weight, padding="same")    # (8, 28, 28, 6)

The same arrays and settings give the same bits on every processor, with any number of threads, and
an image's output has the same bits in any batch (by every algorithm of class portable; see
conv_algorithms()).

Arrays. Activations are N,H,W,C and weights KH,KW,IC/G,OC, as in TensorFlow. float32 arrays in C
order are read in place; other dtypes and orders, buffers, DLPack tensors and nested lists are
converted once. Results are new arrays that own their memory. No argument is written to.

Threads. The library works without Python's lock, so that other Python threads run meanwhile; they
must not write to the arrays of a call. One call cannot be interrupted: Ctrl-C takes effect after it.
In a process forked after calls with threads > 1, calls use one thread.

Errors. TypeError for what is not a number, text or array of numbers; ValueError for sizes and values
that do not fit; MemoryError for arrays and workspaces that cannot be allocated. The text is one
line: where, what was given, what was expected.

reprise.models trains convolutional networks, as the program train_lenet5 does, to the same digests.
reprise.layers, reprise.losses and reprise.optimizers have their parts, each by itself.
open(), compare(), verify() and digest() read and check the records of runs. reprise.holberton has the
functions of a course, by the course's names.
"""

from . import layers, losses, models, optimizers
from ._convolution import (
    Conv2dGradients,
    ConvAlgorithm,
    ConvShape,
    conv2d,
    conv2d_backward,
    conv2d_reference,
    conv2d_reference_backward,
    conv_algorithms,
    conv_shape,
    resolve,
)
from ._pooling import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from ._records import Group, Record, Verification, compare, digest, open, verify
from ._reprise import Dataset
from .models import load_dataset

__all__ = [
    "Conv2dGradients",
    "ConvAlgorithm",
    "ConvShape",
    "Dataset",
    "Group",
    "Record",
    "Verification",
    "avg_pool2d",
    "avg_pool2d_backward",
    "compare",
    "conv2d",
    "conv2d_backward",
    "conv2d_reference",
    "conv2d_reference_backward",
    "conv_algorithms",
    "conv_shape",
    "digest",
    "layers",
    "load_dataset",
    "losses",
    "max_pool2d",
    "max_pool2d_backward",
    "models",
    "open",
    "optimizers",
    "resolve",
    "verify",
]
