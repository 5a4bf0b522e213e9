#!/usr/bin/python3
"""Keras's .weights.h5: its layout by name and value, and files as h5py writes them for Keras.

    python3 test_keras.py BUILD

No Keras is installed: the layout is checked, nothing is loaded by it.
"""

from common import export, initial_sha256, need, new_folder, train

need("h5py")
import h5py
import numpy as np

# lenet5's layers in the order of the model, by the names that Keras gives their classes.
LAYERS = {"conv1": "conv2d", "conv2": "conv2d_1", "dense1": "dense", "dense2": "dense_1", "dense3": "dense_2"}


def datasets(file):
    """Every dataset by its path."""
    found = {}
    file.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    return found


def as_keras_saves(path, weights):
    """A file as Keras's saving_lib writes it: a group vars for every layer, and the optimizer's state."""
    with h5py.File(path, "w") as file:
        file.create_group("vars")
        for layer in ("input_layer", "max_pooling2d", "max_pooling2d_1", "flatten"):
            file.create_group(f"layers/{layer}/vars")
        for name, values in weights.items():
            file[name] = values
        optimizer = file.create_group("optimizer").create_group("vars")
        optimizer["0"] = np.int64(12)
        optimizer["1"] = np.float32(0.001)
        for number, values in enumerate(weights.values()):
            optimizer[str(2 + number)] = np.zeros_like(values)


def main():
    folder = new_folder()
    record = folder / "run.h5"
    train(record, "--epochs", 1, "--train-images", 64, "--batch-size", 64)
    path = export(record, "keras", folder / "lenet5.weights.h5")
    with h5py.File(record) as file, h5py.File(path) as weights:
        found = datasets(weights)
        expected = {
            f"layers/{keras}/vars/{number}": file[f"model/{layer}/{name}"][()]
            for layer, keras in LAYERS.items() for number, name in enumerate(("weight", "bias"))
        }
        assert found.keys() == expected.keys(), sorted(found)
        for name, values in expected.items():
            assert found[name].dtype == np.float32 and (found[name].view(np.uint32) == values.view(np.uint32)).all()
        for keras in LAYERS.values():  # Keras counts them
            assert list(weights[f"layers/{keras}/vars"].keys()) == ["0", "1"]
        sha256 = file["model"].attrs["parameters_sha256"]
    assert initial_sha256(path) == sha256
    as_keras_saves(folder / "again.weights.h5", found)
    assert initial_sha256(folder / "again.weights.h5") == sha256
    print(f"keras: {path.stat().st_size} bytes; layout checked, not loaded")


if __name__ == "__main__":
    main()
