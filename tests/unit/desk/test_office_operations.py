"""Facilities, extensions, rules, announcements and status: the same directly and through the desk."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from callrec import ids, settings_file
from callrec.app import App
from callrec.commands import extension, facility, prompt, rule, status
from callrec.desk.operations import extensions, facilities, prompts, rules
from callrec.errors import CheckFailed, NotFound, WrongUsage
from callrec.model.access import Role
from callrec.model.flaws import Flaw
from callrec.model.office import Extension
from callrec.resources import shipped
from callrec.spool import status as status_file
from callrec.spool.directory import Spool
from tests.filled_catalogue import fill
from tests.unit.desk.server_thread import ThroughDesk, serving
from tests.unit.program import Done

SOUND = str(shipped("prompts") / "ja/notice.wav16")
WORDS = "--name=own --language=ja --text=録音します"
COMMANDS = f"""
facility list
facility list --json
facility add shiba --name 芝地区総合支所
facility add Azabu --name 麻布地区総合支所
facility add empty --name 空
facility rename 麻布地区総合支所 --name 麻布
facility rename nowhere --name 麻布
facility support shiba --phone 2109 --mail a@example.jp --mail b@example.jp
facility support shiba --phone 2109 --default
facility support shiba --mail nobody
facility list --csv
extension add ２１０１ --facility 芝地区総合支所 --name 窓口1
extension add 2101 --facility shiba
extension add 2201 --facility azabu
extension add 2202 --facility nowhere
extension add 6000 --facility shiba --service
extension import phones.csv --dry-run
extension import phones.csv
extension import phones.csv
extension import wrong.csv
extension import nowhere.csv
extension import large.csv
extension alias 2101 2101-WS PJSIP/992101
extension alias 2101 --remove 992101
extension alias 2101 --remove nobody
extension move 2103 --facility azabu
extension list
extension list --facility 麻布 --json
extension remove 2103
rule add --everywhere --mode standby --quiet
rule add --facility 芝地区総合支所 --mode automatic --hours mon-fri@08:30-17:15 --retain 90d
rule add --extension 2101 --mode manual --from 2099-01-01 --until 2099-12-31 --priority 3 --beep 15s
rule add --caller 03-1234-5678 --mode never
rule add --extension 9999 --mode never
rule add --everywhere --mode never --until 2001-01-01
rule add --everywhere --mode manual --prompt nothing
rule change 2 --mode manual --language ja,en
rule change 2
rule change 99 --mode manual
rule change 4 --from 2099-01-01
rule end 3 --until 2098-01-01
rule end 3 --until 2099-06-30
rule end 3 --until 2099-07-31
rule end 1
rule end 1 --until 2001-01-01
rule list
rule list --json
rule show 2
rule show 2@1 --json
rule show 2@9
rule history 2
rule history 3 --json
rule explain --extension 2101
rule explain --extension 2101 --number 6000 --at 2099-02-02 --direction inbound --json
rule explain
rule check
rule check --offline
rule export WAY/office.toml
rule export WAY/office.toml
rule import office.toml --dry-run
rule import office.toml
rule import office.toml
rule import wrong.toml
rule import latin.toml
rule remove 99
facility remove shiba
facility remove empty
facility report
facility report 2026-11-01..2026-11-30 --json
prompt list
prompt check nowhere.wav
prompt add {SOUND} {WORDS}
prompt add empty.wav {WORDS}
prompt add nowhere.wav {WORDS}
prompt add large.csv {WORDS}
prompt make --name office-easy --office 港区役所
prompt make --name office-easy
prompt make --name own --text 録音します。 --language zh
prompt list --json
prompt play own
prompt play own --language en
prompt play own --to 2101
status
status --json
status --seen
"""
FILES = {
    "phones.csv": "number,facility,name\n2102,芝地区総合支所,窓口2\n2103,shiba,\n".encode("cp932"),
    "wrong.csv": b"2104,shiba\n21o5,shiba\n2106,nowhere\n",
    "large.csv": b"\0" * (16 * 2**20 + 1),
    "empty.wav": b"",
    "office.toml": "facility = [{code='shiba',name='芝'},{code='azabu',name='麻布'}]\n"
    "extension = [{number='2101',facility='shiba'}]\n"
    "rule = [{everywhere=true,mode='standby'},{caller='061234',mode='never'}]\n".encode(),
    "wrong.toml": b"facility = [{code='shiba'}]\nrule = [{mode='never'}, {everywhere=true}]\n",
    "latin.toml": b"facility = '\xe9'\n",
}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(\+\d\d:\d\d)?")
_FREE = re.compile(r"[\d.]+ GB|(?<=free_bytes\": )\d+")


@pytest.fixture
def pair(
    run: Callable[..., Done], empty_office: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], tuple[Done, Done]]]:
    """Two empty offices: runs a command in one directly, and in the other through the desk."""
    monkeypatch.delenv("SUDO_USER", raising=False)
    for way in ("a", "b"):
        _make_office(tmp_path / way, empty_office)
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    _make_player(tmp_path / "bin", monkeypatch)
    made = App(settings_file.load("b/callrec.toml"))
    with serving(made, tmp_path / "b/desk.sock") as socket:
        desk = ThroughDesk(made, socket, run)
        desk.grant(Role.RULES)

        def both(line: str) -> tuple[Done, Done]:
            direct = run("--config", "a/callrec.toml", *_arguments(line, "a"))
            return _plain(direct, tmp_path / "a"), _plain(desk(*_arguments(line, "b")), tmp_path / "b")

        yield both
    made.close()


def _make_office(folder: Path, empty_office: Path) -> None:
    folder.mkdir()
    shutil.copy(empty_office / "c.db", folder)
    text = (empty_office / "callrec.toml").read_text("utf-8").replace(str(empty_office), str(folder))
    own = text.replace("[prompts]", f'[prompts]\ndirectory = "{folder}/prompts"')
    (folder / "callrec.toml").write_text(own, "utf-8")
    shutil.copytree(shipped("prompts"), folder / "prompts")


def _make_player(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes an ffplay that writes down what it is to play."""
    folder.mkdir()
    (folder / "ffplay").write_text("#!/bin/sh\ncat > heard.wav\n")
    (folder / "ffplay").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def _arguments(line: str, way: str) -> list[str]:
    return [each.replace("WAY", way).replace("@08", " 08") for each in line.split()]


def _plain(done: Done, folder: Path) -> Done:
    """What was printed, without what differs from one office, or one moment, to the next."""

    def plain(text: str) -> str:
        text = text.replace(str(folder), "WAY").replace(f"{folder.name}/", "WAY/")
        return _FREE.sub("FREE", _MOMENT.sub("MOMENT", text))

    return Done(done.code, plain(done.out), plain(done.err))


def test_all_is_the_same_directly_and_through_the_desk(
    pair: Callable[[str], tuple[Done, Done]], tmp_path: Path
) -> None:
    codes = set()
    for line in COMMANDS.strip().splitlines():
        direct, asked = pair(line)
        assert vars(asked) == vars(direct), line
        codes.add(direct.code)
    assert codes == {0, 1, 2, 3, 4}
    exported = [(tmp_path / way / "office.toml").read_text("utf-8") for way in ("a", "b")]
    assert len({_MOMENT.sub("MOMENT", each) for each in exported}) == 1
    assert (tmp_path / "heard.wav").read_bytes()[:4] == b"RIFF"


def test_every_command_is_among_them() -> None:
    groups = {"facility": facility, "extension": extension, "rule": rule, "prompt": prompt}
    wanted = {"status"}
    for name, module in groups.items():
        assert isinstance(module.command, click.Group)
        wanted |= {f"{name} {each}" for each in module.command.commands}
    for module in (*groups.values(), status):
        assert not hasattr(module, "app"), "it asks the desk, and needs neither database nor PBX itself"
    lines = COMMANDS.strip().splitlines()
    assert not {each for each in wanted if not any(line.startswith(each) for line in lines)}


def test_nobody_has_a_role_until_it_is_granted(through_desk: ThroughDesk) -> None:
    done = through_desk("facility", "list")
    assert done.code == 4 and "it needs the role rules" in done.complaint
    through_desk.grant(Role.RULES)
    assert "芝地区総合支所" in through_desk("facility", "list").out


OFFICE = """
facility = [{code="shiba",name="芝地区総合支所"},{code="azabu",name="麻布地区総合支所"}]
extension = [{number="2101",facility="shiba"},{number="2201",facility="azabu"}]
rule = [
  {id=1,everywhere=true,mode="standby"},
  {id=2,facility="azabu",mode="automatic"},
  {id=3,extension="2201",mode="manual"},
  {id=4,caller="0312345678",mode="automatic"},
  {id=5,facility="shiba",mode="automatic"},
  {id=6,extension="2101",mode="manual"},
]
"""
OWN = """
facility rename shiba --name 芝
facility support 芝 --phone 2109
extension add 2105 --facility shiba
extension import own.csv
extension alias 2101 2101-WS
rule add --facility shiba --mode never
rule add --extension 2101 --mode never
rule change 5 --mode manual
rule change 6 --mode automatic
rule end 5
rule remove 6
facility list
extension list
rule list
rule show 1
rule history 2
rule explain --extension 2201
rule export all.toml
facility report
prompt list
prompt play notice
"""
"""What who has the role for shiba may do."""
OTHERS = f"""
facility add minato --name 港
facility rename azabu --name 麻布
facility support azabu --default
facility remove azabu
extension add 2205 --facility azabu
extension import both.csv
extension import both.csv --dry-run
extension move 2101 --facility azabu
extension move 2201 --facility shiba
extension alias 2201 2201-WS
extension remove 2201
rule add --everywhere --mode never
rule add --caller 0312345678 --mode never
rule add --facility azabu --mode never
rule add --extension 2201 --mode never
rule change 1 --mode manual
rule change 2 --mode manual
rule change 3 --mode automatic
rule change 4 --mode manual
rule end 2
rule remove 3
rule remove 4
rule import all.toml
rule import all.toml --dry-run
prompt add {SOUND} {WORDS}
prompt make --name own --text 録音します。
prompt play notice --to 2201
prompt play notice --to 9999
prompt play notice --to ../2101
status --seen
"""


@pytest.fixture
def of_shiba(
    through_desk: ThroughDesk, shiba: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ThroughDesk:
    """Two facilities with rules; who asks has the role for one of them."""
    _make_player(tmp_path / "bin", monkeypatch)
    (tmp_path / "office.toml").write_text(OFFICE, "utf-8")
    assert shiba("rule", "import", "office.toml").code == 0
    (tmp_path / "own.csv").write_text("2101,shiba,窓口\n2107,芝\n", "utf-8")
    (tmp_path / "both.csv").write_text("2101,shiba,窓口\n2201,azabu,相談\n", "utf-8")
    (tmp_path / "all.toml").write_text("facility = [{code='shiba',name='芝'}]\n", "utf-8")
    through_desk.grant(Role.RULES, facilities=["shiba"])
    return through_desk


def test_the_role_for_one_facility_changes_nothing_of_another(
    of_shiba: ThroughDesk, shiba: Callable[..., Done], tmp_path: Path
) -> None:
    assert shiba("rule", "export", "before.toml").code == 0
    for line in OTHERS.strip().splitlines():
        done = of_shiba(*line.split())
        assert (line, done.code) == (line, 4), done.err
        assert re.search("has no role for|role for all facilities", done.complaint)
    assert shiba("rule", "export", "after.toml").code == 0
    assert (tmp_path / "after.toml").read_bytes() == (tmp_path / "before.toml").read_bytes()
    assert of_shiba.refusals() == len(OTHERS.strip().splitlines())


def test_the_role_for_one_facility_changes_what_belongs_to_it(of_shiba: ThroughDesk, tmp_path: Path) -> None:
    (tmp_path / "all.toml").unlink()
    for line in OWN.strip().splitlines():
        done = of_shiba(*line.split())
        assert (line, done.code) == (line, 0), done.err


def test_a_report_counts_the_calls_of_facilities_in_reach(of_shiba: ThroughDesk) -> None:
    fill(of_shiba.app.database, of_shiba.app.now)
    rows = json.loads(of_shiba("facility", "report", "--json").out)
    assert [(each["facility"], each["calls"]) for each in rows] == [("shiba", 3)]


def test_status_shows_the_captures_of_facilities_in_reach(
    of_shiba: ThroughDesk, shiba: Callable[..., Done], tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool")
    spool.lock()
    live = [{"extension": number, "id": f"id-{number}"} for number in ("2101", "2201", "2999")]
    status_file.write(spool.directory, {"at": None, "link_up": True, "live": live})
    spool.flaws.add("some-call", Flaw.NO_SOUND)
    assert [each["extension"] for each in json.loads(shiba("status", "--json").out)["live"]] == [
        "2101", "2201", "2999",
    ]  # fmt: skip
    done = of_shiba("status", "--json")
    assert [each["extension"] for each in json.loads(done.out)["live"]] == ["2101"]
    assert "some-call" in shiba("status").out and "some-call" not in of_shiba("status").out


def test_status_names_no_recording_that_may_be_of_another_facility(
    of_shiba: ThroughDesk, shiba: Callable[..., Done], tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool")
    spool.lock()
    problems = [f"recordings/azabu/2026/11/22/{ids.new()}.flac reads back different", "the PBX is away"]
    status_file.write(spool.directory, {"at": None, "link_up": True, "problems": problems})
    assert json.loads(shiba("status", "--json").out)["problems"] == problems
    assert json.loads(of_shiba("status", "--json").out)["problems"] == problems[1:]


def test_what_was_typed_in_another_encoding_is_not_sent(of_shiba: ThroughDesk) -> None:
    typed = "芝".encode("cp932").decode("utf-8", "surrogateescape")
    done = of_shiba("facility", "rename", "shiba", "--name", typed)
    assert done.code == 2 and "not UTF-8" in done.complaint


def test_the_desk_itself_looks_at_what_it_is_told(through_desk: ThroughDesk) -> None:
    """Another program may ask it, too."""
    through_desk.grant(Role.RULES)
    desk = through_desk.remote
    with pytest.raises(WrongUsage, match="control character"):
        desk.do(facilities.add_facility, "azabu", "麻布\x1b[2J")
    with pytest.raises(WrongUsage, match="too long: 200"):
        desk.do(facilities.rename_facility, "shiba", "芝" * 201)
    with pytest.raises(WrongUsage, match="no code"):
        desk.do(facilities.add_facility, "../azabu", "麻布")
    with pytest.raises(WrongUsage, match="no endpoint"):
        desk.do(extensions.add_extension, Extension("2102", "shiba", aliases=("\x1b",)))
    with pytest.raises(WrongUsage, match="none of never"):
        desk.do(rules.add_rule, {"everywhere": "yes", "mode": "\x1b"}, None)
    with pytest.raises(WrongUsage, match="say what happens"):
        desk.do(rules.add_rule, {"everywhere": "yes"}, None)
    with pytest.raises(NotFound, match="no prompt"):
        desk.do(rules.add_rule, {"everywhere": "yes", "mode": "manual", "prompt": "../a"}, None)
    with pytest.raises(CheckFailed, match="has no phone"):
        desk.do(prompts.ring_prompt, "notice", "ja", "../2101")
    with pytest.raises(WrongUsage, match="no sound file"):
        desk.do(prompts.add_prompt, b"a", "\x1b\0", prompts.PromptWords("a", "ja", "a", "", ""))
