"""Names the command by which a PostgreSQL server gets what it lacks: the role, the database, or the right to
make tables. It is typed as the server's own administrator, on its machine."""

from __future__ import annotations

import shlex

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

_AS_ADMIN = "sudo -u postgres"
_MISSING_ROLE = ("role", "password")
"""Words of libpq, which tells a role that is missing and a password that is wrong apart only where it asks
for none."""


def of(url: sa.URL, error: DBAPIError) -> str:
    """Returns the command for an error of a server; empty where no command is known to help."""
    if url.get_backend_name() != "postgresql" or not url.username:
        return ""
    said = str(error.orig).lower()
    if getattr(error.orig, "sqlstate", None) == "3D000" or ("database" in said and "does not exist" in said):
        return f"{_AS_ADMIN} createdb --owner={shlex.quote(url.username)} {shlex.quote(url.database or '')}"
    if any(word in said for word in _MISSING_ROLE):
        return f"{_AS_ADMIN} createuser --pwprompt {shlex.quote(url.username)}"
    return ""


def to_make_tables(url: sa.URL) -> str:
    """Returns the command that lets the user of a URL make tables."""
    user = (url.username or "").replace('"', '""')
    statement = f'GRANT CREATE ON SCHEMA public TO "{user}"'
    return f"{_AS_ADMIN} psql {shlex.quote(url.database or '')} -c {shlex.quote(statement)}"
