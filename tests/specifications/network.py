"""docs/numeric_contract.md, sections Layers, Augmentation and A training run, in NumPy: LeNet-5 with its options."""

import hashlib
import math

import numpy as np
from arithmetic import (
    F,
    RUN_TERMS,
    Stream,
    chain,
    exp,
    fma,
    initial_values,
    log,
    long_sum,
    matrix_product,
    pairwise,
    tanh,
    u64,
)


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

    def forward(self, x, p, _call):
        return matrix_product(x, p["weight"]) + p["bias"]

    def backward(self, g, x, _y, p, _call):
        grads = {"weight": matrix_product(x.T, g), "bias": long_sum(g)}
        return matrix_product(g, p["weight"].T), grads


class Layer:
    """One without parameters."""

    shapes = {}

    def __init__(self, shape):
        self.out = shape

    def backward(self, g, x, y, _p, call):
        return self.gradient(g, x, y, call), {}


class Relu(Layer):
    def forward(self, x, _p, _call):
        return np.where(x < 0, F(0), x)

    def gradient(self, g, _x, y, _call):
        return np.where(y <= 0, F(0), g)


class Tanh(Layer):
    def __init__(self, shape, amplitude=F(1), slope=F(1)):
        super().__init__(shape)
        self.amplitude, self.slope = amplitude, slope

    def forward(self, x, _p, _call):
        return tanh(self.slope * x) * self.amplitude

    def gradient(self, g, _x, y, _call):
        return g * (self.amplitude * self.slope - self.slope / self.amplitude * (y * y))


class Flatten(Layer):
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


class Lenet5:
    def __init__(self, settings, shape, classes):
        self.settings = settings
        self.seed = Stream.of_seed(settings["seed"])
        self.layers = []  # (name, layer)
        self.out = shape
        algorithm = {"direct": Direct, "naive": Naive}[settings["conv"]]
        for number, (filters, padding) in enumerate([(6, 2), (16, 0)], start=1):
            self.add(f"conv{number}", Convolution(self.out, filters, 5, padding, algorithm))
            self.add_activation(number)
            if settings["normalization"] == "local_response":
                self.add(f"norm{number}", Normalization(self.out))
            pooling = MaxPooling if settings["pooling"] == "max" else AveragePooling
            self.add(f"pool{number}", pooling(self.out, settings["pool_kernel"]))
        self.add("flatten", Flatten(self.out))
        for number, units in enumerate([120, 84], start=1):
            self.add(f"dense{number}", Dense(self.out, units))
            self.add_activation(number + 2)
            if settings["dropout"] > 0:
                name = f"dropout{number}"
                self.add(name, Dropout(self.out, settings["dropout"], self.seed.child("layers").child(name)))
        self.add("dense3", Dense(self.out, classes))
        self.parameters = np.concatenate(list(self.initial()))

    def add(self, name, layer):
        self.layers.append((name, layer))
        self.out = layer.out

    def add_activation(self, number):
        made = {
            "relu": lambda: Relu(self.out),
            "tanh": lambda: Tanh(self.out),
            "scaled_tanh": lambda: Tanh(self.out, F(1.7159), F(2) / F(3)),
        }
        activation = self.settings["activation"]
        self.add(f"{activation}{number}", made[activation]())

    def initial(self):
        for name, layer in self.layers:
            for parameter, shape in layer.shapes.items():
                count = math.prod(shape)
                if parameter == "bias":
                    yield np.zeros(count, F)
                    continue
                stream = self.seed.child("parameters").child(name).child(parameter)
                yield initial_values(self.settings["initializer"], count, *layer.fans, stream)

    def split(self):
        """Each layer's parameters, by name."""
        offset = 0
        for _, layer in self.layers:
            own = {}
            for name, shape in layer.shapes.items():
                own[name] = self.parameters[offset : offset + math.prod(shape)].reshape(shape)
                offset += math.prod(shape)
            yield own

    def sha256(self):
        return hashlib.sha256(u64(len(self.parameters)) + self.parameters.astype("<f4").tobytes()).hexdigest()

    def forward(self, images, call):
        """The activations, the images first and the logits last."""
        activations = [images]
        for (_, layer), own in zip(self.layers, self.split()):
            activations.append(layer.forward(activations[-1], own, call))
        return activations

    def block_gradient(self, images, labels, batch_size, call):
        """(sum of the losses in double, the parameters' gradient) of a block."""
        activations = self.forward(images, call)
        losses, probabilities = cross_entropy(activations[-1], labels)
        target = np.arange(probabilities.shape[1]) == labels[:, None]
        g = (probabilities - target.astype(F)) * F(1.0 / batch_size)
        gradients = []
        for index, own in reversed(list(enumerate(self.split()))):
            layer = self.layers[index][1]
            g, grads = layer.backward(g, activations[index], activations[index + 1], own, call)
            gradients = [grads[name].reshape(-1) for name in layer.shapes] + gradients
        return long_sum(losses.astype(np.float64)), np.concatenate(gradients)


def cross_entropy(logits, labels):
    """(losses, probabilities)."""
    differences = logits - logits.max(axis=1, keepdims=True)
    exponentials = exp(differences)
    sums = long_sum(exponentials.T)
    losses = log(sums) - differences[np.arange(len(labels)), labels]
    return losses, exponentials / sums[:, None]


class Optimizer:
    def __init__(self, settings, count):
        self.settings = settings
        self.steps = 0
        self.first, self.second = np.zeros(count, F), np.zeros(count, F)
        self.power1 = self.power2 = 1.0

    def step(self, w, g, lr):
        self.steps += 1
        c = self.settings
        if c["optimizer"] == "sgd":
            self.first = F(c["momentum"]) * self.first - F(c["weight_decay"] * lr) * w - F(lr) * g
            return w + self.first
        self.power1 *= c["beta1"]
        self.power2 *= c["beta2"]
        self.first = F(c["beta1"]) * self.first + F(1.0 - c["beta1"]) * g
        self.second = F(c["beta2"]) * self.second + F(1.0 - c["beta2"]) * (g * g)
        scale = np.sqrt(self.second) / F(math.sqrt(1.0 - self.power2)) + F(c["epsilon"])
        return w - F(lr / (1.0 - self.power1)) * self.first / scale


def images_of(pixels):
    return pixels.astype(F)[..., None] / F(255)


class Augmentation:
    def __init__(self, settings, stream):
        self.shift, self.reflect = settings["shift"], settings["reflect"]
        self.distortion = settings["distortion"]
        self.stream = stream

    def images_of(self, pixels, indices, epoch):
        return np.stack([self.image(pixels[i], 16 * i, self.stream.child(epoch)) for i in indices])[..., None]

    def image(self, pixels, c, stream):
        moved = [int(bits) * (2 * self.shift + 1) >> 64 for bits in stream.bits([c, c + 1])]
        dy, dx = (place - self.shift for place in moved)
        rows, columns = (np.arange(size) for size in pixels.shape)
        if self.distortion > 0:
            image = self.distorted(pixels, rows[:, None] - dy, columns - dx, stream.uniform(np.arange(c + 3, c + 7)))
        else:
            image = padded_at(pixels, rows[:, None] - dy, columns - dx) / F(255)
        reflects = self.reflect and stream.words([c + 2])[0, 0] >> np.uint64(31)
        return image[:, ::-1] if reflects else image

    def distorted(self, pixels, y, x, uniform):
        height, width = pixels.shape
        s, q, h, r = self.distortion * (2.0 * uniform - 1.0)
        v, u = y - 0.5 * (height - 1), x - 0.5 * (width - 1)
        fy = np.clip((1.0 + s + q) * v + r * u + 0.5 * (height - 1), -1, height) + 1.0
        fx = np.clip((h - r) * v + (1.0 + s - q) * u + 0.5 * (width - 1), -1, width) + 1.0
        t, l = fy.astype(int), fx.astype(int)
        down, right = (fy - t).astype(F), (fx - l).astype(F)
        above, below = (
            (F(1) - right) * padded_at(pixels, row, l - 1) + right * padded_at(pixels, row, l) for row in (t - 1, t)
        )
        return ((F(1) - down) * above + down * below) / F(255)


def padded_at(pixels, rows, columns):
    """The pixels at these places as float32, 0 outside the image."""
    height, width = pixels.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    found = pixels[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    return np.where(inside, found.astype(F), F(0))


class Training:
    """A run of `settings` on data = {"train": (pixels N,H,W, labels), "test": ...}."""

    def __init__(self, settings, data, classes):
        self.settings, self.data = settings, data
        pixels = data["train"][0]
        self.model = Lenet5(settings, (*pixels.shape[1:], 1), classes)
        self.optimizer = Optimizer(settings, len(self.model.parameters))
        self.augmentation = Augmentation(settings, self.model.seed.child("augmentation"))
        self.step_losses = []

    def train(self):
        for epoch in range(self.settings["epochs"]):
            order = self.model.seed.child("order").child(epoch).permutation(self.settings["train_images"])
            for first in range(0, len(order), self.settings["batch_size"]):
                self.train_batch(epoch, order[first : first + self.settings["batch_size"]])

    def learning_rate(self, epoch):
        rate = self.settings["learning_rate"]
        for drop in filter(None, self.settings["drop_epochs"].split(",")):
            rate *= self.settings["drop_factor"] if int(drop) <= epoch else 1.0
        return rate

    def train_batch(self, epoch, batch):
        pixels, labels = self.data["train"]
        size = min(self.settings["block_size"], self.settings["batch_size"])
        losses, gradients = [], []
        for first in range(0, len(batch), size):
            block = batch[first : first + size]
            call = {"step": self.optimizer.steps, "first_image": first}
            images = self.augmentation.images_of(pixels, block, epoch)
            loss, gradient = self.model.block_gradient(images, labels[block], len(batch), call)
            losses.append(loss)
            gradients.append(gradient)
        self.step_losses.append(pairwise(losses) / len(batch))
        self.model.parameters = self.optimizer.step(
            self.model.parameters, pairwise(gradients), self.learning_rate(epoch)
        )

    def test_loss(self):
        pixels, labels = self.data["test"]
        parts = []
        for n in range(0, len(labels), 16):
            logits = self.model.forward(images_of(pixels[n : n + 16]), None)[-1]
            losses, _ = cross_entropy(logits, labels[n : n + 16])
            parts.append(long_sum(losses.astype(np.float64)))
        return pairwise(parts) / len(labels)
