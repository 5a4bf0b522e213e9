#!/usr/bin/env python3
"""Checks ro-crate-metadata.json: each MUST of RO-Crate 1.1 and of Process Run Crate 0.5 that concerns it, by name.

    tests/check_crate.py DIR        DIR is a report's folder

Each check is also given a broken copy of the crate, which it must refuse: a check that cannot fail is
an error here.
"""

import copy
import json
import pathlib
import re
import sys
import urllib.parse

METADATA = "ro-crate-metadata.json"
PROCESS = "https://w3id.org/ro/wfrun/process/0.5"
TOOLS = {"SoftwareApplication", "SoftwareSourceCode", "ComputationalWorkflow"}
ACTIONS = {"CreateAction", "ActivateAction", "UpdateAction"}


def listed(value):
    """A property's values as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def types(entity):
    return set(listed(entity.get("@type")))


def ids(value):
    return [reference["@id"] for reference in listed(value) if isinstance(reference, dict)]


class Crate:
    """A crate's text, its graph by identifiers, and the folder that it describes."""

    def __init__(self, text, folder):
        self.folder = folder
        self.document = json.loads(text)
        self.graph = self.document["@graph"]
        self.by_id = {entity.get("@id"): entity for entity in self.graph}
        self.descriptor = self.by_id.get(METADATA, {})
        self.root = self.by_id.get((ids(self.descriptor.get("about")) or [None])[0], {})
        self.files = [e for e in self.graph if "File" in types(e)]
        self.folders = [e for e in self.graph if "Dataset" in types(e)]
        self.actions = [e for e in self.graph if types(e) & ACTIONS]
        self.tools = [e for e in self.graph if types(e) & TOOLS]


CHECKS = []


def must(name, breaks):
    """Registers a check; `breaks` spoils a document so that the check is to refuse it."""

    def register(check):
        CHECKS.append((name, check, breaks))
        return check

    return register


def edit(change):
    """Breaks a document by a change of its entities by identifiers."""

    def breaks(document):
        change({entity["@id"]: entity for entity in document["@graph"]})

    return breaks


def first(by_id, kind):
    return next(e for e in by_id.values() if kind in types(e) and e["@id"] != "./")


# ---- RO-Crate 1.1: structure and JSON-LD


@must("the document is JSON-LD with a context and a graph", lambda d: d.pop("@context"))
def _(crate):
    return set(crate.document) == {"@context", "@graph"} and isinstance(crate.graph, list)


@must("the context of RO-Crate 1.1 is referenced", lambda d: d["@context"].pop(0))
def _(crate):
    return "https://w3id.org/ro/crate/1.1/context" in listed(crate.document["@context"])


@must("the JSON-LD is flattened: what is nested has @id alone", edit(lambda e: e["./"].update(license={"@id": "x", "name": "y"})))
def _(crate):
    nested = [v for e in crate.graph for k, p in e.items() if k != "@type" for v in listed(p) if isinstance(v, dict)]
    return all(set(v) == {"@id"} for v in nested) and all(isinstance(e, dict) for e in crate.graph)


@must("each entity has an identifier of its own", lambda d: d["@graph"].append(dict(d["@graph"][-1])))
def _(crate):
    return len(crate.by_id) == len(crate.graph) and all(isinstance(i, str) and i for i in crate.by_id)


@must("each entity has a type", lambda d: d["@graph"][-1].pop("@type"))
def _(crate):
    return all(types(e) for e in crate.graph)


@must("identifiers are URI references", edit(lambda e: first(e, "File").update({"@id": "a file\\name"})))
def _(crate):
    def is_reference(text):
        return re.fullmatch(r"[^\x00-\x20<>\"{}|\\^`]+", text) and not re.search(r"%(?![0-9A-Fa-f]{2})", text)

    return all(is_reference(i) for e in crate.graph for i in [e["@id"]] + [r for p in e.values() for r in ids(p)])


# ---- the descriptor


@must("there is a metadata file descriptor", edit(lambda e: e[METADATA].update({"@id": "metadata.json"})))
def _(crate):
    return METADATA in crate.by_id


@must("the descriptor is a CreativeWork", edit(lambda e: e[METADATA].update({"@type": "File"})))
def _(crate):
    return "CreativeWork" in types(crate.descriptor)


@must("the descriptor is about the root", edit(lambda e: e[METADATA].pop("about")))
def _(crate):
    return bool(crate.root)


@must("the descriptor conforms to RO-Crate 1.1", edit(lambda e: e[METADATA].update(conformsTo={"@id": PROCESS})))
def _(crate):
    return "https://w3id.org/ro/crate/1.1" in ids(crate.descriptor.get("conformsTo"))


# ---- the root


@must("the root is a Dataset", edit(lambda e: e["./"].update({"@type": "CreativeWork"})))
def _(crate):
    return "Dataset" in types(crate.root)


def rename_root(by_id):
    by_id["./"]["@id"] = "report"
    by_id[METADATA]["about"]["@id"] = "report"


@must("the root's identifier ends with a slash", edit(rename_root))
def _(crate):
    return crate.root.get("@id", "").endswith("/")


for property_name in ("name", "description", "datePublished", "license"):

    @must(f"the root has {property_name}", edit(lambda e, p=property_name: e["./"].pop(p)))
    def _(crate, p=property_name):
        return bool(crate.root.get(p))


@must("datePublished is a date of ISO 8601", edit(lambda e: e["./"].update(datePublished="yesterday")))
def _(crate):
    date = crate.root.get("datePublished", "")
    return bool(re.fullmatch(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?)?)?", date))


# ---- data entities


@must("each file is linked from the root by hasPart", edit(lambda e: e["./"]["hasPart"].pop()))
def _(crate):
    found, wanted = set(), ids(crate.root.get("hasPart"))
    while wanted:
        part = wanted.pop()
        if part not in found:
            found.add(part)
            wanted += ids(crate.by_id.get(part, {}).get("hasPart"))
    data = crate.files + [e for e in crate.folders if e is not crate.root]
    return bool(data) and all(e["@id"] in found for e in data)


@must("each part is described as a File or Dataset", edit(lambda e: first(e, "File").update({"@type": "CreativeWork"})))
def _(crate):
    return all(types(crate.by_id.get(i, {})) & {"File", "Dataset"} for i in ids(crate.root.get("hasPart")))


@must("each file is a path within the root, or on the web", edit(lambda e: first(e, "File").update({"@id": "../x.csv"})))
def _(crate):
    def is_place(identifier):
        if urllib.parse.urlsplit(identifier).scheme:
            return True
        path = pathlib.PurePosixPath(urllib.parse.unquote(identifier))
        return not path.is_absolute() and ".." not in path.parts and not identifier.startswith("#")

    return all(is_place(e["@id"]) for e in crate.files)


@must("each file within the root is there", edit(lambda e: first(e, "File").update({"@id": "none.csv"})))
def _(crate):
    local = [e["@id"] for e in crate.files if not urllib.parse.urlsplit(e["@id"]).scheme]
    return bool(local) and all((crate.folder / urllib.parse.unquote(i)).is_file() for i in local)


# ---- Process Run Crate 0.5


@must("the root conforms to Process Run Crate 0.5", edit(lambda e: e["./"].pop("conformsTo")))
def _(crate):
    return PROCESS in ids(crate.root.get("conformsTo"))


@must("the profile is described as a CreativeWork", edit(lambda e: e[PROCESS].update({"@type": "Thing"})))
def _(crate):
    return "CreativeWork" in types(crate.by_id.get(PROCESS, {}))


@must("there are actions", lambda d: d.update({"@graph": [e for e in d["@graph"] if not types(e) & ACTIONS]}))
def _(crate):
    return bool(crate.actions)


@must("each action has an identifier", edit(lambda e: first(e, "CreateAction").pop("@id")))
def _(crate):
    return all(e.get("@id") for e in crate.actions)


@must("each action has an instrument", edit(lambda e: first(e, "CreateAction").pop("instrument")))
def _(crate):
    return all(ids(e.get("instrument")) for e in crate.actions)


@must("each instrument is a described tool", edit(lambda e: first(e, "SoftwareApplication").update({"@type": "Thing"})))
def _(crate):
    return all(types(crate.by_id.get(i, {})) & TOOLS for e in crate.actions for i in ids(e.get("instrument")))


@must("each tool has an identifier", edit(lambda e: first(e, "SoftwareApplication").pop("@id")))
def _(crate):
    return all(e.get("@id") for e in crate.tools)


# ---- SHOULDs that a consumer relies on


@must("each action is mentioned by the root", edit(lambda e: e["./"]["mentions"].pop()))
def _(crate):
    return {e["@id"] for e in crate.actions} <= set(ids(crate.root.get("mentions")))


@must("what actions use and give is described", edit(lambda e: first(e, "CreateAction").update(result={"@id": "#none"})))
def _(crate):
    return all(i in crate.by_id for e in crate.actions for p in ("object", "result") for i in ids(e.get(p)))


def holds(check, text, folder):
    """A crate that cannot even be read holds nothing."""
    try:
        return bool(check(Crate(text, folder)))
    except (KeyError, TypeError, AttributeError, IndexError, ValueError):
        return False


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: check_crate.py DIR")
    folder = pathlib.Path(sys.argv[1])
    file = folder / METADATA
    if not file.is_file():
        sys.exit(f"check_crate: {folder} has no {METADATA}")
    text = file.read_text(encoding="utf-8")
    faults = 0
    for name, check, breaks in CHECKS:
        broken = copy.deepcopy(json.loads(text))
        breaks(broken)
        if not holds(check, text, folder):
            print(f"check_crate: it does not hold that {name}")
            faults += 1
        if holds(check, json.dumps(broken), folder):
            print(f"check_crate: no fault was found where it does not hold that {name}")
            faults += 1
    print(f"{len(CHECKS)} checks, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
