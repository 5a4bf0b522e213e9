"""Models: convolutional networks that are trained, evaluated, saved and pickled.

    import reprise
    data = reprise.load_dataset("fixtures/fashion-mnist")
    model = reprise.models.lenet5(seed=1)
    history = model.fit(data, epochs=2)
    print(history.digest)               # that of train_lenet5 --seed 1 --epochs 2 with the same data
    labels = model.predict(data.test[0]).argmax(axis=1)

A run is a function of settings and data: the same ones give the same bits, with any number of threads.

Sequential is a model of layers of one's own choice (reprise.layers).
"""

from __future__ import annotations

import contextlib
import operator
import os
import threading
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt

from . import _reprise
from ._errors import as_list, shown
from ._records import Record
from ._reprise import Dataset
from ._types import Float32Array
from .layers import Layer

__all__ = [
    "History",
    "Model",
    "Sequential",
    "alexnet",
    "alexnet_as_coded",
    "cuda_convnet_11pct",
    "cuda_convnet_13pct",
    "cuda_convnet_18pct",
    "cuda_convnet_19pct",
    "cuda_convnet_80sec",
    "four_layer_cnn",
    "lenet5",
    "lenet5_1998",
    "load_dataset",
]

Epoch = Dict[str, Any]


def load_dataset(folder: Union[str, "os.PathLike[str]", None] = None, holdout: int = 0) -> Dataset:
    """The data set in a folder: four IDX files, as of MNIST, gzipped or not, or CIFAR-10's binary files.

    folder   None: where Debian's package dataset-fashion-mnist has its files
    holdout  above 0: `test` is the last N training images, `train` the others, and the files of the
             test set are not opened; fit() then takes the same holdout as a setting

    Returns a Dataset: name, class_names, and train and test, each (images N,H,W,C of uint8, labels N).
    ValueError if the folder or a file is missing or damaged.
    """
    return _reprise.load_dataset(_reprise.default_data_folder() if folder is None else folder, holdout)


class History:
    """What fit() returns: figures by epoch, and the run as a record.

    history  lists with a value for each epoch: loss, accuracy (of the training images, gathered while
             the parameters change), learning_rate, and, if there are validation images, val_loss and
             val_accuracy
    epoch    the numbers of the epochs, from 0
    """

    def __init__(
        self, run: Any, epochs: Sequence[Epoch], images: Tuple[int, int], why_no_record: str
    ) -> None:
        self._run, self._why_no_record = run, why_no_record
        self._record: Optional[Record] = None
        self.epoch = list(range(len(epochs)))
        self.history: Dict[str, List[float]] = {
            "loss": [epoch["train_loss"] for epoch in epochs],
            "accuracy": [_accuracy(epoch["train_error"], images[0]) for epoch in epochs],
        }
        if images[1]:
            self.history["val_loss"] = [epoch["test_loss"] for epoch in epochs]
            self.history["val_accuracy"] = [_accuracy(epoch["test_error"], images[1]) for epoch in epochs]
        self.history["learning_rate"] = [epoch["learning_rate"] for epoch in epochs]

    @property
    def record(self) -> Record:
        """The run's record, as train_lenet5 saves it. ValueError if no record could say how to run it
        again: it did not start from the seed's parameters, its images are not pixels / 255, or its
        model is a Sequential."""
        self._check()
        if self._record is None:
            self._record = Record(self._run.record())
        return self._record

    @property
    def digest(self) -> str:
        """The record's SHA-256, 64 hexadecimal digits."""
        return self.record.digest

    def save(self, path: Union[str, "os.PathLike[str]"], force: bool = False) -> str:
        """Writes the record, whole or not at all, and returns its digest. ValueError if the file
        exists, unless `force`, or cannot be written."""
        self._check()
        return self._run.save(path, bool(force))

    def _check(self) -> None:
        if self._why_no_record:
            raise ValueError("record: " + self._why_no_record)


class Model:
    """A convolutional network and its parameters; lenet5() and the like make one."""

    def __init__(
        self, name: str, image: Tuple[int, int, int], classes: int, settings: Dict[str, Any]
    ) -> None:
        self._arguments: Any = (name, _image(name, image), _size(name, "classes", classes), dict(settings))
        self._network = _reprise.Network({**settings, "model": name}, *self._arguments[1:3])
        self._fresh = True
        self._changing = threading.Lock()

    def summary(self) -> str:
        """Layers, output shapes and parameters, as Keras's summary() prints them."""
        return self._network.summary()

    def fit(
        self,
        x: Union[Dataset, npt.ArrayLike],
        y: Optional[npt.ArrayLike] = None,
        epochs: int = 10,
        batch_size: int = 128,
        validation_data: Optional[Tuple[npt.ArrayLike, npt.ArrayLike]] = None,
        threads: int = 1,
        verbose: Union[bool, int] = True,
        callbacks: Sequence[Callable[[Epoch], Any]] = (),
        **settings: Any,
    ) -> History:
        """Trains the model, with Adam unless `optimizer` says otherwise.

        x                a Dataset, whose test set then is the validation data; or images N,H,W,C (or
                         N,H,W of one channel): uint8, which count as pixel / 255, or floats as they are
        y                labels N, integers from 0, or one-hot N,classes
        validation_data  (x, y), evaluated after each epoch
        threads          1 to 1024; changes the speed only
        verbose          print two lines after each epoch, as Keras does; 2: one line; 0: none
        callbacks        functions that get each epoch's figures as a dictionary
        settings         those of train_lenet5, with underscores: learning_rate, optimizer, momentum,
                         weight_decay, lr_milestones, block_size, train_images, random_shift, ...

        Returns a History. A second call goes on from the parameters, with a new optimizer.

        Images that are pixels (uint8, or floats that are pixels / 255) make the run one of
        train_lenet5, with its record and digest. On other floats the steps are the same, but there
        is no record, and settings that change pixels, such as random_shift, are refused.

        Until it returns, another fit(), set_weights() or load_weights() of the model, from another
        thread or a callback, is a ValueError; other threads shall not read the model either.

        Ctrl-C takes effect between steps; the model then has the parameters that it has got so far.
        ValueError for sizes, labels and settings that do not fit, or if the loss overflows;
        TypeError for arguments of the wrong kind.
        """
        data: Any = x
        if isinstance(x, Dataset):
            if y is not None or validation_data is not None:
                raise TypeError("fit: labels beside a Dataset; expected a Dataset alone, which has them")
        else:
            data = self._labelled(x, y)
            if validation_data is not None:
                if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
                    raise TypeError(
                        f"fit: validation_data = {type(validation_data).__name__}; expected (x, y)"
                    )
                validation_data = self._labelled(*validation_data)
        told: List[Epoch] = []
        labels, test_labels = (x.train[1], x.test[1]) if isinstance(x, Dataset) else (data[1], ())
        if validation_data is not None:
            test_labels = validation_data[1]
        has_validation = len(test_labels) > 0

        def tell(epoch: Epoch) -> None:
            if not has_validation:  # a run of train_lenet5 has the training images in their place
                epoch = {name: value for name, value in epoch.items() if not name.startswith("test_")}
            told.append(epoch)
            if verbose:
                images = settings.get("train_images") or len(labels)
                _print_epoch(len(told), epochs, epoch, -(-images // batch_size), verbose)
            for callback in callbacks:
                callback(epoch)

        settings = {**settings, "epochs": epochs, "batch_size": batch_size}
        with self._alone("fit"):
            run, why_no_record = self._run(data, validation_data, settings, threads, tell)
        images = len(labels) if run is None else run.train_images()
        return History(run, told, (images, len(test_labels)), why_no_record)

    def _run(self, data: Any, validation: Any, settings: Any, threads: int, tell: Any) -> Tuple[Any, str]:
        """Trains; the run, and why it has no record."""
        fresh, why_no_record = self._fresh, ""
        run = None
        dataset = self._dataset(data, validation)
        if dataset is None:
            self._fit_floats(data, validation, settings, threads, tell)
            why_no_record = (
                "a run on images that are not pixels / 255; expected uint8, or floats equal to pixel / 255"
            )
            if isinstance(self, Sequential):
                why_no_record = "a run of a Sequential; expected a model by name, such as lenet5"
        else:
            self._fresh = False
            run = _reprise.fit(self._network, dataset, settings, fresh, threads, tell)
            if not fresh:
                why_no_record = (
                    "a run that started from parameters that were set or trained before; "
                    "expected one of a model as it was made"
                )
        return run, why_no_record

    @contextlib.contextmanager
    def _alone(self, where: str) -> Iterator[None]:
        """Has the parameters to itself; ValueError if another call changes them."""
        if not self._changing.acquire(blocking=False):
            raise ValueError(f"{where}: the model is being trained or loaded; expected one call at a time")
        try:
            yield
        finally:
            self._changing.release()

    def evaluate(self, x: npt.ArrayLike, y: npt.ArrayLike, threads: int = 1) -> Tuple[float, float]:
        """The mean softmax cross-entropy in nats, and the accuracy; x and y as of fit(). Ctrl-C takes
        effect between blocks of 256 images."""
        return self._network.evaluate(
            _images("evaluate", x), self._labels("evaluate", y), threads
        )

    def predict(
        self, x: npt.ArrayLike, logits: bool = False, threads: int = 1
    ) -> Float32Array:
        """The classes' probabilities for each image, N,classes; with `logits` what softmax is given.

        x  images N,H,W,C (or N,H,W of one channel): uint8, which count as pixel / 255, or floats as
           they are

        An image's result has the same bits in any batch. Ctrl-C takes effect between blocks of 256.
        """
        return self._network.predict(_images("predict", x), bool(logits), threads)

    def get_weights(self) -> List[Float32Array]:
        """Copies of the parameters, layer by layer: weight (KH,KW,IC/G,OC or in,out), then bias."""
        return [values for _, _, values in self._network.parameters()]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Sets what get_weights() gives. ValueError, and nothing is set, if a shape differs."""
        arrays = as_list("set_weights", "weights", weights)
        with self._alone("set_weights"):
            self._network.set_parameters(arrays)
            self._fresh = False

    def save_weights(
        self, path: Union[str, "os.PathLike[str]"], format: Optional[str] = None, force: bool = False
    ) -> None:
        """Writes the parameters for other programs, whole or not at all.

        path    the file; it must not exist, unless `force`
        format  "npz" (NumPy), "safetensors" (PyTorch's layout) or "keras" (Keras 3's .weights.h5);
                None: by the path's end, .npz, .safetensors or .weights.h5

        ValueError if the format is unknown or the file cannot be written. docs/exchange.md says names
        and layouts.
        """
        self._write(path, format, ("npz", "safetensors", "keras"), force)

    def load_weights(
        self,
        path: Union[str, "os.PathLike[str]"],
        no_checksum: bool = False,
        unconfined: bool = False,
    ) -> List[str]:
        """Sets the parameters from a file that save_weights() or another program wrote (npz,
        safetensors, .weights.h5), or from the record of a training run. It may come from a stranger.

        others  for records, as of reprise.open()

        Returns a line for each parameter with values that training will not like: NaN, infinities, and
        magnitudes above 2^24. ValueError, and nothing is set, unless the file has the model's tensors
        and no others, in the model's shapes.
        """
        with self._alone("load_weights"):
            _, notes = _reprise.import_weights(self._network, path, bool(no_checksum), bool(unconfined))
            self._fresh = False
        return notes

    def export(self, path: Union[str, "os.PathLike[str]"], force: bool = False) -> None:
        """Writes the network and its parameters as an ONNX file (opset 13): input "input" N,C,H,W, output
        "logits" N,classes. ValueError if ONNX has no operator for a layer, the library was built
        without ONNX, or the file exists, unless `force`."""
        self._write(path, "onnx", ("onnx",), force)

    def _write(self, path: Any, format: Optional[str], formats: Sequence[str], force: bool) -> None:
        name = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
        ends = {"npz": ".npz", "safetensors": ".safetensors", "keras": ".weights.h5"}
        if format is None:
            format = next((key for key, end in ends.items() if name.endswith(end)), None)
            if format is None and name:
                raise ValueError(
                    f"save_weights: {shown(name)} without a format; expected one of {', '.join(formats)}, "
                    f"or a name with {', '.join(ends.values())} at its end"
                )
        if format is not None and format not in formats:
            raise ValueError(f"save_weights: format = {shown(format)}; expected one of {', '.join(formats)}")
        _reprise.export_network(self._network, path, format or "", bool(force))

    def __getstate__(self) -> Any:
        return self._arguments, self.get_weights(), self._fresh

    def __setstate__(self, state: Any) -> None:
        arguments, weights, fresh = state
        self.__init__(*arguments)  # type: ignore[misc]
        self.set_weights(weights)
        self._fresh = fresh

    def __repr__(self) -> str:
        name, image, classes, settings = self._arguments
        given = "".join(f", {key}={value!r}" for key, value in settings.items())
        return f"reprise.models.{name}(image={image}, classes={classes}{given})"

    def _classes(self) -> int:
        return int(np.prod(self._network.output_shape()))

    def _labels(self, where: str, y: Any) -> npt.NDArray[np.uint8]:
        classes = self._classes()
        if classes > 256:
            raise ValueError(f"{where}: a model of {classes} classes; expected at most 256")
        labels = np.asarray(y)
        if labels.ndim == 2:
            if labels.dtype.kind not in "biuf" or labels.shape[1] != classes or not (
                ((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all()
            ):
                raise ValueError(
                    f"{where}: labels of shape {labels.shape}; expected N integers, or one-hot rows "
                    f"of {classes}"
                )
            labels = labels.argmax(axis=1)
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise TypeError(
                f"{where}: labels of dtype {labels.dtype} and shape {labels.shape}; "
                "expected N integers, or one-hot rows"
            )
        outside = np.flatnonzero((labels < 0) | (labels >= classes))
        if len(outside):
            raise ValueError(
                f"{where}: label {labels[outside[0]]} of image {outside[0]}; expected 0 to {classes - 1}"
            )
        return np.ascontiguousarray(labels, np.uint8)

    def _labelled(self, x: Any, y: Any) -> Any:
        images, labels = _images("fit", x), self._labels("fit", y)
        if len(images) != len(labels):
            raise ValueError(f"fit: {len(labels)} labels; expected {len(images)}, one for each image")
        return images, labels

    def _dataset(self, data: Any, validation: Any) -> Optional[Dataset]:
        """The data of a run of train_lenet5, or None if they can be none."""
        if isinstance(data, Dataset):
            return data
        pixels = _pixels(data[0])
        if pixels is None:
            return None
        test, test_labels = pixels, data[1]
        if validation is not None:
            validation_pixels = _pixels(validation[0])
            if validation_pixels is None:
                return None
            test, test_labels = validation_pixels, validation[1]
        names = [str(i) for i in range(self._classes())]
        return _reprise.dataset_of("arrays", names, pixels, data[1], test, test_labels)

    def _fit_floats(self, data: Any, validation: Any, settings: Any, threads: int, tell: Any) -> None:
        """The steps of a TrainingRun, one by one."""
        (images, labels), count = data, len(data[0])
        if images.dtype != np.uint8:
            images = np.ascontiguousarray(images, np.float32)
        if count == 0:
            raise ValueError("fit: no images; expected one or more")
        trainer = _reprise.Trainer(self._network, settings, threads)
        batch_size = operator.index(settings["batch_size"])
        if batch_size > count:
            raise ValueError(f"fit: batch_size = {batch_size}; expected at most the {count} images")
        self._fresh = False
        for epoch in range(operator.index(settings["epochs"])):
            started = time.perf_counter()
            order = trainer.order(epoch, count)
            steps = [
                trainer.step(images, labels, order[first : first + batch_size], epoch)
                for first in range(0, count, batch_size)
            ]
            result = {
                "train_loss": sum(loss for loss, _ in steps) / count,
                "train_error": sum(errors for _, errors in steps) / count,
                "learning_rate": trainer.learning_rate(epoch),
                "parameters_sha256": trainer.parameters_sha256(),
                "train_seconds": time.perf_counter() - started,
            }
            if validation is not None:
                loss, accuracy = self._network.evaluate(validation[0], validation[1], threads)
                result.update(test_loss=loss, test_error=1 - accuracy)
            tell(result)


class Sequential(Model):
    """A model of layers of one's own choice, one after the other.

        from reprise.layers import Conv2d, Dense, Flatten, MaxPool2d, ReLU
        model = reprise.models.Sequential(
            [Conv2d(8, 3, padding="same"), ReLU(), MaxPool2d(2), Flatten(), Dense(10)], (28, 28, 1)
        )

    layers  layers of reprise.layers; the last one's outputs are the logits of the classes. A layer
            without a name is called by its kind and number, such as conv2d1. The model has parameters
            of its own: those of the layers given stay as they are.
    image   (height, width, channels)
    seed    of the parameters and of all that is random in training

    ValueError, naming the layer's class, if a layer does not take what comes before it.
    """

    def __init__(self, layers: Sequence[Layer], image: Tuple[int, int, int], seed: int = 1) -> None:
        chain = as_list("Sequential", "layers", layers)
        self._arguments = (chain, _image("Sequential", image), seed)
        self._network = _reprise.Network({"seed": seed}, self._arguments[1], _entries(chain))
        self._fresh = True
        self._changing = threading.Lock()

    def predict(
        self, x: npt.ArrayLike, logits: bool = False, threads: int = 1
    ) -> Float32Array:
        """As of Model; N,H,W,C if the last layer's outputs are not flat, for which `logits` is True."""
        shape = self._network.output_shape()
        if len(shape) > 1 and not logits:
            raise ValueError(f"predict: outputs of shape {shape}; expected logits=True, or flat ones")
        return super().predict(x, logits, threads).reshape(-1, *shape)

    def _dataset(self, data: Any, validation: Any) -> Optional[Dataset]:
        if isinstance(data, Dataset):
            raise TypeError("fit: a Dataset; expected images and labels, such as *data.train")
        return None

    def __repr__(self) -> str:
        layers, image, seed = self._arguments
        return f"reprise.models.Sequential({layers!r}, image={image}, seed={seed})"


def _entries(layers: Sequence[Layer]) -> List[Any]:
    """(name, kind, options) of each layer."""
    numbers: Dict[str, int] = {}
    entries = []
    for layer in layers:
        if not isinstance(layer, Layer):
            raise TypeError(
                f"Sequential: {type(layer).__name__} among the layers; expected layers of reprise.layers"
            )
        kind = layer.kind
        numbers[kind] = numbers.get(kind, 0) + 1
        entries.append((layer.name or f"{kind.lower()}{numbers[kind]}", kind, layer.options))
    return entries


def _size(where: str, name: str, value: Any) -> int:
    try:
        size = operator.index(value)
    except TypeError:
        raise TypeError(f"{where}: {name} = {shown(value)}; expected an integer of 1 or more") from None
    if not 1 <= size < 2**31:
        raise ValueError(f"{where}: {name} = {shown(value)}; expected an integer of 1 to 2^31 - 1")
    return size


def _image(where: str, image: Any) -> Tuple[int, int, int]:
    if not isinstance(image, (tuple, list)) or len(image) != 3:
        raise TypeError(f"{where}: image = {shown(image)}; expected (height, width, channels)")
    height, width, channels = (_size(where, "image", size) for size in image)
    return height, width, channels


def _images(where: str, x: Any) -> Any:
    """Images N,H,W,C of uint8 or of floats."""
    images = np.asarray(x)
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise TypeError(f"{where}: images of dtype {images.dtype}; expected uint8 or floats")
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4:
        raise ValueError(f"{where}: images of shape {images.shape}; expected N,H,W,C or N,H,W")
    if images.dtype == np.uint8:
        return np.ascontiguousarray(images)
    return images if images.dtype == np.float64 else np.ascontiguousarray(images, np.float32)


def _pixels(images: Any) -> Optional[npt.NDArray[np.uint8]]:
    """Images as bytes, or None if they are not pixels / 255; block by block, within a processor's cache."""
    if images.dtype == np.uint8:
        return images
    pixels = np.empty(images.shape, np.uint8)
    step = max(1, 2**16 // max(1, images[:1].size))
    for first in range(0, len(images), step):
        block, result = images[first : first + step], pixels[first : first + step]
        with np.errstate(invalid="ignore", over="ignore"):
            rounded = np.rint(block * 255)
            if not (rounded.min(initial=0) >= 0 and rounded.max(initial=0) <= 255):
                return None
        result[...] = rounded
        if not np.array_equal(result.astype(images.dtype) / 255, block):
            return None
    return pixels


def _accuracy(error: float, count: int) -> float:
    """correct / count, of an error that is wrong / count."""
    return (count - round(error * count)) / count


def _print_epoch(number: int, epochs: int, epoch: Epoch, steps: int, verbose: int) -> None:
    seconds = epoch["train_seconds"]
    step_ms = 1000 * seconds / steps
    figures = f"loss: {epoch['train_loss']:.4f} - accuracy: {1 - epoch['train_error']:.4f}"
    if "test_loss" in epoch:
        figures += f" - val_loss: {epoch['test_loss']:.4f} - val_accuracy: {1 - epoch['test_error']:.4f}"
    if verbose == 2:
        print(f"Epoch {number}/{epochs} - {seconds:.1f}s - {step_ms:.0f}ms/step - {figures}", flush=True)
        return
    print(f"Epoch {number}/{epochs}")
    bar = "=" * 30
    print(f"{steps}/{steps} [{bar}] - {seconds:.0f}s {step_ms:.0f}ms/step - {figures}", flush=True)


def lenet5(image: Tuple[int, int, int] = (28, 28, 1), classes: int = 10, **settings: Any) -> Model:
    """The modified LeNet-5 of today's courses: conv 6 @ 5x5 same, ReLU; max pool 2x2; conv 16 @ 5x5,
    ReLU; max pool 2x2; dense 120 and 84, ReLU; dense `classes`. 61,706 parameters on 28x28x1 images
    with 10 classes.

    image     (height, width, channels)
    settings  those of train_lenet5 that make a model: seed, conv_algorithm, activation, pooling,
              pool_kernel, normalization, dropout, initializer, without; and others, for fit()

    ValueError if the image is too small for its layers or a setting is out of range.
    """
    return Model("lenet5", image, classes, settings)


def lenet5_1998(image: Tuple[int, int, int] = (28, 28, 1), classes: int = 10, **settings: Any) -> Model:
    """LeNet-5 as published: LeCun, Bottou, Bengio, Haffner 1998, section II.B; for the ten digits on
    images of 28x28x1. Arguments as of lenet5()."""
    return Model("lenet5_1998", image, classes, settings)


def four_layer_cnn(image: Tuple[int, int, int] = (32, 32, 3), classes: int = 10, **settings: Any) -> Model:
    """A four-layer convolutional network like that of Krizhevsky, Sutskever, Hinton 2012, Fig. 1.
    Arguments as of lenet5(), and width."""
    return Model("four_layer_cnn", image, classes, settings)


def alexnet(image: Tuple[int, int, int] = (227, 227, 3), classes: int = 1000, **settings: Any) -> Model:
    """AlexNet: Krizhevsky, Sutskever, Hinton 2012. Arguments as of lenet5()."""
    return Model("alexnet", image, classes, settings)


def alexnet_as_coded(image: Tuple[int, int, int] = (227, 227, 3), classes: int = 1000, **settings: Any) -> Model:
    """AlexNet as its released layer files have it. Arguments as of lenet5()."""
    return Model("alexnet_as_coded", image, classes, settings)


def _cuda_convnet(name: str, layers: str, image: Tuple[int, int, int]) -> Callable[..., Model]:
    def make(image: Tuple[int, int, int] = image, classes: int = 10, **settings: Any) -> Model:
        return Model(name, image, classes, settings)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"""{layers}, of Krizhevsky's cuda-convnet for CIFAR-10, by whose published error or
    training time it is called. Convolutions are 5x5 and keep the size, poolings 3x3 at stride 2;
    weights are normal with the layer files' standard deviations, biases 0. Arguments as of lenet5();
    activation and initializer may differ, and normalization be "none"."""
    return make


cuda_convnet_80sec = _cuda_convnet(
    "cuda_convnet_80sec",
    "conv 32, max pool; conv 32, average pool; conv 64, average pool; dense 64; dense `classes`",
    (32, 32, 3),
)
cuda_convnet_19pct = _cuda_convnet(
    "cuda_convnet_19pct",
    "conv 32, max pool; conv 32, average pool; conv 64, average pool; dense `classes`",
    (32, 32, 3),
)
cuda_convnet_18pct = _cuda_convnet(
    "cuda_convnet_18pct",
    "As cuda_convnet_19pct, with response normalization within maps after the first two poolings",
    (32, 32, 3),
)
cuda_convnet_13pct = _cuda_convnet(
    "cuda_convnet_13pct",
    "Twice conv 64, max pool; two locally connected layers of 32; dense `classes`",
    (24, 24, 3),
)
cuda_convnet_11pct = _cuda_convnet(
    "cuda_convnet_11pct",
    "Twice conv 64 with response normalization and max pool; locally connected layers of 64 and 32; "
    "dense `classes`",
    (24, 24, 3),
)
