"""docs/numeric_contract.md, section Layers, in NumPy: what the layers of LeNet-5 and its variants compute."""

import math

import numpy as np
from arithmetic import F, RUN_TERMS, chain, fma, long_sum, matrix_product, pairwise, tanh


class Direct:
    """Chains of fused multiply-adds."""

    dtype = F
    run_terms = RUN_TERMS
    step = staticmethod(fma)

    @staticmethod
    def result(values):
        return values + F(0)


class Naive:
    """Chains in double, where products of float32 are exact."""

    dtype = np.float64
    run_terms = 2**62

    @staticmethod
    def step(a, b, acc):
        return acc + np.multiply(a, b, dtype=np.float64)

    @staticmethod
    def result(values):
        return values.astype(F)


class Convolution:
    def __init__(self, shape, filters, size, padding, algorithm):
        height, width, channels = shape
        self.size, self.padding = size, padding
        self.algorithm = algorithm
        self.shapes = {"weight": (size, size, channels, filters), "bias": (filters,)}
        self.fans = size * size * channels, size * size * filters
        self.out = height + 2 * padding - size + 1, width + 2 * padding - size + 1, filters

    def words(self, settings):
        padding = "same" if self.padding else "valid"
        return "conv2d", f"{self.size}x{self.size}, {padding} padding, {settings['conv_algorithm']}"

    def inside(self, tap, axis, extent):
        """The positions whose cell for this tap is in the image, and those cells."""
        first = max(0, self.padding - tap)
        last = min(self.out[axis], extent + self.padding - tap)
        return slice(first, last), slice(first + tap - self.padding, last + tap - self.padding)

    def taps(self, x):
        for kh in range(self.size):
            rows, cell_rows = self.inside(kh, 0, x.shape[1])
            for kw in range(self.size):
                columns, cell_columns = self.inside(kw, 1, x.shape[2])
                yield kh, kw, (slice(None), rows, columns), (slice(None), cell_rows, cell_columns)

    def forward(self, x, p, _call):
        y = np.broadcast_to(p["bias"], (len(x), *self.out)).astype(self.algorithm.dtype)
        for kh, kw, at, cells in self.taps(x):
            for ic in range(x.shape[3]):
                y[at] = self.algorithm.step(x[cells][..., ic, None], p["weight"][kh, kw, ic], y[at])
        return self.algorithm.result(y)

    def backward(self, g, x, _y, p, _call):
        gx = np.zeros(x.shape, self.algorithm.dtype)
        for kh, kw, at, cells in self.taps(x):
            for oc in range(g.shape[3]):
                gx[cells] = self.algorithm.step(g[at][..., oc, None], p["weight"][kh, kw, :, oc], gx[cells])
        bias = long_sum(long_sum(g.reshape(len(g), -1, g.shape[3]).swapaxes(0, 1)))
        return self.algorithm.result(gx), {"weight": self.grad_weight(g, x), "bias": bias}

    def grad_weight(self, g, x):
        runs, terms = [], 0
        for n in range(len(g)):
            for oh in range(self.out[0]):
                top = oh - self.padding
                rows = slice(max(0, -top), min(self.size, x.shape[1] - top))
                for ow in range(self.out[1]):
                    if terms % self.algorithm.run_terms == 0:
                        runs.append(np.zeros(self.shapes["weight"], self.algorithm.dtype))
                    terms += 1
                    left = ow - self.padding
                    columns = slice(max(0, -left), min(self.size, x.shape[2] - left))
                    cells = x[n, top + rows.start : top + rows.stop, left + columns.start : left + columns.stop]
                    acc = runs[-1][rows, columns]
                    acc[...] = self.algorithm.step(cells[..., None], g[n, oh, ow], acc)
        return self.algorithm.result(pairwise(runs))


class Dense:
    def __init__(self, shape, units):
        (inputs,) = shape
        self.shapes = {"weight": (inputs, units), "bias": (units,)}
        self.fans = inputs, units
        self.out = (units,)

    def words(self, _settings):
        return "dense", ""

    def forward(self, x, p, _call):
        return matrix_product(x, p["weight"]) + p["bias"]

    def backward(self, g, x, _y, p, _call):
        grads = {"weight": matrix_product(x.T, g), "bias": long_sum(g)}
        return matrix_product(g, p["weight"].T), grads


class Layer:
    """One without parameters. `words` are its type and settings."""

    shapes = {}
    type = ""

    def words(self, _settings):
        return self.type, ""

    def __init__(self, shape):
        self.out = shape

    def backward(self, g, x, y, _p, call):
        return self.gradient(g, x, y, call), {}


class Relu(Layer):
    type = "relu"

    def forward(self, x, _p, _call):
        return np.where(x < 0, F(0), x)

    def gradient(self, g, _x, y, _call):
        return np.where(y <= 0, F(0), g)


class Tanh(Layer):
    def __init__(self, shape, amplitude=F(1), slope=F(1)):
        super().__init__(shape)
        self.amplitude, self.slope = amplitude, slope

    def words(self, _settings):
        return "tanh", "" if self.amplitude == 1 else "1.7159 tanh(0.6666667 x)"

    def forward(self, x, _p, _call):
        return tanh(self.slope * x) * self.amplitude

    def gradient(self, g, _x, y, _call):
        return g * (self.amplitude * self.slope - self.slope / self.amplitude * (y * y))


class Flatten(Layer):
    type = "flatten"

    def __init__(self, shape):
        super().__init__((math.prod(shape),))

    def forward(self, x, _p, _call):
        return x.reshape(len(x), -1)

    def gradient(self, g, x, _y, _call):
        return g.reshape(x.shape)


class Pooling(Layer):
    """Windows of 2 or 3 with stride 2."""

    def __init__(self, shape, window):
        def positions(size):
            return (size - 2) // 2 + 1 if window == 2 else math.ceil((size - 3) / 2) + 1

        super().__init__((positions(shape[0]), positions(shape[1]), shape[2]))
        self.window = window

    def words(self, _settings):
        return self.type, f"{self.window}x{self.window}, stride 2x2"

    def windows(self, x):
        for oh in range(self.out[0]):
            for ow in range(self.out[1]):
                rows = slice(2 * oh, min(2 * oh + self.window, x.shape[1]))
                columns = slice(2 * ow, min(2 * ow + self.window, x.shape[2]))
                yield (slice(None), oh, ow), (slice(None), rows, columns)

    @staticmethod
    def cells(window):
        """(cells in row-major order, N, C)."""
        return window.reshape(len(window), -1, window.shape[3]).swapaxes(0, 1)


class MaxPooling(Pooling):
    type = "max_pool2d"

    def forward(self, x, _p, _call):
        y = np.empty((len(x), *self.out), F)
        for at, window in self.windows(x):
            cells = self.cells(x[window])
            first = cells.argmax(axis=0)
            y[at] = np.take_along_axis(cells, first[None], axis=0)[0]
        return y

    def gradient(self, g, x, _y, _call):
        gx = np.zeros_like(x)
        for at, window in self.windows(x):
            cells = self.cells(x[window])
            given = np.where(np.arange(len(cells))[:, None, None] == cells.argmax(axis=0), g[at], F(0))
            gx[window] += given.swapaxes(0, 1).reshape(gx[window].shape)
        return gx


class AveragePooling(Pooling):
    type = "average_pool2d"

    def forward(self, x, _p, _call):
        y = np.empty((len(x), *self.out), F)
        for at, window in self.windows(x):
            cells = self.cells(x[window])
            y[at] = long_sum(cells) / F(len(cells))
        return y

    def gradient(self, g, x, _y, _call):
        gx = np.zeros_like(x)
        for at, window in self.windows(x):
            cells = len(self.cells(x[window]))
            gx[window] += (g[at] / F(cells))[:, None, None]
        return gx


class Normalization(Layer):
    k, alpha, beta = F(2), F(1e-4), F(0.75)

    def words(self, _settings):
        return "local_response_normalization", "k 2, n 5, alpha 0.0001, beta 0.75"

    @staticmethod
    def neighbours(values):
        padding = [(0, 0)] * (values.ndim - 1) + [(2, 2)]
        padded = np.pad(values, padding)
        terms = np.stack([padded[..., j : j + values.shape[-1]] for j in range(5)])
        return chain(terms[1:], start=terms[0])

    def scales(self, x):
        s = fma(self.alpha, self.neighbours(x * x), self.k)
        root = np.sqrt(s)
        return s, F(1) / (root * np.sqrt(root))

    def forward(self, x, _p, _call):
        return x * self.scales(x)[1]

    def gradient(self, g, x, _y, _call):
        s, w = self.scales(x)
        total = self.neighbours(g * (x * w) / s)
        return fma(F(-2) * self.alpha * self.beta * x, total, g * w)


class Dropout(Layer):
    def __init__(self, shape, rate, stream):
        super().__init__(shape)
        self.stream = stream
        self.threshold = np.uint64(round(rate * 2**32))
        self.scale = F(1.0 / (1.0 - rate))

    def words(self, settings):
        return "dropout", f"rate {settings['dropout']!r}"

    def forward(self, x, _p, call):
        if call is None:
            return x
        size = x.shape[1]
        counters = (size + 3) // 4
        first = (call["first_image"] + np.arange(len(x))) * counters
        words = self.stream.child(call["step"]).words(first[:, None] + np.arange(counters))
        kept = words.reshape(len(x), -1)[:, :size] >= self.threshold
        return np.where(kept, x * self.scale, F(0))

    def gradient(self, g, _x, _y, call):
        return self.forward(g, None, call)
