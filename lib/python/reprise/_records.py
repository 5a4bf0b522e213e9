"""Records: HDF5 files of runs, read, compared and run again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

import numpy as np
import numpy.typing as npt

from . import _reprise
from ._errors import shown
from ._reprise import Dataset


class Group(Mapping):
    """A group of a record: its datasets as numpy arrays, and its groups, by name or path. What it has
    beside goes by the names of xarray's DataTree.

        record["history/test_error"]            an array
        record["configuration"].attrs           a dictionary
        record["model/conv1"].dimensions("weight")    the axes' names
        record["history"].to_dataset()          an xarray.Dataset, with dimensions and attributes
        record.to_dict()                        nested dictionaries of arrays

    attrs     the group's attributes
    parent    the group that it is in; None of a record
    path      "/" of a record, "/model/conv1" of a group
    """

    def __init__(
        self, contents: Tuple[Any, Any, Any], parent: Optional[Group] = None, path: str = "/"
    ) -> None:
        self.attrs, self._datasets, groups = contents
        self.parent, self.path = parent, path
        below = path.rstrip("/") + "/"
        self._groups = {name: Group(inner, self, below + name) for name, inner in groups.items()}

    @property
    def attributes(self) -> Dict[str, Any]:
        """The same as attrs."""
        return self.attrs

    @property
    def children(self) -> Dict[str, Group]:
        """The groups in it, by name."""
        return dict(self._groups)

    @property
    def groups(self) -> Tuple[str, ...]:
        """The paths of itself and of all groups below."""
        return tuple(group.path for group in self.subtree)

    @property
    def subtree(self) -> Iterator[Group]:
        """Itself and all groups below."""
        yield self
        for group in self._groups.values():
            yield from group.subtree

    def __getitem__(self, path: str) -> Any:
        if not isinstance(path, str):
            raise TypeError(f"a record's place {shown(path)}; expected a path, such as history/test_error")
        name, _, rest = path.strip("/").partition("/")
        if not name:
            return self
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

    def to_dict(self) -> Dict[str, Any]:
        """Datasets as arrays and groups as such dictionaries, by name."""
        return {name: self[name].to_dict() if name in self._groups else self[name] for name in self}

    def to_dataset(self) -> Any:
        """The group's own datasets and attributes as an xarray.Dataset; those whose axes have the name
        of another one's, but not its size, under "name_SIZE". ImportError where xarray is missing."""
        xarray = _xarray("to_dataset")
        sizes: Dict[str, int] = {}
        variables = {}
        for name, (array, axes, attributes) in self._datasets.items():
            named = []
            for axis, size in zip(axes or [f"axis_{i}" for i in range(array.ndim)], array.shape):
                if sizes.setdefault(axis, size) != size:
                    axis = f"{axis}_{size}"
                    sizes[axis] = size
                named.append(axis)
            variables[name] = xarray.Variable(named, array, attributes)
        return xarray.Dataset(variables, attrs=self.attrs)

    def to_datatree(self) -> Any:
        """The group and all below as an xarray.DataTree. ImportError where xarray is missing or older
        than 2024.10, which has none; then to_dataset() serves a group at a time."""
        xarray = _xarray("to_datatree")
        if not hasattr(xarray, "DataTree"):
            raise ImportError(
                f"to_datatree: this xarray has no DataTree: {getattr(xarray, '__version__', 'no version')}; "
                "expected 2024.10 or later"
            )
        below = len(self.path.rstrip("/"))
        return xarray.DataTree.from_dict(
            {group.path[below:] or "/": group.to_dataset() for group in self.subtree}
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self)}>"


def _xarray(where: str) -> Any:
    try:
        import xarray
    except ImportError:
        raise ImportError(f"{where}: no xarray; expected Debian's python3-xarray or the like") from None
    return xarray


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

    ValueError if it cannot be read, is not a record, is damaged, or breaks its schema.
    """
    return Record(_reprise.load_record(path, bool(no_checksum), bool(unconfined)))


def compare(a: PathOrRecord, b: PathOrRecord, most: int = 20) -> List[Tuple[str, str]]:
    """The first `most` places where two records differ outside /environment: (path, what). Empty if
    their digests are equal."""
    return _reprise.compare(_record(a)._tree, _record(b)._tree, most)


def verify(
    record: PathOrRecord,
    data: Union[Dataset, str, "os.PathLike[str]", None] = None,
    epochs: int = 0,
    threads: int = 1,
    initial: Union[str, "os.PathLike[str]", None] = None,
) -> Verification:
    """Runs the training run in a record again and compares.

    data     a Dataset or its folder; None: where Debian's package dataset-fashion-mnist has it
    epochs   compare the first N epochs only; 0: the whole record
    initial  file with the weights that the run started from, for a record made with `initial`

    A study that the record belongs to is not judged (the program verify does). Ctrl-C takes effect
    between steps. ValueError if the record breaks its schema or has fewer epochs.
    """
    found = _record(record)
    if not isinstance(data, Dataset):
        folder = _reprise.default_data_folder() if data is None else data
        holdout = found["configuration"].attrs.get("holdout", 0) if "configuration" in found else 0
        data = _reprise.load_dataset(folder, holdout)
    return Verification(*_reprise.verify(found._tree, data, epochs, threads, initial))


def digest(what: Union[PathOrRecord, npt.ArrayLike]) -> str:
    """SHA-256, 64 hexadecimal digits: of a record (or its path) that which it is published under; of
    an array its type, shape and values (float32, float64, uint8 or int64; every NaN counts alike).
    """
    if isinstance(what, (str, os.PathLike, Record)):
        return _record(what).digest
    return _reprise.array_digest(np.asarray(what))


def _record(what: PathOrRecord) -> Record:
    return what if isinstance(what, Record) else open(what)
