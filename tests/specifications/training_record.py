"""docs/record_contents.md in NumPy: the tree of a training run's record, as far as its digest counts."""

import hashlib

import numpy as np
from arithmetic import F, long_sum
from record_digest import Dataset, Group, type_of

SAMPLES, NEIGHBOURS = 12, 6
WEIGHT_AXES = {4: ["kernel_height", "kernel_width", "in_channels", "out_channels"], 2: ["in", "out"]}


def texts(values, axis):
    return Dataset([axis], np.array(values, dtype=object))


def numbers(values, dtype, *axes):
    return Dataset(list(axes), np.array(values, dtype))


def configuration(settings):
    kinds = {int: np.int64, float: np.float64, str: str}
    return Group({name: kinds[type(value)](value) for name, value in settings.items()})


def data(files, lines, train, test):
    """Of the contents of IDX files by name, the lines of class_names.txt, and (images, labels) of both sets."""
    pixels = train[0]
    sizes = {"train_images": len(pixels), "test_images": len(test[0]), "height": pixels.shape[1]}
    sizes |= {"width": pixels.shape[2], "channels": 1}
    group = Group({"name": lines[0]} | {name: np.int64(size) for name, size in sizes.items()})
    digests = [hashlib.sha256(content).hexdigest() for content in files.values()]
    group.datasets["file_names"] = texts(list(files), "file")
    group.datasets["file_sha256"] = texts(digests, "file")
    group.datasets["class_names"] = texts(lines[1:], "class")
    return group


def history(training):
    epochs = training.history
    group = Group()
    group.datasets["epoch"] = numbers(np.arange(1, len(epochs) + 1), np.int64, "epoch")
    group.datasets["parameters_sha256"] = texts([epoch["parameters_sha256"] for epoch in epochs], "epoch")
    for name in ("learning_rate", "train_loss", "train_error", "test_loss", "test_error"):
        group.datasets[name] = numbers([epoch[name] for epoch in epochs], np.float64, "epoch")
    for name in ("step_loss", "step_error"):
        group.datasets[name] = numbers([epoch[name] for epoch in epochs], np.float64, "epoch", "step")
    return group


def shape_text(shape):
    return "(None, " + ", ".join(str(size) for size in shape) + ")"


def summary(model, names, types, shapes, counts):
    lines = [f'Model: "{model}"', "_" * 65, f"{' Layer (type)':<29}{'Output Shape':<26}{'Param #':<10}", "=" * 65]
    for name, kind, shape, count in zip(names, types, shapes, counts):
        named = f" {name} ({kind})"
        lines.append(f"{named:<29}{shape:<26}{f'{count:,}':<10}")
    return "\n".join([*lines, "=" * 65, f"Total params: {sum(counts):,}"]) + "\n"


def model(training, initial_sha256):
    own = training.model
    names = [name for name, _ in own.layers]
    types = [layer.words(training.settings)[0] for _, layer in own.layers]
    settings = [layer.words(training.settings)[1] for _, layer in own.layers]
    shapes = [shape_text(layer.out) for _, layer in own.layers]
    counts = [sum(values.size for values in values_of.values()) for values_of in own.split()]
    portable = {"direct": "portable", "naive": "portable"}
    group = Group({"parameters": np.int64(sum(counts)), "initial_parameters_sha256": initial_sha256})
    group.attributes["parameters_sha256"] = own.sha256()
    group.attributes["conv_reproducibility"] = portable[training.settings["conv_algorithm"]]
    if training.inputs.mean is not None:
        axes = ["input_height", "input_width", "channel"]
        group.datasets["mean_image"] = Dataset(axes, training.inputs.mean[..., None])
    whole = summary(training.settings["model"], names, types, shapes, counts)
    group.datasets["summary"] = Dataset([], np.array(whole, dtype=object))
    columns = {"names": names, "types": types, "settings": settings, "output_shapes": shapes}
    for name, column in columns.items():
        group.datasets[f"layer_{name}"] = texts(column, "layer")
    group.datasets["layer_parameters"] = numbers(counts, np.int64, "layer")
    for name, values_of in zip(names, own.split()):
        if values_of:
            axes = WEIGHT_AXES[values_of["weight"].ndim]
            weight, bias = Dataset(axes, values_of["weight"]), Dataset(axes[-1:], values_of["bias"])
            group.groups[name] = Group({}, {"weight": weight, "bias": bias})
    return group


def nearest(queries, points):
    """(index, distance) of the nearest points, each (queries, count)."""
    differences = queries.T[:, :, None].astype(np.float64) - points.T[:, None, :].astype(np.float64)
    squared = long_sum(differences * differences)
    index = squared.argsort(axis=1, kind="stable")[:, :NEIGHBOURS]
    return index, np.sqrt(np.take_along_axis(squared, index, axis=1)).astype(F)


def evaluation(training):
    views = training.inputs.views
    test = training.last_test if len(views) == 1 else training.evaluate("test", None, views)
    train = training.evaluate("train", training.settings["train_images"], views)
    (pixels, labels), (train_pixels, train_labels) = training.data["test"], training.data["train"]
    group = Group({"test_loss": np.float64(test["loss"]), "test_accuracy": np.float64(1.0 - test["error"])})
    group.attributes |= {"train_loss": np.float64(train["loss"]), "train_error": np.float64(train["error"])}
    classes = test["logits"].shape[1]
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, test["logits"].argmax(axis=1)), 1)
    top = (-test["probabilities"]).argsort(axis=1, kind="stable")[:, : min(5, classes)]
    likely = np.take_along_axis(test["probabilities"], top, axis=1)
    index, distances = nearest(test["features"][:SAMPLES], train["features"])
    image = ["height", "width", "channel"]
    first = next(values["weight"] for values in training.model.split() if values)
    group.datasets = {
        "logits": Dataset(["test_image", "class"], test["logits"]),
        "test_labels": numbers(labels, np.uint8, "test_image"),
        "confusion": Dataset(["true_class", "predicted_class"], counts),
        "top5_labels": numbers(top, np.uint8, "test_image", "rank"),
        "top5_probabilities": Dataset(["test_image", "rank"], likely),
        "sample_index": numbers(np.arange(min(SAMPLES, len(labels))), np.int64, "sample"),
        "sample_labels": numbers(labels[:SAMPLES], np.uint8, "sample"),
        "sample_images": numbers(pixels[:SAMPLES, ..., None], np.uint8, "sample", *image),
        "nearest_index": numbers(index, np.int64, "sample", "neighbour"),
        "nearest_labels": numbers(train_labels[index], np.uint8, "sample", "neighbour"),
        "nearest_distances": Dataset(["sample", "neighbour"], distances),
        "nearest_images": numbers(train_pixels[index][..., None], np.uint8, "sample", "neighbour", *image),
        "first_layer_kernels": Dataset(WEIGHT_AXES[4], first),
    }
    return group


def tree_of(training, files, lines, initial_sha256):
    groups = {
        "configuration": configuration(training.settings),
        "data": data(files, lines, training.data["train"], training.data["test"]),
        "history": history(training),
        "model": model(training, initial_sha256),
        "evaluation": evaluation(training),
    }
    return Group({"kind": "training"}, {}, groups)


def listed_contents(page):
    """Kind -> {path: (type, axes, optional)}, as docs/record_contents.md lists them; capitals stand for any name."""
    headings = {"All kinds": "all", "A training run": "training"}
    headings |= {"A checkpoint": "checkpoint", "A comparison": "comparison"}
    contents, kind = {}, None
    for line in page.read_text().splitlines():
        if line.startswith("## "):
            kind = headings[line[3:]]
            contents[kind] = {}
        elif line.startswith("| `/"):
            path, of_type, axes, value = (cell.strip() for cell in line.strip("|").split("|"))
            contents[kind][path.strip("`")] = of_type, axes.split(), "*optional*" in value
    return contents


def found_contents(group, path=""):
    """{path: (type, axes)} of a tree, attributes with @."""
    found = {f"{path or '/'}@{name}": (type_of(value), []) for name, value in group.attributes.items()}
    for name, dataset in group.datasets.items():
        found[f"{path}/{name}"] = type_of(dataset.values), dataset.axes
    for name, inner in group.groups.items():
        found |= found_contents(inner, f"{path}/{name}")
    return found
