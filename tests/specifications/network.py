"""docs/numeric_contract.md, section Layers, in NumPy: the models with their options, and the loss."""

import hashlib
import math

import numpy as np
from arithmetic import F, Stream, exp, initial_values, log, long_sum, u64
from layers import AveragePooling, Convolution, Dense, Direct, Dropout, Flatten, MaxPooling
from layers import Naive, Normalization, Relu, Tanh


def stream_of(settings, kind):
    """The stream seed / kind: docs/numeric_contract.md, section Random numbers."""
    own = settings[{"layers": "dropout"}.get(kind, kind) + "_seed"]
    return Stream.of_seed(settings["seed"] if own < 0 else own).child(kind)


class Network:
    def __init__(self, settings, shape, classes):
        self.settings = settings
        self.layers = []  # (name, layer)
        self.out = shape
        self.activations = 0  # those left out are counted
        width = settings["width"]
        convolutions, hidden = {
            "lenet5": ([(6, 2), (16, 0)], [120, 84]),
            "four_layer_cnn": ([(width, 2), (width, 2), (2 * width, 2)], []),
        }[settings["model"]]
        for number, (filters, padding) in enumerate(convolutions, start=1):
            self.add_convolution(number, filters, padding)
        self.add("flatten", Flatten(self.out))
        if settings["model"] == "four_layer_cnn":
            self.add_dropout(1)
        for number, units in enumerate(hidden, start=1):
            self.add_hidden(number, units)
        self.add(f"dense{len(hidden) + 1}", Dense(self.out, classes))
        self.parameters = np.concatenate(list(self.initial(len(hidden))))

    def add_convolution(self, number, filters, padding):
        algorithm = {"direct": Direct, "naive": Naive}[self.settings["conv_algorithm"]]
        self.activations += 1
        if self.settings["without"] != f"conv{number}":
            self.add(f"conv{number}", Convolution(self.out, filters, 5, padding, algorithm))
            self.add_activation(self.activations)
            if self.settings["normalization"] == "local_response" and number <= 2:
                self.add(f"norm{number}", Normalization(self.out))
        pooling = MaxPooling if self.settings["pooling"] == "max" else AveragePooling
        self.add(f"pool{number}", pooling(self.out, self.settings["pool_kernel"]))

    def add_hidden(self, number, units):
        self.activations += 1
        if self.settings["without"] == f"dense{number}":
            return
        self.add(f"dense{number}", Dense(self.out, units))
        self.add_activation(self.activations)
        self.add_dropout(number)

    def add_dropout(self, number):
        name, rate = f"dropout{number}", self.settings["dropout"]
        if rate > 0:
            self.add(name, Dropout(self.out, rate, stream_of(self.settings, "layers").child(name)))

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

    def initial(self, hidden):
        ones = {"conv2", "conv4", "conv5", *(f"dense{number + 1}" for number in range(hidden))}
        for name, layer in self.layers:
            for parameter, shape in layer.shapes.items():
                count = math.prod(shape)
                if parameter == "bias":
                    yield np.full(count, F(self.settings["initializer"] == "alexnet" and name in ones))
                    continue
                stream = stream_of(self.settings, "parameters").child(name).child(parameter)
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

    def kinds(self):
        """"weight" or "bias" of each value of the parameters."""
        shapes = (item for _, layer in self.layers for item in layer.shapes.items())
        return [name for name, shape in shapes for _ in range(math.prod(shape))]

    def sha256(self):
        return hashlib.sha256(u64(len(self.parameters)) + self.parameters.astype("<f4").tobytes()).hexdigest()

    def forward(self, images, call):
        """The activations, the images first and the logits last."""
        activations = [images]
        for (_, layer), own in zip(self.layers, self.split()):
            activations.append(layer.forward(activations[-1], own, call))
        return activations

    def block_gradient(self, images, labels, batch_size, call):
        """(sum of the losses in double, errors, the parameters' gradient) of a block."""
        activations = self.forward(images, call)
        losses, probabilities = cross_entropy(activations[-1], labels)
        target = np.arange(probabilities.shape[1]) == labels[:, None]
        g = (probabilities - target.astype(F)) * F(1.0 / batch_size)
        gradients = []
        for index, own in reversed(list(enumerate(self.split()))):
            layer = self.layers[index][1]
            g, grads = layer.backward(g, activations[index], activations[index + 1], own, call)
            gradients = [grads[name].reshape(-1) for name in layer.shapes] + gradients
        errors = np.count_nonzero(activations[-1].argmax(axis=1) != labels)
        return long_sum(losses.astype(np.float64)), errors, np.concatenate(gradients)


def cross_entropy(logits, labels):
    """(losses, probabilities)."""
    differences = logits - logits.max(axis=1, keepdims=True)
    exponentials = exp(differences)
    sums = long_sum(exponentials.T)
    losses = log(sums) - differences[np.arange(len(labels)), labels]
    return losses, exponentials / sums[:, None]


def mean_of_probabilities(logits):
    """The logarithms of the mean over views of the softmax of their logits."""
    logs = []
    for each in logits:
        differences = each - each.max(axis=1, keepdims=True)
        logs.append(differences - log(long_sum(exp(differences).T))[:, None])
    most = np.maximum.reduce(logs)
    total = np.zeros_like(most)
    for each in logs:
        total = total + exp(each - most)
    return most + log(total / F(len(logs)))
