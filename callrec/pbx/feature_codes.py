"""Makes callrec's includes with the keys of the settings, and finds what is wrong with the keys a PBX has.

For `callrec pbx config` and `callrec doctor`. Reads the shipped includes; asks no PBX itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from callrec.model.calls import FeatureCode
from callrec.resources import shipped
from callrec.settings import KeySettings

FEATURES, CONFERENCE = "features.conf", "confbridge.conf"
MENU = "callrec_menu"
CONSULTATION = {"atxferabort": "*1", "atxfercomplete": "*2", "atxferthreeway": "*3", "atxferswap": "*4"}
"""Asterisk's own codes while the one who transfers talks to the one asked, where features.conf names none."""
NO_LINE = "; not in conferences, for Asterisk takes lines that begin so for commands: "
Config = dict[str, list[tuple[str, str]]]
"""A configuration file of Asterisk: its sections, and their settings in order."""


def include(name: str, keys: KeySettings) -> str:
    """Returns the text of callrec's include of this name, for these keys."""
    text = shipped(f"asterisk/callrec/{name}").read_text("utf-8")
    for key, code in keys.codes.items():
        text = text.replace(f"@KEY_{key.upper()}@", code)
    return text.replace("\n#", f"\n{NO_LINE}#")


def wrong_features(config: Config, keys: KeySettings) -> dict[FeatureCode, str]:
    """Returns the keys whose line in features.conf is not what it must be, with the code found (or empty)."""
    there = dict(config.get("applicationmap", []))
    found = {key: there.get(f"callrec-{key}", "") for key in FeatureCode}
    return {
        key: found[key].partition(",")[0]
        for key, code in keys.codes.items()
        if found[key] != f"{code},self,Gosub(callrec-key,s,1({key}))"
    }


def wrong_menu(config: Config, keys: KeySettings) -> bool:
    """Returns whether the PBX has callrec's menu for conferences, but with other keys."""
    codes = {key: code for key, code in keys.codes.items() if not code.startswith("#")}
    wanted = {(code, f"dialplan_exec(callrec-key,{key},1)") for key, code in codes.items()}
    there = {line for line in config.get(MENU, []) if line[1].startswith("dialplan_exec(callrec-key,")}
    return MENU in config and there != wanted


def rivals(config: Config, keys: KeySettings) -> Iterator[tuple[str, str, FeatureCode]]:
    """Yields other features (name, code) and the key in whose way they are: one code begins the other."""
    for name, code in _others(config):
        for key, own in keys.codes.items():
            if own.startswith(code) or code.startswith(own):
                yield name, code, key


def _others(config: Config) -> Iterator[tuple[str, str]]:
    """Yields the features with a code that are not callrec's. Those of a consultation have one without being
    written, but work only where there is a code for attended transfers."""
    features = dict(config.get("featuremap", []))
    general = dict(config.get("general", []))
    if features.get("atxfer"):
        features |= {name: general.get(name, usual) for name, usual in CONSULTATION.items()}
    features |= {name: value.partition(",")[0] for name, value in config.get("applicationmap", [])}
    for name, code in features.items():
        if code.strip() and not name.startswith("callrec-"):
            yield name, code.strip()
