"""docs/numeric_contract.md, section A training run, in NumPy."""

import math

import numpy as np
from arithmetic import F, chain, long_sum, pairwise
from augmentation import Augmentation, Inputs
from network import Network, cross_entropy, mean_of_probabilities, stream_of


class Optimizer:
    def __init__(self, settings, count, kinds=None):
        self.settings = settings
        self.kinds = kinds  # of each parameter ("weight", "bias")
        self.steps = 0
        self.first, self.second = np.zeros(count, F), np.zeros(count, F)
        self.power1 = self.power2 = 1.0

    def step(self, w, g, lr):
        self.steps += 1
        c = self.settings
        factors = {"weight": 1.0, "bias": 1.0}  # of `layers` those of all layers, and of rates alone
        for item in c["layers"].split():
            key, factor = item.split("=")
            factors[key.removeprefix("all.").removesuffix("_lr_mult")] = float(factor)
        rates = np.array([factors[kind] * lr for kind in self.kinds])
        if len(set(rates)) > 1:
            assert c["optimizer"] == "sgd"
            decays = (c["weight_decay"] * rates).astype(F)
            self.first = F(c["momentum"]) * self.first - decays * w - rates.astype(F) * g
            return w + self.first
        lr = rates[0]
        if c["optimizer"] == "sgd":
            self.first = F(c["momentum"]) * self.first - F(c["weight_decay"] * lr) * w - F(lr) * g
            return w + self.first
        self.power1 *= c["beta1"]
        self.power2 *= c["beta2"]
        self.first = F(c["beta1"]) * self.first + F(1.0 - c["beta1"]) * g
        self.second = F(c["beta2"]) * self.second + F(1.0 - c["beta2"]) * (g * g)
        scale = np.sqrt(self.second) / F(math.sqrt(1.0 - self.power2)) + F(c["epsilon"])
        return w - F(lr / (1.0 - self.power1)) * self.first / scale


def split(settings, data):
    """The data with the images held out that the settings say."""
    if settings["holdout"] == 0:
        return data
    images = len(data["train"][1])
    order = np.arange(images)
    if settings["holdout_draw"] == "random":
        order = np.array(stream_of(settings, "holdout").permutation(images))
    kept = images - settings["holdout"]
    parts = {"train": np.sort(order[:kept]), "test": np.sort(order[kept:])}
    return {part: [values[numbers] for values in data["train"]] for part, numbers in parts.items()}


class Training:
    """A run of `settings` on data = {"train": (pixels N,H,W, labels), "test": ...}."""

    def __init__(self, settings, data, classes):
        self.settings, self.data = settings, split(settings, data)
        pixels = self.data["train"][0]
        self.inputs = Inputs(settings, pixels[: settings["train_images"]])
        self.model = Network(settings, (*self.inputs.shape, 1), classes)
        self.optimizer = Optimizer(settings, len(self.model.parameters), self.model.kinds())
        self.augmentation = Augmentation(settings, stream_of(settings, "augmentation"), self.inputs)
        self.last_test = None  # what evaluate("test") gave after the last epoch
        self.history = []  # of each epoch what docs/record_contents.md lists

    def train(self):
        for epoch in range(self.settings["epochs"]):
            steps = []  # (loss, errors, images)
            order = stream_of(self.settings, "order").child(epoch).permutation(self.settings["train_images"])
            for first in range(0, len(order), self.settings["batch_size"]):
                steps.append(self.train_batch(epoch, order[first : first + self.settings["batch_size"]]))
            self.history.append(self.epoch_of(epoch, steps))

    def epoch_of(self, epoch, steps):
        test = self.last_test = self.evaluate("test")
        images = self.settings["train_images"]
        return {
            "learning_rate": self.learning_rate(epoch),
            "parameters_sha256": self.model.sha256(),
            "train_loss": chain(np.array([loss for loss, _, _ in steps])) / images,
            "train_error": sum(errors for _, errors, _ in steps) / images,
            "test_loss": test["loss"],
            "test_error": test["error"],
            "step_loss": [loss / count for loss, _, count in steps],
            "step_error": [errors / count for _, errors, count in steps],
        }

    def learning_rate(self, epoch):
        rate = self.settings["learning_rate"]
        for drop in filter(None, self.settings["lr_milestones"].split(",")):
            rate *= self.settings["lr_gamma"] if int(drop) <= epoch else 1.0
        return rate

    def train_batch(self, epoch, batch):
        pixels, labels = self.data["train"]
        size = min(self.settings["block_size"], self.settings["batch_size"])
        losses, gradients, errors = [], [], 0
        for first in range(0, len(batch), size):
            block = batch[first : first + size]
            call = {"step": self.optimizer.steps, "first_image": first}
            images = self.augmentation.images_of(pixels, block, epoch)
            loss, wrong, gradient = self.model.block_gradient(images, labels[block], len(batch), call)
            losses.append(loss)
            gradients.append(gradient)
            errors += wrong
        self.model.parameters = self.optimizer.step(
            self.model.parameters, pairwise(gradients), self.learning_rate(epoch)
        )

        return pairwise(losses), errors, len(batch)

    def evaluate(self, part, count=None, views=None):
        """Of the first `count` images, or all, by their centre or the mean over views: loss, error; and of each image
        logits, probabilities, and the last layer's input from the centre."""
        pixels, labels = (values[:count] for values in self.data[part])
        parts, blocks = [], []
        for n in range(0, len(labels), 16):
            block = pixels[n : n + 16]
            activations = self.model.forward(self.inputs.view(block, self.inputs.centre), None)
            logits = activations[-1]
            if views is not None and len(views) > 1:
                logits = mean_of_probabilities(
                    [self.model.forward(self.inputs.view(block, view), None)[-1] for view in views]
                )
            losses, probabilities = cross_entropy(logits, labels[n : n + 16])
            parts.append(long_sum(losses.astype(np.float64)))
            blocks.append((logits, probabilities, activations[-2]))
        logits, probabilities, features = (np.concatenate(arrays) for arrays in zip(*blocks))
        error = np.count_nonzero(logits.argmax(axis=1) != labels) / len(labels)
        found = {"loss": pairwise(parts) / len(labels), "error": error, "logits": logits}
        return found | {"probabilities": probabilities, "features": features}
