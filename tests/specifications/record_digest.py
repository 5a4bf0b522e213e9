"""The tree of an HDF5 record and its digest, from docs/record_format.md alone: its tables of settings are read from the
page."""

import hashlib
import struct
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy

PAGE = Path(__file__).resolve().parents[2] / "docs/record_format.md"
NO_VARIABLE = b"This is a netCDF dimension but not a netCDF variable."
PRIVATE = {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_Netcdf4Dimid"}


@dataclass
class Dataset:
    axes: list  # their names
    values: numpy.ndarray  # of a type of the format; texts as objects
    attributes: dict = field(default_factory=dict)


@dataclass
class Group:
    attributes: dict = field(default_factory=dict)  # str, numpy.int64 or numpy.float64
    datasets: dict = field(default_factory=dict)
    groups: dict = field(default_factory=dict)


def type_of(values):
    is_text = isinstance(values, str) or values.dtype == object
    return "text" if is_text else values.dtype.name


def default_settings(kind):
    """Setting -> (name in the format, default), as docs/record_format.md lists them for a kind of record."""
    number = {"int64": numpy.int64, "float64": numpy.float64, "text": lambda text: text.replace("(empty)", "")}
    rows, inside = {}, False
    for line in PAGE.read_text().splitlines():
        if not line.startswith("|"):
            inside = False
        elif line.startswith(f"| {kind}: setting |"):
            inside = True
        elif inside and not line.startswith("|--"):
            setting, kind_of_value, value = (cell.strip() for cell in line.strip("|").split("|"))
            name = setting.split("(")[-1].strip(" `)")
            rows[setting.split("(")[0].strip(" `")] = (name, number[kind_of_value](value))
    return rows


def counted_settings(kind, attributes):
    """Those that differ from the format's defaults, by their names in it."""
    defaults = default_settings({"checkpoint": "training"}.get(kind, kind))
    defaults |= {name: (name, value) for name, value in defaults.values()}  # as an earlier release called it
    counted = {}
    for setting, value in attributes.items():
        name, default = defaults.get(setting, (setting, None))
        if type(value) is not type(default) or value != default:
            counted[name] = value
    return counted


def one_nan(values):
    """The same with every NaN the one that digests take."""
    if values.dtype.kind != "f":
        return values
    return numpy.where(numpy.isnan(values), values.dtype.type(numpy.nan), values)


class Digest:
    """The walk over a tree."""

    def __init__(self, root, record_format):
        self.hash = hashlib.sha256()
        self.text(record_format)
        self.group(counted_part(root, record_format))

    def number(self, value):
        self.hash.update(struct.pack("<Q", value))

    def text(self, value):
        encoded = value.encode() if isinstance(value, str) else value
        self.number(len(encoded))
        self.hash.update(encoded)

    def group(self, group):
        self.attributes(group.attributes)
        for things, walk in (group.datasets, self.dataset), (group.groups, self.group):
            self.number(len(things))
            for name in sorted(things, key=str.encode):
                self.text(name)
                walk(things[name])

    def attributes(self, values):
        self.number(len(values))
        for name in sorted(values, key=str.encode):
            self.text(name)
            self.text(type_of(values[name]))
            self.value(values[name])

    def value(self, value):
        if isinstance(value, (str, bytes)):
            self.text(value)
        else:
            self.hash.update(one_nan(value).tobytes())

    def dataset(self, dataset):
        self.text(type_of(dataset.values))
        self.number(len(dataset.axes))
        for name, size in zip(dataset.axes, dataset.values.shape):
            self.text(name)
            self.number(size)
        self.number(dataset.values.size)
        if type_of(dataset.values) == "text":
            for value in dataset.values.flat:
                self.text(value)
        else:
            self.hash.update(one_nan(dataset.values).tobytes())
        self.attributes(dataset.attributes)


def counted_part(root, record_format):
    """The tree without what is left out."""
    attributes = {name: value for name, value in root.attributes.items() if name not in {"digest", "format"}}
    groups = {name: group for name, group in root.groups.items() if name != "environment"}
    if record_format != "reprise record 1" and "configuration" in groups:
        configuration = groups["configuration"]
        datasets = {name: dataset for name, dataset in configuration.datasets.items() if name != "toml"}
        settings = counted_settings(root.attributes.get("kind"), configuration.attributes)
        groups["configuration"] = Group(settings, datasets, configuration.groups)
    return Group(attributes, root.datasets, groups)


def read_tree(group):
    """Of an open h5py file or group."""
    tree = Group(dict(group.attrs))
    for name, thing in group.items():
        if isinstance(thing, h5py.Group):
            tree.groups[name] = read_tree(thing)
        elif not is_bare_scale(thing):
            values = thing[()] if thing.shape else numpy.array(thing[()], thing.dtype)
            attributes = {key: value for key, value in thing.attrs.items() if key not in PRIVATE}
            tree.datasets[name] = Dataset(axis_names(thing), values, attributes)
    return tree


def digest_of(file):
    """Of an open h5py file: 64 hexadecimal digits."""
    return Digest(read_tree(file), file.attrs["format"]).hash.hexdigest()


def is_scale(dataset):
    return h5py.h5ds.is_scale(dataset.id)


def is_bare_scale(dataset):
    return is_scale(dataset) and dataset.attrs["NAME"].startswith(NO_VARIABLE)


def axis_names(dataset):
    if is_scale(dataset):
        return [dataset.name.split("/")[-1]]
    scales = [axis[0] for axis in dataset.dims]
    return [scale.attrs.get("axis", scale.name.split("/")[-1]) for scale in scales]
