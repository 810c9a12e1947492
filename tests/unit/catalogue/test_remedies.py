"""The command by which a PostgreSQL gets what it lacks. What the server says is what a real one said."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from callrec.catalogue import remedies

URL = "postgresql+psycopg://callrec@localhost/office"


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ('FATAL:  database "office" does not exist', "sudo -u postgres createdb --owner=callrec office"),
        ('FATAL:  role "callrec" does not exist', "sudo -u postgres createuser --pwprompt callrec"),
        (
            'FATAL:  password authentication failed for user "callrec"',
            "sudo -u postgres createuser --pwprompt callrec",
        ),
        ("fe_sendauth: no password supplied", "sudo -u postgres createuser --pwprompt callrec"),
        ("could not connect to server: Connection refused", ""),
    ],
)
def test_it_is_named(said: str, command: str) -> None:
    assert remedies.of(sa.make_url(URL), OperationalError(None, None, Exception(said))) == command


def test_of_another_database_none_is_known() -> None:
    error = OperationalError(None, None, Exception('database "office" does not exist'))
    assert not remedies.of(sa.make_url("sqlite:///office"), error)


def test_a_name_with_odd_signs_is_quoted() -> None:
    url = sa.make_url("postgresql+psycopg://x").set(username="a b", database="c'd")
    error = OperationalError(None, None, Exception('database "c\'d" does not exist'))
    assert remedies.of(url, error) == """sudo -u postgres createdb --owner='a b' 'c'"'"'d'"""
    assert remedies.to_make_tables(url.set(username='a"b', database="c")) == (
        """sudo -u postgres psql c -c 'GRANT CREATE ON SCHEMA public TO "a""b"'"""
    )
