"""Looks at the running PBX: whether it has callrec's includes, and which calls it connects without the gate.

For `callrec pbx check` and `callrec doctor` alike.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress

from callrec.app import App
from callrec.asterisk_files.reading import headers
from callrec.asterisk_files.texts import digest, template
from callrec.errors import Sentence
from callrec.pbx import ungated
from callrec.pbx.ami import Ami, AmiRefused
from callrec.pbx.ungated import LINE, PHONE, Found

INCLUDES = "CALLREC_INCLUDES"
"""The global variable by which the includes tell their version."""
_PJSIP = "PJSIP/"


def contexts() -> list[str]:
    """Returns the contexts that the includes bring."""
    return [name for name, added in headers(template("extensions.conf")) if not added]


def includes_problem(app: App) -> Sentence | None:
    """Returns what is wrong with the includes as the PBX has them; None where nothing is."""
    with app.ami() as ami:
        missing = [name for name in contexts() if not ami.has_context(name)]
        keys = ami.setting("features.conf", "applicationmap", "callrec-keep")
    if missing or not keys:
        return Sentence(
            "the PBX has no {missing}: an Apply Config or an upgrade may have taken callrec's lines away. "
            "Run callrec pbx install again, then `dialplan reload` and `module reload features` on the PBX",
            missing=", ".join(missing or ["callrec-keep in features.conf"]),
        )
    if app.pbx.global_variable(INCLUDES) != digest():
        return Sentence(
            "the PBX has the includes of another version of callrec: run callrec pbx install, then `dialplan "
            "reload` on the PBX"
        )
    return None


def look(app: App) -> Found:
    """Returns which steps of the dialplan connect calls without the gate."""
    endpoints = app.pbx.endpoints()
    with app.ami() as ami:
        trunks = {each.removeprefix(_PJSIP) for each in app.settings.pbx.lines}
        with suppress(AmiRefused):  # then nothing is known of endpoints
            trunks |= ami.trunks(endpoints)
        return ungated.look(ami.listing(), _entries(ami, endpoints, trunks), trunks)


def _entries(ami: Ami, endpoints: set[str], trunks: set[str]) -> dict[str, set[str]]:
    """Returns the contexts in which calls of endpoints come in, and of what kinds those are."""
    found: dict[str, set[str]] = defaultdict(set)
    for endpoint, context in ami.contexts(sorted(endpoints)).items():
        found[context].add(LINE if endpoint in trunks else PHONE)
    return found
