"""Models: convolutional networks that are trained, evaluated, saved and pickled.

    import reprise
    data = reprise.load_dataset("fixtures/fashion-mnist")
    model = reprise.models.lenet5(seed=1)
    history = model.fit(data, epochs=2)
    print(history.digest)               # that of train_lenet5 --seed 1 --epochs 2 with the same data
    labels = model.predict(data.test[0]).argmax(axis=1)

A run is a function of settings and data: the same ones give the same bits, with any number of threads.
"""

from __future__ import annotations

import operator
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt

from . import _reprise
from ._records import Record
from ._reprise import Dataset
from ._types import Float32Array

__all__ = ["History", "Model", "alexnet", "four_layer_cnn", "lenet5", "lenet5_1998", "load_dataset"]

Epoch = Dict[str, Any]


def load_dataset(folder: Optional[str] = None, holdout: int = 0) -> Dataset:
    """The data set in a folder: four IDX files, as of MNIST, gzipped or not, or CIFAR-10's binary files.

    folder   None: where Debian's package dataset-fashion-mnist has its files
    holdout  above 0: `test` is so many last training images, `train` the others, and the files of the
             test set are not opened; fit() then takes the same holdout as a setting

    Returns a Dataset: name, class_names, and train and test, each (images N,H,W,C of uint8, labels N).
    ValueError if the folder or a file is missing or damaged.
    """
    place = _reprise.default_data_folder() if folder is None else str(folder)
    return _reprise.load_dataset(place, operator.index(holdout))


class History:
    """What fit() returns: figures by epoch, and the run as a record.

    history  lists with a value for each epoch: loss, accuracy, val_loss, val_accuracy (of the training
             images, gathered while the parameters change, and of the validation images), learning_rate
    epoch    the numbers of the epochs, from 0
    """

    def __init__(self, run: Any, epochs: Sequence[Epoch], fresh: bool) -> None:
        self._run, self._fresh = run, fresh
        self._record: Optional[Record] = None
        self.epoch = list(range(len(epochs)))
        self.history: Dict[str, List[float]] = {
            "loss": [epoch["train_loss"] for epoch in epochs],
            "accuracy": [1 - epoch["train_error"] for epoch in epochs],
            "val_loss": [epoch["test_loss"] for epoch in epochs],
            "val_accuracy": [1 - epoch["test_error"] for epoch in epochs],
            "learning_rate": [epoch["learning_rate"] for epoch in epochs],
        }

    @property
    def record(self) -> Record:
        """The run's record, as train_lenet5 saves it. ValueError if the run did not start from the
        seed's parameters: no record could say where it started."""
        self._check()
        if self._record is None:
            self._record = Record(self._run.record())
        return self._record

    @property
    def digest(self) -> str:
        """The record's SHA-256, 64 hexadecimal digits."""
        return self.record.digest

    def save(self, path: str, force: bool = False) -> str:
        """Writes the record, whole or not at all, and returns its digest. ValueError if the file
        exists, unless `force`, or cannot be written."""
        self._check()
        return self._run.save(str(path), bool(force))

    def _check(self) -> None:
        if not self._fresh:
            raise ValueError(
                "record: a run that started from parameters that were set or trained before; "
                "expected one of a model as it was made"
            )


class Model:
    """A convolutional network and its parameters; lenet5() and the like make one."""

    def __init__(
        self, name: str, image: Tuple[int, int, int], classes: int, settings: Dict[str, Any]
    ) -> None:
        self._arguments = (name, tuple(image), classes, dict(settings))
        self._network = _reprise.Network({**settings, "model": name}, tuple(image), classes)
        self._fresh = True

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
        verbose: bool = True,
        callbacks: Sequence[Callable[[Epoch], Any]] = (),
        **settings: Any,
    ) -> History:
        """Trains the model, with Adam unless `optimizer` says otherwise.

        x                a Dataset, whose test set then is the validation data; or images N,H,W,C (or
                         N,H,W of one channel): uint8, or floats that are such pixels / 255
        y                labels N, integers from 0, or one-hot N,classes
        validation_data  (x, y), evaluated after each epoch; None: the training images
        threads          1 to 1024; changes the speed only
        verbose          print a line after each epoch
        callbacks        functions that get each epoch's figures as a dictionary
        settings         those of train_lenet5, with underscores: learning_rate, optimizer, momentum,
                         weight_decay, lr_milestones, block_size, train_images, random_shift, ...

        Returns a History. A second call goes on from the parameters, with a new optimizer.

        Ctrl-C takes effect between steps; the model then has the parameters that it has got so far.
        ValueError for sizes, labels and settings that do not fit, or if the loss overflows;
        TypeError for arguments of the wrong kind.
        """
        data = x if isinstance(x, Dataset) else self._dataset(x, y, validation_data)
        if data is x and (y is not None or validation_data is not None):
            raise TypeError("fit: labels beside a Dataset; expected a Dataset alone, which has them")
        told: List[Epoch] = []

        def tell(epoch: Epoch) -> None:
            told.append(epoch)
            if verbose:
                print(
                    f"Epoch {len(told)}/{epochs} - {epoch['train_seconds']:.1f} s"
                    f" - loss: {epoch['train_loss']:.4f} - accuracy: {1 - epoch['train_error']:.4f}"
                    f" - val_loss: {epoch['test_loss']:.4f}"
                    f" - val_accuracy: {1 - epoch['test_error']:.4f}",
                    flush=True,
                )
            for callback in callbacks:
                callback(epoch)

        fresh = self._fresh
        self._fresh = False
        run = self._network.fit(
            data, {**settings, "epochs": epochs, "batch_size": batch_size}, fresh, threads, tell
        )
        return History(run, told, fresh)

    def evaluate(self, x: npt.ArrayLike, y: npt.ArrayLike, threads: int = 1) -> Tuple[float, float]:
        """The mean softmax cross-entropy in nats, and the accuracy. x and y as of fit(); not
        interruptible."""
        return self._network.evaluate(_pixels("evaluate", x), self._labels("evaluate", y), threads)

    def predict(
        self, x: npt.ArrayLike, logits: bool = False, threads: int = 1
    ) -> Float32Array:
        """The classes' probabilities for each image, N,classes; with `logits` what softmax is given.

        x  images N,H,W,C (or N,H,W of one channel): uint8, which count as pixel / 255, or floats as
           they are

        An image's result has the same bits in any batch. Ctrl-C takes effect between blocks of 256.
        """
        images = np.asarray(x)
        if images.dtype == np.uint8:
            images = images.astype(np.float32) / np.float32(255)
        elif images.dtype.kind in "biu":
            raise TypeError(f"predict: images of dtype {images.dtype}; expected uint8 or floats")
        if images.ndim == 3:
            images = images[..., np.newaxis]
        return self._network.predict(images, bool(logits), threads)

    def get_weights(self) -> List[Float32Array]:
        """Copies of the parameters, layer by layer: weight (KH,KW,IC/G,OC or in,out), then bias."""
        return [values for _, _, values in self._network.parameters()]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Sets what get_weights() gives. ValueError, and nothing is set, if a shape differs."""
        self._network.set_parameters(list(weights))
        self._fresh = False

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

    def _labels(self, where: str, y: Any) -> npt.NDArray[np.uint8]:
        classes = self._arguments[2]
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

    def _dataset(self, x: Any, y: Any, validation: Any) -> Dataset:
        images, labels = _pixels("fit", x), self._labels("fit", y)
        if validation is None:
            others = images, labels
        else:
            if not isinstance(validation, (tuple, list)) or len(validation) != 2:
                raise TypeError(f"fit: validation_data = {type(validation).__name__}; expected (x, y)")
            others = _pixels("fit", validation[0]), self._labels("fit", validation[1])
        names = [str(i) for i in range(self._arguments[2])]
        return _reprise.dataset_of("arrays", names, images, labels, *others)


def _pixels(where: str, x: Any) -> npt.NDArray[np.uint8]:
    """Images as bytes, N,H,W,C."""
    images = np.asarray(x)
    if images.dtype != np.uint8:
        if images.dtype.kind != "f":
            raise TypeError(
                f"{where}: images of dtype {images.dtype}; expected uint8, or floats that are pixels / 255"
            )
        with np.errstate(invalid="ignore", over="ignore"):
            pixels = np.rint(images * 255)
        if not ((pixels >= 0) & (pixels <= 255) & (pixels.astype(images.dtype) / 255 == images)).all():
            raise ValueError(
                f"{where}: images with values that are no pixels / 255; expected those, or uint8"
            )
        images = pixels.astype(np.uint8)
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4:
        raise ValueError(f"{where}: images of shape {images.shape}; expected N,H,W,C or N,H,W")
    return np.ascontiguousarray(images)


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
