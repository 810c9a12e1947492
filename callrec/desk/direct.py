"""Carries operations out in this process, for whoever can read callrec.toml."""

from __future__ import annotations

from typing import ParamSpec, Protocol, TypeVar

from callrec import account
from callrec.app import App
from callrec.desk.operation import Operation, perform
from callrec.model.access import Caller, Through

P = ParamSpec("P")
T = TypeVar("T")


class Desk(Protocol):
    """What commands ask. Raises whatever an operation raises."""

    def do(self, wanted: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Has an operation done and returns its result."""


class DirectDesk:
    """Does what is asked itself: with all rights, and the custody log says so."""

    def __init__(self, app: App) -> None:
        self._app = app

    def do(self, wanted: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        caller = Caller(account.acting(), frozenset(), Through.DIRECT)
        return perform(wanted, self._app, caller, *args, **kwargs)
