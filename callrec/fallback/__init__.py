"""Has calls recorded while callrec is away, and takes them over when it is back (decision 4).

`rule_mirror` gives the PBX a copy of the rules in its own database (AstDB), by which the dialplan plays the
announcement and records while no controller answers. The dialplan writes a line for each such call, and one
for each key, into the same database. `journal` reads these lines, `journal_calls` makes calls and captures of
them, `adoption` takes them and their files over into the spool, after asking the rules again, and
`journal_reader` looks for lines whenever the controller is linked, and deletes those that are safe. Sound of
which no line tells is the matter of `callrec.health.reconciliation`. A call that goes on is taken over while
it lasts, by `callrec.recording.takeover`. `callrec.app` makes the parts, and `callrec.serve` gives mirror and
reader a thread each. What the dialplan itself does is in asterisk/callrec/extensions.conf; the archive takes
the recordings from the spool as any other.
"""
