"""Commands that need callrec.toml itself. Who asks the desk for one is refused, which is in the custody log
then; nothing is done here for anybody."""

from __future__ import annotations

from callrec.desk.operation import Operation, Session, operation


def _made(command: str) -> Operation[[], None]:
    def refused(session: Session, /) -> None:
        """Does nothing for who may: the command itself is carried out where it is typed."""

    refused.__name__ = f"{command}_through_the_desk"
    return operation(command)(refused)


DIRECT = {command: _made(command) for command in ("purge", "doctor", "serve", "desk", "backup", "upgrade")}
"""By the name of the command."""
