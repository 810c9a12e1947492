"""Has examples of every command, as people type them. They stand in its help and in docs/reference.md, and a
test runs each.

They tell of one small office: facility `shiba` with the extension 2101, and the rule 1. What an office has
under names of its own stands under made-up ones, in whose places the test puts what is there: the recording
019abcde-f012, the copy 019abcde-f013, the request 2026-0001, the account tanaka and the group soumu.
"""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "": (
        "callrec search 2026-11-22 --extension 2101",
        "callrec show 019abcde-f012",
        "callrec rule explain --extension 2101",
    ),
    "init": ("callrec init --non-interactive --answers init.toml",),
    "serve": ("callrec serve",),
    "status": ("callrec status", "callrec status --json"),
    "doctor": ("callrec doctor",),
    "log": ("callrec log 019abcde-f012 --file serve.log",),
    "demo": ("callrec demo --stay --json demo.json -o demo",),
    "facility add": ("callrec facility add shiba --name 芝地区総合支所",),
    "facility list": ("callrec facility list", "callrec facility list --csv"),
    "facility rename": ("callrec facility rename shiba --name 芝支所",),
    "facility support": ("callrec facility support shiba --phone 2102 --mail shiba@city.example.jp",),
    "facility remove": ("callrec facility remove azabu",),
    "facility report": (
        "callrec facility report 2026-11-01..2026-11-30",
        "callrec facility report --chart november.png",
    ),
    "extension add": (
        "callrec extension add 2101 --facility shiba --name 窓口1",
        "callrec extension add 6000 --facility shiba --service",
    ),
    "extension import": (
        "callrec extension import extensions.csv --dry-run",
        "callrec extension import extensions.csv",
    ),
    "extension list": ("callrec extension list --facility shiba",),
    "extension move": ("callrec extension move 2102 --facility azabu",),
    "extension alias": (
        "callrec extension alias 2101 2101-WS 992101",
        "callrec extension alias 2101 2101-WS --remove",
    ),
    "extension remove": ("callrec extension remove 2102",),
    "rule show": ("callrec rule show 1", "callrec rule show 1@1"),
    "rule history": ("callrec rule history 1",),
    "rule explain": (
        "callrec rule explain --extension 2101",
        'callrec rule explain --number 6000 --at "2026-11-22 10:30"',
    ),
    "rule check": ("callrec rule check --offline", "callrec rule check"),
    "rule export": ("callrec rule export office.toml",),
    "rule import": (
        "callrec rule import office.toml --dry-run",
        "callrec rule import office.toml",
    ),
    "rule add": (
        "callrec rule add --everywhere --mode manual --retain 90d",
        "callrec rule add --facility shiba --mode automatic --until 令和18年3月31日",
        'callrec rule add --extension 2101 --mode standby --hours "mon-fri 08:30-17:15"',
    ),
    "rule change": ("callrec rule change 1 --mode standby --retain-incident 5y",),
    "rule end": ("callrec rule end 1 --until 2036-03-31", "callrec rule end 1"),
    "rule remove": ("callrec rule remove 1",),
    "rule list": ("callrec rule list", "callrec rule list --json"),
    "pbx config": ("callrec pbx config", "callrec pbx config -o features-callrec.conf"),
    "prompt list": ("callrec prompt list",),
    "prompt add": ("callrec prompt add shiba.wav --name shiba --language ja --text 録音します",),
    "prompt make": ("callrec prompt make --name office-recorded --office 港区役所",),
    "prompt check": ("callrec prompt check shiba.wav",),
    "prompt play": (
        "callrec prompt play notice --language ja",
        "callrec prompt play notice --to 2101",
    ),
    "policy text": ("callrec policy text --office 〇〇区 -o papers.html",),
    "policy card": (
        "callrec policy card --facility shiba -o cards.html",
        "callrec policy card --blank -o blank.html",
    ),
    "search": (
        "callrec search 2026-11-22 --extension 2101",
        "callrec search 2026-11-01..2026-11-30 --number 03-1234-5678",
        "callrec search --facility shiba --incident --csv",
    ),
    "show": (
        "callrec show 019abcde-f012",
        "callrec show 019abcde-f012 --picture call.png",
        "callrec show 019abcde-f012 --json",
    ),
    "play": ("callrec play 019abcde-f012 --from 00:02",),
    "fetch": (
        "callrec fetch 019abcde-f012 -o copies --request 2026-0001",
        "callrec fetch 019abcde-f012 --format mp3 --clip 00:00..00:01",
    ),
    "export": ("callrec export --request 2026-0001 -o package.zip",),
    "link": ("callrec link 019abcde-f012 --request 2026-0001 --expires 1h",),
    "redact": ("callrec redact 019abcde-f012 --spans spans.toml --ground 第78条第1項第2号",),
    "verify": (
        "callrec verify 019abcde-f012",
        "callrec verify --all --decode",
        "callrec verify package.zip",
    ),
    "incident": (
        "callrec incident 019abcde-f012 --reason 暴言",
        "callrec incident 019abcde-f012 --reason 誤操作 --clear",
    ),
    "hold add": ("callrec hold add 019abcde-f012 --reason 訴訟 --request 2026-0001",),
    "hold release": ("callrec hold release 019abcde-f012 --reason 訴訟終結 --request 2026-0001",),
    "hold list": ("callrec hold list",),
    "retain": ("callrec retain 019abcde-f012 --until 令和18年3月31日 --reason 相談継続中",),
    "note": ("callrec note 019abcde-f012 総務課へ引き継ぎ",),
    "access grant": (
        "callrec access grant tanaka handler --facility shiba",
        "callrec access grant @soumu auditor",
    ),
    "access revoke": ("callrec access revoke tanaka handler --facility shiba",),
    "access list": ("callrec access list",),
    "access show": ("callrec access show", "callrec access show tanaka"),
    "absence": ("callrec absence --extension 2101 --from 2026-11-01 --to today -o page.html",),
    "custody ID": ("callrec custody 019abcde-f012",),
    "custody report": (
        "callrec custody report 2026-11-01..2036-03-31 --by person",
        "callrec custody report today -o report.html",
    ),
    "custody verify": ("callrec custody verify",),
    "custody anchor": ("callrec custody anchor",),
    "evidence key new": ("callrec evidence key new",),
    "evidence key list": ("callrec evidence key list",),
    "request list": ("callrec request list", "callrec request list --overdue"),
    "request show": (
        "callrec request show 2026-0001",
        "callrec request show 2026-0001 --print forms.html",
    ),
    "request open": ("callrec request open --kind police --for 三田警察署 --due 2036-03-31",),
    "request approve": ("callrec request approve 2026-0001",),
    "request refuse": ("callrec request refuse 2026-0001 --reason 対象なし",),
    "request add": ("callrec request add 2026-0001 019abcde-f012",),
    "request hand-over": ("callrec request hand-over 2026-0001 --to 三田警察署 --medium DVD-R",),
    "request withdraw": ("callrec request withdraw 2026-0001 --copy 019abcde-f013 --reason 誤記",),
    "request return": ("callrec request return 2026-0001",),
    "request destroyed": ("callrec request destroyed 2026-0001",),
    "request close": ("callrec request close 2026-0001",),
    "catalogue check": ("callrec catalogue check",),
    "catalogue rebuild": ("callrec catalogue rebuild",),
    "reconcile": ("callrec reconcile --dry-run", "callrec reconcile"),
    "testcall": ("callrec testcall", "callrec testcall --every-facility"),
    "backup": ("callrec backup /var/backups/callrec/monday",),
    "restore": ("callrec restore /var/backups/callrec/monday",),
    "upgrade": ("callrec upgrade --check", "callrec upgrade"),
    "purge": ("callrec purge --dry-run", "callrec purge"),
    "desk": ("callrec desk",),
    "pbx install": (
        "callrec pbx install --etc /etc/asterisk",
        "callrec pbx install --permit 192.0.2.10",
    ),
    "pbx check": ("callrec pbx check",),
    "pbx remove": ("callrec pbx remove --etc /etc/asterisk",),
    "service install": ("callrec service install --now",),
    "service remove": ("callrec service remove",),
    "completion": ("callrec completion bash",),
}


def of(path: str) -> tuple[str, ...]:
    """Returns the examples of a command by its path, such as ``rule add``; of a group the first one of each
    of its commands."""
    return EXAMPLES.get(path) or tuple(
        lines[0] for name, lines in EXAMPLES.items() if name.startswith(f"{path} ")
    )
