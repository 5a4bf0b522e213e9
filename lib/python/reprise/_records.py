"""Records: HDF5 files of runs, read, compared and run again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Iterator, List, NamedTuple, Optional, Tuple, Union

import numpy as np
import numpy.typing as npt

from . import _reprise
from ._reprise import Dataset


class Group(Mapping):
    """A group of a record: its datasets as numpy arrays, and its groups, by name or path.

        record["history/test_error"]            an array
        record["configuration"].attributes      a dictionary
        record["model/conv1"].dimensions("weight")    the axes' names
    """

    def __init__(self, contents: Tuple[Any, Any, Any]) -> None:
        self.attributes, self._datasets, groups = contents
        self._groups = {name: Group(inner) for name, inner in groups.items()}

    def __getitem__(self, path: str) -> Any:
        name, _, rest = path.strip("/").partition("/")
        if rest:
            return self._groups[name][rest]
        return self._groups[name] if name in self._groups else self._datasets[name][0]

    def __iter__(self) -> Iterator[str]:
        yield from self._datasets
        yield from self._groups

    def __len__(self) -> int:
        return len(self._datasets) + len(self._groups)

    def dimensions(self, name: str) -> Tuple[str, ...]:
        """The names of a dataset's axes."""
        return self._datasets[name][1]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self)}>"


class Record(Group):
    """A record: the tree of a run's settings, data, history, model and evaluation."""

    def __init__(self, tree: Any) -> None:
        super().__init__(tree.as_tuple())
        self._tree = tree

    @property
    def digest(self) -> str:
        """SHA-256 of all outside /environment, 64 hexadecimal digits."""
        return self._tree.digest()


class Verification(NamedTuple):
    """What verify() found."""

    verdict: str  #: "identical", "partial", "cannot_judge" or "different"
    findings: List[str]  #: what was compared and where it differs, a line each


PathOrRecord = Union[str, "os.PathLike[str]", Record]


def open(
    path: Union[str, "os.PathLike[str]"], no_checksum: bool = False, unconfined: bool = False
) -> Record:
    """Reads a record. It may come from a stranger: a process without rights reads the file.

    no_checksum  also a file without the line with its SHA-256 at its end
    unconfined   also where the kernel cannot forbid system calls to that process

    ValueError if it cannot be read, is no record, is damaged, or breaks its schema.
    """
    return Record(_reprise.load_record(path, bool(no_checksum), bool(unconfined)))


def compare(a: PathOrRecord, b: PathOrRecord, most: int = 20) -> List[Tuple[str, str]]:
    """The first `most` places where two records differ outside /environment: (path, what). Empty if
    their digests are equal."""
    return _reprise.compare(_record(a)._tree, _record(b)._tree, most)


def verify(
    record: PathOrRecord, data: Union[Dataset, str, None] = None, epochs: int = 0, threads: int = 1
) -> Verification:
    """Runs the training run in a record again and compares.

    data    a Dataset or its folder; None: where Debian's package dataset-fashion-mnist has it
    epochs  compare the first so many epochs only; 0: the whole record

    A study that the record belongs to is not judged (the program verify does). Ctrl-C takes effect
    between steps. ValueError if the record breaks its schema or has fewer epochs.
    """
    record = _record(record)
    if not isinstance(data, Dataset):
        folder = _reprise.default_data_folder() if data is None else str(data)
        holdout = record["configuration"].attributes.get("holdout", 0)
        data = _reprise.load_dataset(folder, holdout)
    return Verification(*_reprise.verify(record._tree, data, epochs, threads))


def digest(what: Union[PathOrRecord, npt.ArrayLike]) -> str:
    """SHA-256, 64 hexadecimal digits: of a record (or its path) that which it is published under; of
    an array its type, shape and values (float32, float64, uint8 or int64; every NaN counts alike).
    """
    if isinstance(what, (str, os.PathLike, Record)):
        return _record(what).digest
    return _reprise.array_digest(np.asarray(what))


def _record(what: PathOrRecord) -> Record:
    return what if isinstance(what, Record) else open(what)
