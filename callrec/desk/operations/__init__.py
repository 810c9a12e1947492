"""The operations of the desk, one file a subject. `load` imports them all, for the server and the documents;
a command imports only those that it calls."""

from __future__ import annotations

import importlib


def load() -> None:
    """Fills the list of operations."""
    import pkgutil

    for each in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(each.name)
