"""The digest of an HDF5 record, from docs/record_format.md alone: its tables of settings are read from the page."""

import hashlib
import struct
from pathlib import Path

import h5py
import numpy

PAGE = Path(__file__).resolve().parents[2] / "docs/record_format.md"
NO_VARIABLE = b"This is a netCDF dimension but not a netCDF variable."
PRIVATE = {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_Netcdf4Dimid"}
ATTRIBUTE_TYPES = {"int64": "<q", "float64": "<d"}


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


class Digest:
    """The walk over an open h5py file."""

    def __init__(self, file):
        self.hash = hashlib.sha256()
        self.format = file.attrs["format"]
        self.kind = {"checkpoint": "training"}.get(file.attrs.get("kind"), file.attrs.get("kind"))
        self.text(self.format)
        self.group(file, at_root=True)

    def number(self, value):
        self.hash.update(struct.pack("<Q", value))

    def text(self, value):
        encoded = value.encode() if isinstance(value, str) else value
        self.number(len(encoded))
        self.hash.update(encoded)

    def group(self, group, at_root=False):
        def named(kind):
            return [name for name in sorted(group, key=str.encode) if isinstance(group[name], kind)]

        settings = group.name == "/configuration" and self.format != "reprise record 1"
        if settings:
            self.settings(group)
        else:
            self.attributes(group, {"digest", "format"} if at_root else set())
        datasets = [name for name in named(h5py.Dataset) if not is_bare_scale(group[name])]
        datasets = [name for name in datasets if not (settings and name == "toml")]
        self.number(len(datasets))
        for name in datasets:
            self.text(name)
            self.dataset(group[name])
        groups = [name for name in named(h5py.Group) if not (at_root and name == "environment")]
        self.number(len(groups))
        for name in groups:
            self.text(name)
            self.group(group[name])

    def settings(self, group):
        defaults = default_settings(self.kind)
        counted = {}
        for setting, value in group.attrs.items():
            name, default = defaults.get(setting, (setting, None))
            if type(value) is not type(default) or value != default:
                counted[name] = value
        self.values(counted)

    def attributes(self, thing, left_out):
        self.values({name: value for name, value in thing.attrs.items() if name not in left_out})

    def values(self, values):
        self.number(len(values))
        for name in sorted(values, key=str.encode):
            value = values[name]
            self.text(name)
            if isinstance(value, str):
                self.text("text")
                self.text(value)
            else:
                self.text(value.dtype.name)
                self.hash.update(struct.pack(ATTRIBUTE_TYPES[value.dtype.name], value))

    def dataset(self, dataset):
        is_text = h5py.check_string_dtype(dataset.dtype) is not None
        self.text("text" if is_text else dataset.dtype.name)
        self.number(len(dataset.shape))
        for name, size in zip(axis_names(dataset), dataset.shape):
            self.text(name)
            self.number(size)
        self.number(dataset.size)
        if is_text:
            for value in dataset[()].flat if dataset.shape else [dataset[()]]:
                self.text(value)
        else:
            self.hash.update(dataset[()].tobytes())
        self.attributes(dataset, PRIVATE)


def is_scale(dataset):
    return h5py.h5ds.is_scale(dataset.id)


def is_bare_scale(dataset):
    return is_scale(dataset) and dataset.attrs["NAME"].startswith(NO_VARIABLE)


def axis_names(dataset):
    if is_scale(dataset):
        return [dataset.name.split("/")[-1]]
    scales = [axis[0] for axis in dataset.dims]
    return [scale.attrs.get("axis", scale.name.split("/")[-1]) for scale in scales]
