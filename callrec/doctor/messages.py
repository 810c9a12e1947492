"""Checks that help can be called, and that people can be told of the recorder's own illness: sends a mail and
messages that say they are tests."""

from __future__ import annotations

import socket

from callrec import ids
from callrec.doctor.check import Check, Checkup
from callrec.health.letters import Letter, LetterKind, plain
from callrec.language import translated as _
from callrec.model.alerts import Alert
from callrec.policy.office import Office


def _mail(checkup: Checkup) -> str:
    """Sends a mail, and asks the server whether it would take one for everybody who is to be told."""
    office, wanted = checkup.office(), checkup.app.settings.help
    recipients = sorted({*_recipients(office), *checkup.app.settings.health.mail_to})
    if not (recipients or wanted.smtp_host or checkup.mail_to):
        return _("none")
    sent = checkup.app.mail(lambda: office).try_out(ids.new(), recipients, checkup.mail_to)
    return _("a test was sent to {address}; taken would be mails for: {recipients}").format(
        address=sent, recipients=", ".join(recipients) or _("none")
    )


def _recipients(office: Office) -> list[str]:
    """Returns all addresses that are told when somebody asks for help, of the settings and of facilities."""
    return sorted({each for code in ("", *office.facilities) for each in office.support_of(code).mail})


def _webhook(checkup: Checkup) -> str:
    if not checkup.app.settings.help.webhook_url:
        return _("none")
    checkup.app.webhook(Office).try_out(_test_of(checkup))
    return _("a test was taken")


def _health_webhook(checkup: Checkup) -> str:
    settings = checkup.app.settings
    if not settings.health.webhook_url:
        return _("none")
    letter = Letter(ids.new(), LetterKind.DIGEST, checkup.app.now, settings.pbx.name, socket.gethostname())
    checkup.app.health_webhook().tell(letter.id, {**plain(letter), "event": "test", "test": True})
    return _("a test was taken")


def _test_of(checkup: Checkup) -> Alert:
    """Returns an alert of nobody."""
    id_ = ids.new()
    return Alert(
        id=id_,
        call_id=id_,
        pbx=checkup.app.settings.pbx.name,
        facility="",
        facility_name="callrec doctor",
        extension="",
        number=None,
        direction=None,
        at=checkup.app.now,
        recorded=False,
    )


CHECKS: tuple[Check, ...] = (
    ("help: mail", _mail),
    ("help: webhook", _webhook),
    ("health: webhook", _health_webhook),
)
