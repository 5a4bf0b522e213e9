#!/usr/bin/python3
"""npz files, as numpy.load has them, and as numpy.savez and numpy.savez_compressed write them.

    python3 test_numpy.py BUILD
"""

from common import FIXTURE, export, initial_sha256, need, new_folder, run, train, EXPERIMENTS

need("h5py")
import h5py
import numpy as np


def record_tensors(path):
    with h5py.File(path) as file:
        return {
            f"{layer}.{name}": values[()]
            for layer, group in file["model"].items() if isinstance(group, h5py.Group)
            for name, values in group.items() if values.dtype == np.float32
        }


def refused(folder, name, **arrays):
    """What train_lenet5 says of an npz with these arrays."""
    import subprocess

    np.savez(folder / name, **arrays)
    done = subprocess.run(
        [str(EXPERIMENTS / "train_lenet5"), "--data", str(FIXTURE), "--initial", str(folder / name),
         "--output", str(folder / "none.h5")], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert not (folder / "none.h5").exists()
    return done.stderr


def main():
    folder = new_folder()
    record = folder / "run.h5"
    train(record, "--epochs", 1, "--train-images", 64, "--batch-size", 64)
    tensors = record_tensors(record)
    path = export(record, "npz", folder / "lenet5.npz")
    with np.load(path) as loaded:
        assert sorted(loaded.files) == sorted(tensors), loaded.files
        for name, values in tensors.items():
            assert loaded[name].dtype == np.float32 and (loaded[name].view(np.uint32) == values.view(np.uint32)).all()
    with h5py.File(record) as file:
        sha256 = file["model"].attrs["parameters_sha256"]
    assert initial_sha256(path) == sha256
    np.savez(folder / "again.npz", **tensors)
    assert initial_sha256(folder / "again.npz") == sha256
    fortran = {name: np.asfortranarray(values) for name, values in tensors.items()}
    np.savez_compressed(folder / "packed.npz", **fortran)
    assert initial_sha256(folder / "packed.npz") == sha256

    other = dict(tensors, **{"conv2.weight": tensors["conv2.weight"].transpose(3, 2, 0, 1)})
    said = refused(folder, "other.npz", **other)
    assert "tensor conv2.weight: shape (16,6,5,5); expected (5,5,6,16), as lenet5 has" in said, said
    said = refused(folder, "double.npz", **dict(tensors, **{"conv2.bias": np.zeros(16)}))
    assert 'tensor conv2.bias: type "<f8"; expected "<f4", float32' in said, said
    said = refused(folder, "objects.npz", **dict(tensors, **{"conv2.bias": np.array([{}] * 16)}))
    assert "tensor conv2.bias: type \"|O\"" in said, said
    print(f"npz: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
