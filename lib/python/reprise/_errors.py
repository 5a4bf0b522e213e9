"""The texts of exceptions."""

from __future__ import annotations

from typing import Any, List


def shown(value: Any) -> str:
    """How an exception shows a value: in one line, of at most 200 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 200 else text[:200] + "..."


def as_list(where: str, name: str, values: Any) -> List[Any]:
    """A list of the values; TypeError if there are none to list, as in a number or a text."""
    try:
        if not isinstance(values, str):
            return list(values)
    except (TypeError, NotImplementedError):  # the latter of a memoryview with several axes
        pass
    raise TypeError(f"{where}: {name} = {shown(values)}; expected a list")
