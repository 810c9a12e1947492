"""Calls that a dialplan connects without the gate are found, and the right line is proposed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from callrec.pbx.dialplan_listing import Listing, Step, listing
from callrec.pbx.dialplan_words import choices, fits, place
from callrec.pbx.ungated import LINE, NOTES, PHONE, Found, Ungated, look
from callrec.resources import shipped

ENTRIES = {"from-outside": {LINE}, "from-phones": {PHONE}}
TRUNKS = {"outside", "trunk"}
GATE = "Gosub(callrec-gate,s,1(inbound,${EXTEN},${CALLERID(num)}))"
_EXTEN = re.compile(r"(?:exten\s*=>?\s*([^,]+),(\d+|n)|same\s*=>?\s*n)(?:\((\w+)\))?,\s*(\w+)(?:\((.*)\))?$")


def dialplan(text: str) -> Listing:
    """What a PBX lists that has this extensions.conf."""
    steps: list[Step] = []
    includes: dict[str, tuple[str, ...]] = {}
    context, extension, priority = "", "", 0
    for line in (each.strip() for each in text.splitlines()):
        if header := re.match(r"\[([^\]]+)\]", line):
            context = header[1]
        elif line.startswith("include"):
            includes[context] = (*includes.get(context, ()), line.split("=>")[1].strip())
        elif found := _EXTEN.match(line):
            extension = (found[1] or extension).partition("/")[0]
            priority = int(found[2]) if (found[2] or "").isdecimal() else priority + 1
            steps.append(Step(context, extension, priority, found[4], found[5] or "", found[3] or ""))
    return Listing(tuple(steps), includes)


def seen(text: str) -> Found:
    return look(dialplan(text), ENTRIES, TRUNKS)


def only(text: str) -> Ungated:
    """The one step that lacks the gate."""
    (found,) = seen(text).ungated
    return found


def test_the_demos_own_dialplan_lacks_none() -> None:
    text = shipped("asterisk/demo/extensions.conf").read_text()
    ours = shipped("asterisk/callrec/extensions.conf").read_text()
    found = seen(text + ours)
    assert found.ungated == ()
    assert [step.data for step in found.unfollowed] == [], "what AstDB forwards to is no jump"
    assert seen(text.replace("Gosub(callrec-gate", "NoOp(")).ungated


@pytest.mark.parametrize(
    ("steps", "extension"),
    [
        # plain numbers
        ("exten => _2XXX,1,NoOp()\n same => n,Dial(PJSIP/${EXTEN},30,tT)", "${EXTEN}"),
        # a DID to one phone: the rule of the phone counts
        ("exten => 0312345678,1,NoOp()\n same => n,Dial(PJSIP/2101)", "2101"),
        ("exten => _03.,1,NoOp()\n same => n,Dial(PJSIP/${EXTEN:-4})", "${EXTEN:-4}"),
        # a ring group, a queue
        ("exten => 6100,1,NoOp()\n same => n,Dial(PJSIP/2101&PJSIP/2102)", "${EXTEN}"),
        ("exten => 6000,1,Answer()\n same => n,Queue(counter,tT)", "${EXTEN}"),
        ("exten => s,1,Answer()\n same => n,Queue(6000)", "6000"),
        ("exten => s,1,Answer()\n same => n,Queue(counter)", "EXTENSION"),
        ("exten => 2101,1,Answer()\n same => n,FollowMe(boss)", "${EXTEN}"),
        # a Gosub, a Macro
        (
            "exten => 2101,1,Gosub(ring,s,1(2101))\n"
            "[ring]\nexten => s,1,NoOp()\n same => n,Dial(PJSIP/${ARG1})",
            "${ARG1}",
        ),
        (
            "exten => 2101,1,Macro(ring)\n"
            "[macro-ring]\nexten => s,1,NoOp()\n same => n,Dial(PJSIP/a&PJSIP/b)",
            "${MACRO_EXTEN}",
        ),
        # forwarded to the outside it is still the call to the extension
        ("exten => 2101,1,NoOp()\n same => n,Dial(PJSIP/0901@outside)", "${EXTEN}"),
    ],
)
def test_calls_from_outside(steps: str, extension: str) -> None:
    found = only(f"[from-outside]\n{steps}\n")
    assert found.line == f"same => n,Gosub(callrec-gate,s,1(inbound,{extension},${{CALLERID(num)}}))"
    assert (found.direction, found.before) == ("inbound", 2)
    assert found.notes == (("number",) if extension == "EXTENSION" else ())


@pytest.mark.parametrize(
    ("steps", "given"),
    [
        ("exten => _0.,1,NoOp()\n same => n,Dial(PJSIP/${EXTEN}@outside,30)", "outbound,CALLER,${EXTEN}"),
        ("exten => _90.,1,NoOp()\n same => n,Dial(PJSIP/${EXTEN:1}@trunk)", "outbound,CALLER,${EXTEN:1}"),
        ("exten => _0.,1,NoOp()\n same => n,Dial(DAHDI/g1/${EXTEN})", "outbound,CALLER,${EXTEN}"),
        ("exten => _0.,1,NoOp()\n same => n,Dial(PJSIP/outside)", "outbound,CALLER,${EXTEN}"),
        (
            "exten => _0.,1,NoOp()\n same => n,Dial(PJSIP/trunk/sip:${EXTEN}@192.0.2.1)",
            "outbound,CALLER,${EXTEN}",
        ),
        ("exten => s,1,NoOp()\n same => n,Dial(PJSIP/outside)", "outbound,CALLER,NUMBER"),
        ("exten => _2XXX,1,NoOp()\n same => n,Dial(PJSIP/${EXTEN})", "internal,${EXTEN},CALLER"),
    ],
)
def test_calls_from_phones(steps: str, given: str) -> None:
    found = only(f"[from-phones]\n{steps}\n")
    given = given.replace("CALLER", "${CALLERID(num)}")
    assert found.line == f"same => n,Gosub(callrec-gate,s,1({given}))"
    assert found.notes == (("called",) if "NUMBER" in given else ())


def test_the_line_may_be_the_first_one() -> None:
    found = only("[from-outside]\nexten => 2101,1,Dial(PJSIP/2101)\n")
    assert found.line == "exten => 2101,1,Gosub(callrec-gate,s,1(inbound,2101,${CALLERID(num)}))"
    assert found.notes == ("first",)


def test_the_line_goes_before_the_number_is_changed() -> None:
    found = only(
        "[from-phones]\nexten => _0.,1,NoOp()\n same => n,Set(CALLERID(all)=0312345678)\n"
        " same => n,Dial(PJSIP/${EXTEN}@outside)\n"
    )
    assert (found.before, found.step.priority, found.notes) == (2, 3, ("caller",))


@pytest.mark.parametrize(
    "text",
    [
        f"[from-outside]\nexten => 2101,1,{GATE}\n same => n,Dial(PJSIP/2101)\n",
        # before it goes elsewhere: by Goto, an include, a Local channel, a menu
        f"[from-outside]\nexten => _2XXX,1,{GATE}\n same => n,Goto(ring,${{EXTEN}},1)\n"
        "[ring]\nexten => _2XXX,1,Dial(PJSIP/${EXTEN})\n",
        f"[from-outside]\ninclude => more\n[more]\nexten => 2101,1,{GATE}\n same => n,Dial(PJSIP/2101)\n",
        "[from-outside]\nexten => 6100,1,Dial(Local/2101@ring&Local/2102@ring)\n"
        f"[ring]\nexten => _2XXX,1,{GATE}\n same => n,Dial(PJSIP/${{EXTEN}})\n",
        f"[from-outside]\nexten => s,1,{GATE}\n same => n,Goto(menu,s,1)\n"
        "[menu]\nexten => s,1,Background(menu)\n same => n,WaitExten(5)\n"
        "exten => 1,1,Dial(PJSIP/2101)\nexten => i,1,Hangup()\n",
        # in a subroutine of one's own, by a condition
        f"[from-outside]\nexten => 2101,1,Gosub(mine,s,1)\n same => n,Dial(PJSIP/2101)\n"
        f"[mine]\nexten => s,1,{GATE}\n same => n,Return()\n",
        f'[from-outside]\nexten => 2101,1,ExecIf($["${{X}}" = ""]?{GATE})\n same => n,Dial(PJSIP/2101)\n',
        '[from-outside]\nexten => 2101,1,GosubIf($["a" = "b"]?callrec-gate,s,1(inbound,2101,))\n'
        " same => n,Dial(PJSIP/2101)\n",
        # nothing is connected, or by others
        "[from-outside]\nexten => 1,1,Playback(closed)\n same => n,Hangup()\n same => n,Dial(PJSIP/2101)\n",
        "[from-phones]\nexten => *8,1,Pickup(2101)\nexten => 7000,1,ConfBridge(x)\n"
        "exten => 7,1,Page(PJSIP/1)\n",
        "[callrec-testcall]\nexten => x,1,Dial(PJSIP/2101)\n",
    ],
)
def test_what_passes_the_gate(text: str) -> None:
    assert seen(text).ungated == ()


@pytest.mark.parametrize(
    "text",
    [
        # round the gate
        f"[from-outside]\nexten => s,1,GotoIf($[1]?past)\n same => n,{GATE}\n"
        " same => n(past),Dial(PJSIP/2101)\n",
        # behind it
        f"[from-outside]\nexten => s,1,Dial(PJSIP/2101)\n same => n,{GATE}\n",
        # of another extension alone
        f"[from-outside]\nexten => 1,1,{GATE}\n same => n,Goto(ring,2101,1)\nexten => 2,1,Goto(ring,2101,1)\n"
        "[ring]\nexten => _2XXX,1,Dial(PJSIP/${EXTEN})\n",
        # by the hour, by a menu, by digits, in a subroutine
        "[from-outside]\nexten => s,1,GotoIfTime(9:00-17:00,mon-fri,*,*?open,s,1)\n same => n,Hangup()\n"
        "[open]\nexten => s,1,Dial(PJSIP/2101)\n",
        "[from-outside]\nexten => s,1,Background(menu)\nexten => 1,1,Dial(PJSIP/2101)\n",
        "[from-outside]\nexten => s,1,Read(X)\n same => n,Goto(open,${X},1)\n[open]\nexten => 1,1,Queue(a)\n",
        "[from-outside]\nexten => s,1,Gosub(sub,s,1(2101))\n[sub]\nexten => s,1,Dial(PJSIP/${ARG1})\n",
        f"[from-outside]\nexten => s,1,Gosub(sub,s,1)\n same => n,Dial(PJSIP/2101)\n"
        f"[sub]\nexten => s,1,Return()\n[other]\nexten => s,1,{GATE}\n",
        # in a loop, and in contexts that lead to each other alone
        "[a]\nexten => s,1,Goto(b,s,1)\n[b]\nexten => s,1,Dial(PJSIP/2101)\n same => n,Goto(a,s,1)\n",
        # a phone beside a Local channel, for callers of one number
        f"[from-outside]\nexten => 1,1,Dial(PJSIP/2101&Local/2102@ring)\n[ring]\nexten => 2102,1,{GATE}\n",
        f"[from-outside]\nexten => 1/0901,1,Dial(PJSIP/2101)\nexten => 1,1,{GATE}\n"
        " same => n,Dial(PJSIP/2)\n",
    ],
)
def test_what_passes_it_by(text: str) -> None:
    assert len(seen(text).ungated) == 1


def test_what_only_a_call_knows_is_told() -> None:
    found = seen("[from-outside]\nexten => s,1,Goto(${WHERE},s,1)\nexten => 1,1,Dial(Local/1@${X})\n")
    assert [step.application for step in found.unfollowed] == ["Goto", "Dial"]
    assert not found.ungated


def test_ways_that_meet_are_told() -> None:
    found = only(
        "[from-outside]\nexten => 2101,1,Goto(ring,2101,1)\n"
        "[from-phones]\nexten => 2101,1,Goto(ring,2101,1)\n"
        "[ring]\nexten => 2101,1,Dial(PJSIP/2101)\n"
    )
    note = found.note()
    assert found.direction == "inbound" and found.notes[0] == "mixed"
    assert note and note.template == NOTES["mixed"]


def test_what_a_pbx_lists() -> None:
    found = listing(
        [
            {"Context": "a", "Extension": "1", "Priority": "1", "Application": "NoOp", "ExtensionLabel": "x"},
            {"Context": "a", "Extension": "1", "Priority": "hint", "Application": "PJSIP/1"},
            {"Context": "a", "IncludeContext": "b,9:00-17:00,mon-fri,*,*"},
            {"Context": "a", "IgnorePattern": "9"},
            {"Context": "a", "Switch": "Local/x"},
        ]
    )
    assert found == Listing((Step("a", "1", 1, "NoOp", "", "x"),), {"a": ("b",)}, {"a": "Local/x"})


@pytest.mark.parametrize(
    ("pattern", "extension", "fit"),
    [
        ("2101", "2101", True), ("2101", "21011", False), ("_2XXX", "2101", True), ("_2XXX", "0101", False),
        ("_0.", "0312", True), ("_0.", "0", False), ("_0!", "0", True), ("_[1-3]N", "29", True),
        ("_[1-3]N", "49", False), ("_Z-X", "10", True), ("_+81.", "+8131", True), ("_[z-a]", "1", True),
    ],
)  # fmt: skip
def test_patterns(pattern: str, extension: str, fit: bool) -> None:
    assert fits(pattern, extension) is fit


def test_words() -> None:
    assert choices('$["${A:1}" = "?"]?x,1,1(a,b:c):y') == ("x,1,1(a,b:c)", "y")
    assert place("callrec-gate,s,1(inbound,${EXTEN},${CALLERID(num)})") == ("callrec-gate", "s", "1")
    assert place("ring,${CUT(X,/,1)},1") == ("ring", "${CUT(X,/,1)}", "1") and place("") == ()


def test_a_large_dialplan_is_seen_in_little_time(tmp_path: Path) -> None:
    """Each context is looked at once, whatever leads to it."""
    contexts = "".join(
        f"[c{n}]\ninclude => c{(n + 1) % 300}\nexten => {n},1,Goto(c{(n * 7) % 300},${{EXTEN}},1)\n"
        f" same => n,Dial(PJSIP/{n})\n" for n in range(300)
    )  # fmt: skip
    assert not seen(contexts).ungated, "each goes elsewhere before it dials"
