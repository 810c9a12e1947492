"""Decides which calls are recorded, how they are announced, and how long recordings are kept.

`decide` finds the one rule that wins and says why each other one lost; `conditions` tells whether a rule's
hours, dates and holidays are met, with `hours` and `holidays`; `rules` ranks the rules and checks new ones;
`combine` joins the decision at the gate with that of who answered; `retention` says until when a recording
is kept. `office` is a snapshot of extensions, rules and settings that answers these questions.
`callrec.recording` asks it about live calls, `fallback` about calls that callrec missed, `rulebook` and the
commands for people. Nothing here reads a clock, a file or the database: facts and rules in, a decision out.
How people write and read rules is not here: see `callrec.rulebook`.
"""
