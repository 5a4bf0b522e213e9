"""Types of arguments, for annotations."""

from __future__ import annotations

from typing import Literal, Tuple, Union

import numpy as np
import numpy.typing as npt

Pair = Union[int, Tuple[int, int]]
Padding = Union[
    Literal["valid", "same", "keep_size"],
    int,
    Tuple[int, int],
    Tuple[Tuple[int, int], Tuple[int, int]],
]
Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
