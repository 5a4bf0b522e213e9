"""docs/numeric_contract.md, section Layers, in NumPy: the model LeNet-5 with its options, and the loss."""

import hashlib
import math

import numpy as np
from arithmetic import F, Stream, exp, initial_values, log, long_sum, u64
from layers import AveragePooling, Convolution, Dense, Direct, Dropout, Flatten, MaxPooling
from layers import Naive, Normalization, Relu, Tanh


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
