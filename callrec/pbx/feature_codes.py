"""Makes callrec's includes with the keys of the settings, and finds what is wrong with the keys a PBX has.

For `callrec pbx config` and `callrec doctor`. Reads the shipped includes; asks no PBX itself. The PBX tells
one setting at a time, by its name: to read whole files, the right to write them would be needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from callrec.errors import Sentence
from callrec.model.calls import FeatureCode
from callrec.resources import shipped
from callrec.settings import KeySettings

FEATURES, CONFERENCE = "features.conf", "confbridge.conf"
MENU = "callrec_menu"
CONSULTATION = {"atxferabort": "*1", "atxfercomplete": "*2", "atxferthreeway": "*3", "atxferswap": "*4"}
"""Asterisk's own codes while the one who transfers talks to the one asked, where features.conf names none."""
NO_LINE = "; not in conferences, for Asterisk takes lines that begin so for commands: "
FEATURE_NAMES = ("blindxfer", "disconnect", "atxfer", "parkcall", "automon", "automixmon")
"""Asterisk's own features, of its [featuremap]."""
Setting = Callable[[str, str, str], str]
"""Returns one setting of a configuration file of Asterisk, by file, section and name; empty where there is
none."""


def include(name: str, keys: KeySettings) -> str:
    """Returns the text of callrec's include of this name, for these keys."""
    text = shipped(f"asterisk/callrec/{name}").read_text("utf-8")
    for key, code in keys.codes.items():
        text = text.replace(f"@KEY_{key.upper()}@", code)
    return text.replace("\n#", f"\n{NO_LINE}#")


def wrong_features(setting: Setting, keys: KeySettings) -> dict[FeatureCode, str]:
    """Returns the keys whose line in features.conf is not what it must be, with the code found (or empty)."""
    found = {key: setting(FEATURES, "applicationmap", f"callrec-{key}") for key in FeatureCode}
    return {
        key: found[key].partition(",")[0]
        for key, code in keys.codes.items()
        if found[key] != f"{code},self,Gosub(callrec-key,s,1({key}))"
    }


def wrong_menu(setting: Setting, keys: KeySettings) -> bool:
    """Returns whether the PBX has callrec's menu for conferences, but with other keys."""
    wanted = {code: key for key, code in keys.codes.items() if not code.startswith("#")}
    usual = KeySettings().codes.values()
    return bool(setting(CONFERENCE, MENU, "type")) and any(
        _of_menu(setting, code) != wanted.get(code, "") for code in {*wanted, *usual}
    )


def _of_menu(setting: Setting, code: str) -> str:
    """Returns the key that a code of the menu is for; empty where it is for none."""
    command, _, rest = setting(CONFERENCE, MENU, code).partition("(callrec-key,")
    return rest.removesuffix(",1)") if command == "dialplan_exec" else ""


def rivals(
    setting: Setting, codes: Mapping[FeatureCode, str], given: Iterable[str]
) -> Iterator[tuple[str, str, FeatureCode]]:
    """Yields other features (name, code) and the key in whose way they are: one code begins the other.

    `given` are the names in DYNAMIC_FEATURES: of those in [applicationmap], no call has others.
    """
    for name, code in _others(setting, given):
        for key, own in codes.items():
            if own.startswith(code) or code.startswith(own):
                yield name, code, key


def in_the_way(name: str, code: str, key: FeatureCode, wanted: str) -> Sentence:
    """Returns what is said of a rival, by `callrec doctor` and `callrec pbx install` alike."""
    return Sentence(
        "{name} ({code}) in features.conf is in the way of {key} ({wanted}): change one of the two",
        name=name,
        code=code,
        key=key,
        wanted=wanted,
    )


def _others(setting: Setting, given: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields the features with a code that are not callrec's. Those of a consultation have one without being
    written, but work only where there is a code for attended transfers."""
    features = {name: setting(FEATURES, "featuremap", name) for name in FEATURE_NAMES}
    if features["atxfer"]:
        features |= {
            name: setting(FEATURES, "general", name) or usual for name, usual in CONSULTATION.items()
        }
    features |= {name: setting(FEATURES, "applicationmap", name).partition(",")[0] for name in given}
    for name, code in features.items():
        if code.strip() and not name.startswith("callrec-"):
            yield name, code.strip()
