"""Prepares the installation of callrec's includes: what is to be changed, and what is to be known of it."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from callrec.asterisk_files import texts
from callrec.asterisk_files.changes import Change
from callrec.asterisk_files.key_rivals import rivals_of
from callrec.asterisk_files.plan import ANY, LOCAL, YES, Plan, Wishes, planned
from callrec.asterisk_files.product import Product, home, product_of, refuse_others
from callrec.asterisk_files.reading import FOLDER, Sections, encoded, sections, text_of
from callrec.errors import CheckFailed, Refused, Sentence, WrongUsage
from callrec.failures import why
from callrec.files import PRIVATE, Rights
from callrec.pbx.feature_codes import in_the_way

SECRET = {"ari.conf", "manager.conf"}
"""The includes that hold a password."""
ANSWERS = "init.toml"


@dataclass(frozen=True)
class Installation:
    """What an installation is to change. Nothing is changed yet."""

    etc: Path
    product: Product
    plan: Plan
    changes: tuple[Change, ...]
    notes: tuple[Sentence, ...]
    reload: tuple[str, ...]
    """The commands of Asterisk's console by which a running PBX takes the changes up."""

    @property
    def answers(self) -> Path:
        """The file that `callrec init --answers` reads."""
        return self.etc / FOLDER / ANSWERS


def prepared(etc: Path, wishes: Wishes) -> Installation:
    """Returns what is to be changed in a folder. Raises WrongUsage, Refused, and CheckFailed for a file that
    cannot be read."""
    with reading(etc):
        require_asterisk(etc)
        product = product_of(etc)
        refuse_others(product, etc)
        own = {name: sections(etc / name, etc) for name in texts.names()}
        plan = planned(etc, own, wishes)
        for name, there in own.items():
            texts.refuse_foreign_sections(name, there)
        found = [*_includes(etc, own, plan), *_homes(etc, own, product), _answers(etc, plan)]
        changes = tuple(each for each in found if is_one(each))
        notes = tuple(_notes(own, plan, product, etc))
    return Installation(etc, product, plan, changes, notes, _reload(own))


@contextmanager
def reading(etc: Path) -> Iterator[None]:
    """Says of a file that cannot be read which one it is. Raises CheckFailed."""
    try:
        yield
    except OSError as error:
        path = error.filename or etc
        raise CheckFailed("{path} cannot be read: {problem}", path=path, problem=why(error)) from error


def require_asterisk(etc: Path) -> None:
    if not (etc / "modules.conf").is_file():
        raise WrongUsage(
            "{etc} is no configuration folder of an Asterisk (no modules.conf): give it with --etc", etc=etc
        )


def within(etc: Path, name: str) -> Path:
    """Returns what a name in the folder leads to. Raises Refused for a link that leads out of it."""
    path, root = (etc / name).resolve(), etc.resolve()
    if not path.is_relative_to(root):
        raise Refused(
            "{path} is a link to {target}, which is not in {etc}: it may be another product's. Put a file in "
            "its place, or give the folder that it is in with --etc; nothing was changed",
            path=etc / name,
            target=path,
            etc=etc,
        )
    return path


def is_one(change: Change) -> bool:
    """Returns whether a change changes something: the text, or who may read what is secret."""
    if change.before != change.after:
        return True
    secret = change.is_ours and change.path.name in {*SECRET, ANSWERS}
    return secret and bool(Rights.of(change.path).mode & ~change.rights.mode)


def _includes(etc: Path, own: dict[str, Sections], plan: Plan) -> Iterator[Change]:
    fields = plan.fields()
    for name, there in own.items():
        path = within(etc, f"{FOLDER}/{name}")
        like = etc / name if (etc / name).exists() else etc / "modules.conf"
        text = texts.include_text(name, there, fields)
        yield Change(path, _bytes(path), encoded(text), _rights(like, etc, secret=name in SECRET))


def _homes(etc: Path, own: dict[str, Sections], product: Product) -> Iterator[Change]:
    """Yields the PBX's own files with the lines that include ours."""
    for name, there in own.items():
        target = home(product, name, etc)
        if target is None:
            continue
        path = within(etc, target)
        before = _bytes(path)
        text = texts.with_include(None if before is None else text_of(path), name, there)
        like = path if before is not None else etc / "modules.conf"
        yield Change(path, before, encoded(text), Rights.of(like))


def _answers(etc: Path, plan: Plan) -> Change:
    path = within(etc, f"{FOLDER}/{ANSWERS}")
    return Change(path, _bytes(path), plan.answers().encode(), Rights(os.geteuid(), os.getegid(), PRIVATE))


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _rights(like: Path, etc: Path, *, secret: bool) -> Rights:
    """Returns the rights of `like`. Of one that everybody can read, a secret file has not that: but Asterisk,
    which may not be its owner, reads it as the group."""
    there = Rights.of(like)
    if not secret:
        return there
    group, mode = there.group, there.mode & ~0o007
    if there.mode & stat.S_IROTH:
        found = _group_of_asterisk(etc)
        group, mode = there.group if found is None else found, mode | stat.S_IRGRP
    return Rights(there.owner, group, mode)


def _group_of_asterisk(etc: Path) -> int | None:
    """Returns the group Asterisk runs as: that of asterisk.conf, else "asterisk", if there is such a one."""
    options = sections(etc / "asterisk.conf", etc).get("options", {})
    try:
        if "rungroup" in options:
            return grp.getgrnam(options["rungroup"]).gr_gid
        if "runuser" in options:
            return pwd.getpwnam(options["runuser"]).pw_gid
        return grp.getgrnam("asterisk").gr_gid
    except KeyError:
        return None


def _notes(own: dict[str, Sections], plan: Plan, product: Product, etc: Path) -> Iterator[Sentence]:
    """Yields what was found that its owner should know."""
    for name in ("http.conf", "manager.conf", "ari.conf"):
        said = own[name].get("general", {}).get("enabled", "yes")
        if said.lower() not in YES:
            yield Sentence(
                "{name} says enabled = {said}; callrec's include switches it on.", name=name, said=said
            )
    if product is Product.FREEPBX:
        yield Sentence(
            "This is FreePBX: the lines are in its *_custom.conf files, which an Apply leaves alone."
        )
    for name, there in own.items():
        if home(product, name, etc) is None and not (name == "modules.conf" and loads_all(there)):
            yield Sentence(
                '{name} has no file for what is yours: write #include "{folder}/{name}" at its end by hand, '
                "and look after it when FreePBX has written it again",
                name=name,
                folder=FOLDER,
            )
    for name, code, key in rivals_of(etc, own, plan):
        yield in_the_way(name, code, key, plan.keys[key])
    if plan.permits:
        yield from _notes_of_another_machine(own, plan)


def _notes_of_another_machine(own: dict[str, Sections], plan: Plan) -> Iterator[Sentence]:
    for name in ("http.conf", "manager.conf"):
        bound = own[name].get("general", {}).get("bindaddr", ANY)
        if bound == LOCAL:
            yield Sentence(
                "{name} says bindaddr = {bound}: nobody reaches it from another machine",
                name=name,
                bound=bound,
            )
    yield Sentence(
        "callrec comes from {permits}: let the firewall pass the ports {ari} (ARI, which has no list of its "
        "own) and {ami} (AMI) from there alone, and write the PBX's address into {answers} in place of "
        "{host}",
        permits=", ".join(plan.permits),
        ari=plan.http_port,
        ami=plan.ami_port,
        answers=ANSWERS,
        host=plan.ami_host,
    )


def loads_all(own: Sections) -> bool:
    return own.get("modules", {}).get("autoload", "yes").lower() in YES


def _reload(own: dict[str, Sections]) -> tuple[str, ...]:
    """Returns how a running Asterisk takes the includes up. Modules that are not there yet need a restart."""
    if not loads_all(own["modules.conf"]):
        return ("core restart when convenient",)
    modules = ("http", "res_ari.so", "manager", "features", "app_confbridge")
    return (*(f"module reload {each}" for each in modules), "dialplan reload")
