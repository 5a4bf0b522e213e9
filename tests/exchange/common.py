"""What the tests of exported networks share: networks, images, and how near two answers must be."""

import atexit
import gzip
import importlib.util
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent.parent
FIXTURE = SOURCE / "fixtures/fashion-mnist"

# Logits may differ by so many units in the last place of the image's largest logit: each runtime adds
# its products in an order of its own, and the longest sums have some thousand terms.
MOST_ULP = 64


def need(*modules):
    """Ends the test as skipped where Debian's Python lacks a module."""
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        print(f"skipped: Python has no {', '.join(missing)}; experiments/install_packages --tests installs it")
        sys.exit(77)


need("numpy")
import numpy as np  # noqa: E402

BUILD = Path(sys.argv[1])
EXPERIMENTS = BUILD / "experiments"


def new_folder():
    folder = Path(tempfile.mkdtemp(prefix="reprise-test-"))
    atexit.register(shutil.rmtree, folder)
    return folder


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr}"
    return done.stdout


def needs_onnx(error):
    """Ends the test as skipped where the library was built without ONNX."""
    if "this build does not have it" in str(error):
        print("skipped: this build has no ONNX; experiments/install_packages installs it")
        sys.exit(77)
    raise error


class Sample:
    """A network that nobody trained, with 8 images and its answers to them."""

    def __init__(self, model, height, width, channels, *formats):
        self.folder = new_folder()
        try:
            run(BUILD / "tests/exchange_sample", self.folder, model, height, width, channels, *formats)
        except AssertionError as error:
            needs_onnx(error)
        self.images = np.load(self.folder / "images.npy")
        self.logits = np.load(self.folder / "logits.npy")

    def path(self, ending):
        return self.folder / f"model.{ending}"


def train(output, *options):
    return run(EXPERIMENTS / "train_lenet5", "--data", FIXTURE, "--output", output, *options)


def export(record, name, output):
    try:
        run(EXPERIMENTS / "export_model", record, "--format", name, "--output", output)
    except AssertionError as error:
        needs_onnx(error)
    return output


def initial_sha256(weights):
    """The SHA-256 of the weights that a run of lenet5 from this file starts with."""
    said = train(new_folder() / "run.h5", "--initial", weights, "--epochs", 1, "--train-images", 16, "--batch-size", 16)
    return re.search("initial parameters sha256:([0-9a-f]{64})", said).group(1)


def idx(name):
    raw = gzip.decompress((FIXTURE / f"{name}.gz").read_bytes())
    rank = raw[3]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank]))


def images(kind):
    """Images N,H,W,C as training sees them, and labels; kind is "train" or "t10k"."""
    pixels = idx(f"{kind}-images-idx3-ubyte").astype(np.float32) / np.float32(255)
    return pixels[..., np.newaxis], idx(f"{kind}-labels-idx1-ubyte")


def channels_first(values):
    """N,C,H,W of N,H,W,C."""
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


# Networks with what else ONNX files hold, by the shape of their images.
SAMPLES = {
    "lenet5_1998": (28, 28, 1), "alexnet": (67, 67, 3), "cuda_convnet_80sec": (32, 32, 3),
    "cuda_convnet_19pct": (32, 32, 3), "cuda_convnet_18pct": (32, 32, 3),
}


def onnx_cases():
    """ONNX files, each with a name, its path, images and their logits: trained networks with the 500 test
    images, the others with images of their own."""
    need("h5py")
    import h5py

    pixels, _ = images("t10k")
    for model in ("lenet5", "four_layer_cnn"):
        folder = new_folder()
        train(folder / "run.h5", "--model", model, "--epochs", 1, "--train-images", 512)
        path = export(folder / "run.h5", "onnx", folder / "model.onnx")
        with h5py.File(folder / "run.h5") as file:
            yield f"{model}, trained,", path, pixels, file["evaluation/logits"][()]
    for model, size in SAMPLES.items():
        sample = Sample(model, *size, "onnx")
        yield model, sample.path("onnx"), sample.images, sample.logits


def check_logits(what, given, expected):
    """Prints how far the logits are apart, and fails where it is too far, or where a label differs."""
    assert given.shape == expected.shape and given.dtype == expected.dtype == np.float32, (given.shape, given.dtype)
    unit = np.spacing(np.abs(expected).max(axis=1, keepdims=True))
    apart = np.abs(given.astype(np.float64) - expected) / unit
    own = np.abs(given.astype(np.float64) - expected) / np.spacing(np.abs(expected))
    print(f"{what}: {len(given)} images, largest difference {apart.max():.1f} ulp of the image's largest logit "
          f"({own.max():.0f} ulp of the logit itself)")
    assert apart.max() <= MOST_ULP, f"{what}: {apart.max()} ulp, at most {MOST_ULP}"
    assert (given.argmax(axis=1) == expected.argmax(axis=1)).all(), f"{what}: other labels"
