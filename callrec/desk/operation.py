"""Operations: what can be asked of callrec, and which roles it needs. All of them go through `admit` and
`carry_out`.

An operation is a function whose first argument is a Session; the others, and what it returns, can be sent as
JSON. It returns a value, an iterator of values, which are sent one by one, or a Download.

Who asks through the desk imports this too, and none of what answers: the catalogue is imported where it is
used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from callrec.desk.download import Download, Terms
from callrec.errors import NotAllowed, NotFound, OutOfSight, Sentence
from callrec.model.access import EVERYWHERE, Caller, Grant, Reach, Role, Through

if TYPE_CHECKING:
    from callrec.app import App
    from callrec.catalogue.database import Connection

P = ParamSpec("P")
T = TypeVar("T")
CHECK_SECONDS = 1.0
"""How often it is looked whether who asked still may, while the answer is on its way."""


@dataclass(frozen=True, slots=True)
class Session:
    """What an operation works with: the app, who asks, and which facilities that person reaches by it."""

    app: App
    caller: Caller
    reach: Reach
    """The facilities for which the caller has a role that this operation needs."""
    role: Role | None
    """The role by which it is done; None of who works directly, or does what anybody may."""

    @property
    def who(self) -> str:
        return self.caller.name

    @property
    def now(self) -> datetime:
        return self.app.now

    @property
    def marks(self) -> dict[str, str]:
        """What each row of the custody log says of the way: the role, and through what."""
        return {"role": self.role or "", "through": self.caller.through}

    def note(
        self,
        connection: Connection,
        recording_id: str,
        action: str,
        *,
        at: datetime | None = None,
        stated: Mapping[str, Any] | None = None,
        **details: Any,
    ) -> None:
        """Enters into the custody log that the caller did something, now if not `at` a moment. `stated` is
        what only the bucket is told. Needs a transaction that writes."""
        from callrec.catalogue import statements

        details = {**self.marks, **details}
        entry = statements.enter(
            connection, recording_id, action, who=self.who, at=at or self.now, stated=stated, **details
        )
        if "statement" in entry.details:
            self.app.outbox.wants(entry.details["statement"])

    def state_request(self, connection: Connection, id_: str, number: str, action: str) -> None:
        """Writes down how a request stands after a step of the caller's, for the bucket. `id_` is what the
        entries of the custody log have as `statement`."""
        from callrec.catalogue import requests, statements

        stands = requests.stands(connection, number)
        statements.state_request(connection, id_, number, action, who=self.who, at=self.now, stands=stands)
        self.app.outbox.wants(id_)

    def require(self, facility: str | None, what: str | Sentence) -> None:
        """Raises NotAllowed unless a facility is among those the caller reaches. `what` names it."""
        if not self.reach.covers(facility):
            raise NotAllowed("{who} has no role for {what}: see callrec access show", who=self.who, what=what)

    def require_all(self, command: str) -> None:
        """Raises NotAllowed unless the caller reaches all facilities. `command` is how people call what
        concerns all of them."""
        if self.reach != EVERYWHERE:
            raise NotAllowed(
                "{who} needs the role for all facilities for callrec {command}: see callrec access show",
                who=self.who,
                command=command,
            )


@dataclass(frozen=True, slots=True)
class Operation(Generic[P, T]):
    """One thing that can be asked. `command` is how people call it.

    Without `roles`, only who works directly may; what `anybody` may is asked without any role, too, and then
    reaches no facility.
    """

    name: str
    command: str
    roles: tuple[Role, ...]
    function: Callable[Concatenate[Session, P], T]
    anybody: bool = False


OPERATIONS: dict[str, Operation[..., Any]] = {}
"""All operations, by name. Filled by `operations.load`."""


def operation(
    command: str, *roles: Role, anybody: bool = False
) -> Callable[[Callable[Concatenate[Session, P], T]], Operation[P, T]]:
    """Makes a function an operation, under its own name."""

    def made(function: Callable[Concatenate[Session, P], T]) -> Operation[P, T]:
        name = function.__name__
        assert name not in OPERATIONS, name
        OPERATIONS[name] = new = Operation(name, command, roles, function, anybody)
        return new

    return made


def perform(wanted: Operation[P, T], app: App, caller: Caller, /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Does what is asked, if the caller may. Raises NotAllowed, which is in the custody log then."""
    return carry_out(wanted, admit(wanted, app, caller), *args, **kwargs)


def carry_out(wanted: Operation[P, T], session: Session, /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Does what is asked in the session of who was admitted to it. Raises NotAllowed as `perform` does."""
    try:
        result = wanted.function(session, *args, **kwargs)
    except (NotAllowed, OutOfSight) as error:
        raise _noted(session, wanted, error) from None
    session.app.put_statements()
    watch = _Watch(session, wanted)
    if isinstance(result, GeneratorType):
        return cast(T, watch.results(result))
    if isinstance(result, Download):
        result.before_each = partial(watch.piece, result.terms)
    return result


class _Watch:
    """Ends an answer that takes its time when who asked may have it no longer, and writes that down."""

    def __init__(self, session: Session, wanted: Operation[..., Any]) -> None:
        self._session, self._wanted = session, wanted
        self._due = time.monotonic() + CHECK_SECONDS

    def results(self, results: GeneratorType[T, None, None]) -> Iterator[T]:
        """Yields the results of an operation that makes them one by one."""
        try:
            with closing(results):
                for each in results:
                    self._session.app.put_statements()
                    yield each
                    self._look()  # before the next is made: of what is done, the caller is told
        except (NotAllowed, OutOfSight) as error:
            raise _noted(self._session, self._wanted, error) from None

    def piece(self, terms: Terms | None, sent: int) -> None:
        """Looks whether the next piece of a file may go out, after so many bytes."""
        try:
            self._look(terms)
        except NotAllowed as error:
            if terms is None:
                raise _noted(self._session, self._wanted, error) from None
            error.recording_id = terms.recording_id
            raise _noted(self._session, self._wanted, error, sent=terms.reached(sent)) from None

    def _look(self, terms: Terms | None = None) -> None:
        """Raises NotAllowed where the caller would not be admitted now, or would reach less."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + CHECK_SECONDS
        now = _session(self._wanted, self._session.app, self._session.caller)
        if not now.reach.includes(self._session.reach):
            raise NotAllowed("{who} has lost a role meanwhile: ask again", who=now.who)
        if terms:
            terms.check(now)


def admit(wanted: Operation[..., Any], app: App, caller: Caller) -> Session:
    """Returns the session of a caller who has a role for it. Raises NotAllowed, which is in the custody log
    then."""
    try:
        return _session(wanted, app, caller)
    except NotAllowed as error:
        raise _noted(Session(app, caller, Reach(frozenset()), None), wanted, error) from None


def _session(wanted: Operation[..., Any], app: App, caller: Caller) -> Session:
    if caller.through is Through.DIRECT:
        return Session(app, caller, EVERYWHERE, None)
    usable = [each for each in _held(app, caller) if each.role in wanted.roles]
    if not usable and not wanted.anybody:
        raise _refusal(wanted, caller)
    return Session(app, caller, reach_of(usable), usable[0].role if usable else None)


def _refusal(wanted: Operation[..., Any], caller: Caller) -> NotAllowed:
    names = {"who": caller.name, "command": wanted.command}
    if not wanted.roles:
        return NotAllowed("{who} may not use callrec {command}: only who can read callrec.toml may", **names)
    return NotAllowed(
        "{who} may not use callrec {command}: it needs the role {roles}",
        **names,
        roles=" / ".join(wanted.roles),
    )


def _held(app: App, caller: Caller) -> list[Grant]:
    from callrec.catalogue import grants

    with app.database.read() as connection:
        return grants.of(connection, caller.names)


def reach_of(held: list[Grant]) -> Reach:
    """Returns the facilities that some grants are for, taken together."""
    codes = [each.facility for each in held]
    return EVERYWHERE if None in codes else Reach(frozenset(code for code in codes if code))


def _noted(
    session: Session, wanted: Operation[..., Any], error: NotAllowed | OutOfSight, **said: Any
) -> Exception:
    """Enters a refusal into the custody log, and returns what the caller is told of it.

    Of the same again and again not each is written, but always until where an answer came (`said`).
    """
    from callrec.lifecycle.requests import plain_number

    hidden = isinstance(error, OutOfSight)
    number = plain_number(str(error.values.get("number", "")))
    times = 1 if said else _times(session, wanted, error.recording_id, number)
    said |= {"command": wanted.command}
    said |= {"request": number} if number else {}
    said |= {"out_of_sight": True} if hidden else {}
    said |= {"times": times} if times > 1 else {}
    if times:
        with session.app.database.begin() as connection:
            session.note(connection, error.recording_id, "refused", **said)
    return NotFound(error.template, **error.values) if hidden else error


def _times(session: Session, wanted: Operation[..., Any], recording_id: str, number: str) -> int:
    """Returns for how many refusals a row is to be written now. A number that is no request's may be any: by
    it nothing becomes another refusal."""
    from callrec.catalogue import requests

    if number:
        with session.app.database.read() as connection:
            number = number if requests.find(connection, number) else ""
    return session.app.refusals.stands_for((session.who, wanted.command, recording_id, number))
