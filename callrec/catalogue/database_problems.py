"""Says why a database cannot be used: by the codes of SQLite and PostgreSQL, not in their words, which are
those of a server's own language and may name what is secret."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from callrec import failures
from callrec.errors import Fault, Sentence

SQLITE_KINDS: dict[str, str] = {
    "SQLITE_CANTOPEN": "its file cannot be opened",
    "SQLITE_NOTADB": "its file is not a database",
    "SQLITE_BUSY": "another program has locked it",
    "SQLITE_LOCKED": "another program has locked it",
    "SQLITE_READONLY": "it can only be read",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_CORRUPT": "its file is damaged",
    "SQLITE_IOERR": "the disk fails",
    "SQLITE_PERM": "no right to it",
    "SQLITE_AUTH": "no right to it",
}
"""By the name of SQLite's error, of which an extended one begins with it."""
SQLSTATE_KINDS: dict[str, str] = {
    "28": "it does not accept the user or the password",
    "3D000": "its server has no database of that name",
    "42501": "no right to it",
    "25006": "it can only be read",
    "53100": "the disk is full",
    "53300": "it has too many connections",
    "57014": "a statement took too long",
    "57P": "it is starting or ending",
    "08": "it ended the connection",
}
"""By the code of PostgreSQL, or its first signs."""
CONNECTION_KINDS: dict[str, str] = {
    "connection refused": "connection refused",
    "no such file or directory": "nobody listens there",
    "timeout": "no answer in time",
    "timed out": "no answer in time",
    "resolve host": "no machine of that name is known",
    "translate host": "no machine of that name is known",
    "password": "it does not accept the user or the password",
    "pg_hba": "it does not accept the user or the password",
    "role": "it does not accept the user or the password",
    "certificate": "its certificate is not trusted",
    "ssl": "no encrypted connection came about",
    "closed the connection": "it ended the connection",
    "too many": "it has too many connections",
    "starting up": "it is starting or ending",
    "authentication": "what it answers is not PostgreSQL",
    "does not exist": "its server has no database of that name",
}
"""By words of libpq, which has no codes for a connection that does not come about."""
_FAULTS = {"08": Fault.NETWORK, "28": Fault.OURS, "3D": Fault.OURS, "42": Fault.OURS}
"""Whose fault it is, by the first signs of the code of PostgreSQL; of all others the server's."""
_CONNECTION_FAULTS = {
    **dict.fromkeys(("password", "pg_hba", "role", "certificate", "does not exist"), Fault.OURS),
    **dict.fromkeys(("too many", "starting up"), Fault.SERVER),
}
"""By words of libpq; all others are of the way there."""
_UNDEFINED = ("42P01", "42703")
"""SQLSTATE: undefined_table, undefined_column."""
_REFUSED = ("42501", "25006")
"""SQLSTATE: insufficient_privilege, read_only_sql_transaction (a standby server)."""
_UNDEFINED_IN_SQLITE = ("no such table", "no such column", "has no column named")


class NoFile(sqlite3.OperationalError):
    """A SQLite database has no file; SQLite itself would have made an empty one."""


def is_unusable(error: DBAPIError) -> bool:
    """Returns whether the trouble is the database's, or the right to use it, and not what it was asked for.

    SQLite says by DatabaseError itself, not by one of its kinds, that a file is damaged or no database.
    """
    refused = getattr(error.orig, "sqlstate", None) in _REFUSED
    return isinstance(error, OperationalError) or type(error) is DatabaseError or refused


def lacks_tables(error: DBAPIError) -> bool:
    """Returns whether a table or a column is not there. PostgreSQL says so by a code, and in the language of
    its server; SQLite in words alone."""
    if getattr(error.orig, "sqlstate", None) in _UNDEFINED:
        return True
    said = str(error.orig) if isinstance(error.orig, sqlite3.Error) else ""
    return any(words in said for words in _UNDEFINED_IN_SQLITE)


def why(error: DBAPIError) -> Sentence:
    """Returns the kind of trouble; where it is none of those known, its code or the name of its class."""
    own, name = error.orig, getattr(error.orig, "sqlite_errorname", None)
    code = getattr(own, "sqlstate", None)
    if name:
        return _kind(SQLITE_KINDS, name)
    if code:
        return _kind(SQLSTATE_KINDS, code)
    if own is None or isinstance(own, sqlite3.Error):
        return failures.why(own or error)
    said = f"{type(own).__name__} {own}".lower()
    found = next((words for part, words in CONNECTION_KINDS.items() if part in said), None)
    return Sentence(found) if found else failures.why(own)


def fault(error: DBAPIError) -> Fault:
    """Returns whose fault it is that the database cannot be used. SQLite's file is this machine's own."""
    own, code = error.orig, getattr(error.orig, "sqlstate", None)
    if own is None or isinstance(own, sqlite3.Error):
        return Fault.OURS
    if code:
        return next((who for begin, who in _FAULTS.items() if code.startswith(begin)), Fault.SERVER)
    said = f"{type(own).__name__} {own}".lower()
    part = next((part for part in CONNECTION_KINDS if part in said), "")
    return _CONNECTION_FAULTS.get(part, Fault.NETWORK)


def _kind(kinds: dict[str, str], code: str) -> Sentence:
    found = next((words for begin, words in kinds.items() if code.startswith(begin)), None)
    return Sentence(found) if found else Sentence("{problem}", problem=code)
