"""What a shell completes, for who presses Tab. Nobody is refused, and nothing is written down: who may not
list something is told of nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from callrec.dates import spoken
from callrec.desk.operation import Session, operation, reach_of
from callrec.model.access import EVERYWHERE, Reach, Role, Through
from callrec.model.names import Named, NameKind

if TYPE_CHECKING:
    from callrec.catalogue.database import Connection

MOST = 50
"""Names that are given at once: more is no help."""
Source = Callable[[Session, "Connection", str], Iterator[Named]]


@operation("completion", *Role, anybody=True)
def names(session: Session, /, kind: NameKind, begin: str) -> Iterator[Named]:
    """Yields what there is of a kind whose name begins so, as far as the caller may list it."""
    with session.app.database.read() as connection:
        found = SOURCES[kind](session, connection, begin)
        yield from islice((each for each in found if each.name.startswith(begin)), MOST)


def _reach(session: Session, connection: Connection, *roles: Role) -> Reach | None:
    """Returns which facilities the caller reaches by one of these roles; None: has none of them."""
    from callrec.catalogue import grants

    if session.caller.through is Through.DIRECT:
        return EVERYWHERE
    held = [each for each in grants.of(connection, session.caller.names) if each.role in roles]
    return reach_of(held) if held else None


def _of_office(session: Session, connection: Connection) -> Reach | None:
    """Returns whose facilities and extensions the caller may know: all by the role for rules, which may list
    them; else those whose calls can be found."""
    if _reach(session, connection, Role.RULES):
        return EVERYWHERE
    return _reach(session, connection, *Role)


def _facilities(session: Session, connection: Connection, begin: str) -> Iterator[Named]:
    from callrec.catalogue import facilities

    if reach := _of_office(session, connection):
        for each in facilities.all_facilities(connection):
            if reach.covers(each.code):
                yield Named(each.code, each.name)


def _extensions(session: Session, connection: Connection, begin: str) -> Iterator[Named]:
    from callrec.catalogue import facilities

    if reach := _of_office(session, connection):
        for each in facilities.all_extensions(connection):
            if reach.covers(each.facility):
                yield Named(each.number, f"{each.facility} {each.name}".strip())


def _endpoints(session: Session, connection: Connection, begin: str) -> Iterator[Named]:
    """Yields the phones of extensions; those of the PBX, which has to be asked, where none of these fits."""
    from callrec.catalogue import facilities

    if not _reach(session, connection, Role.RULES):
        return
    known = {alias: each.number for each in facilities.all_extensions(connection) for alias in each.aliases}
    yield from (Named(alias, number) for alias, number in known.items())
    if not any(alias.startswith(begin) for alias in known):
        yield from (Named(each, "") for each in sorted(session.app.pbx.endpoints()))


def _rules(session: Session, connection: Connection, begin: str) -> Iterator[Named]:
    from callrec.catalogue import rules

    if _reach(session, connection, Role.RULES):
        for each in rules.in_force(connection):
            yield Named(str(each.id), " ".join(filter(None, (each.scope, each.target, each.mode))))


def _prompts(session: Session, connection: Connection, begin: str) -> Iterator[Named]:
    if _reach(session, connection, Role.RULES):
        languages: dict[str, list[str]] = {}
        for each in session.app.library.all():
            languages.setdefault(each.name, []).append(each.language)
        yield from (Named(name, " ".join(found)) for name, found in languages.items())


def _requests(session: Session, connection: Connection, begin: str) -> Iterator[Named]:
    from callrec.catalogue import requests

    if reach := _reach(session, connection, Role.HANDLER, Role.MANAGER, Role.AUDITOR):
        for each in reversed(requests.all_requests(connection)):
            if reach.meets(each.reach):
                yield Named(each.number, f"{each.kind} {each.state}")


def _copies(session: Session, connection: Connection, begin: str) -> Iterator[Named]:
    from callrec.catalogue import requests

    if reach := _reach(session, connection, Role.HANDLER, Role.MANAGER):
        of_requests = requests.copies_of(connection)
        for each in requests.all_requests(connection):
            if reach.meets(each.reach):
                yield from (Named(copy.id, each.number) for copy in of_requests[each.number] if copy.is_out)


def _recordings(session: Session, connection: Connection, begin: str) -> Iterator[Named]:
    return _found(session, connection, begin, every_call=False)


def _calls(session: Session, connection: Connection, begin: str) -> Iterator[Named]:
    return _found(session, connection, begin, every_call=True)


def _found(session: Session, connection: Connection, begin: str, *, every_call: bool) -> Iterator[Named]:
    """Yields the newest that the caller would find by a search."""
    from callrec.catalogue import newest

    zone = session.app.settings.office.zone
    if reach := _reach(session, connection, Role.HANDLER):
        for each in newest.beginning(connection, begin, MOST, reach=reach, every_call=every_call):
            yield Named(each.id, f"{spoken(each.started_at, zone)} {each.extension or '—'}")


def _accounts(session: Session, connection: Connection, begin: str) -> Iterator[Named]:
    from callrec.catalogue import grants

    if reach := _reach(session, connection, Role.AUDITOR):
        found = [each for each in grants.all_grants(connection) if reach.covers(each.facility)]
        yield from (Named(who, "") for who in sorted({each.who for each in found}))


SOURCES: dict[NameKind, Source] = {
    NameKind.ACCOUNT: _accounts,
    NameKind.CALL: _calls,
    NameKind.COPY: _copies,
    NameKind.ENDPOINT: _endpoints,
    NameKind.EXTENSION: _extensions,
    NameKind.FACILITY: _facilities,
    NameKind.PROMPT: _prompts,
    NameKind.RECORDING: _recordings,
    NameKind.REQUEST: _requests,
    NameKind.RULE: _rules,
}
