"""Has what the measurements must stay below, in seconds. The suite's own bounds are ten times as wide.

A test asserts what was heard (tests/integration/times.py); how long it took is measured here.
"""

FIRST_SAMPLE = 0.02
"""Both parties in a bridge → first sample of either track."""
KEY = 0.06
"""The last digit of `*1` → first sample of a manual recording."""
TONE = 0.15
"""The last digit of `*1` → the tone that tells it."""
GATE = 0.015
"""What the gate adds to a call that is told nothing, until it rings."""
PAUSE = 0.04
"""`*5` → silence in the recording, and `*5` again → sound."""
STOP = 0.1
"""`*4` → last sample of a manual recording."""
RENEWAL_GAP = 0.06
"""The party outside begins to hear another phone: how long it is not recorded. Three packets."""
LENGTH = 0.1
"""The recording, against the time for which the PBX had the parties connected."""
LENGTH_BY_PHONE = 0.3
"""The same against the clock of the phone, which hears of answer and end later than the PBX."""
PRESS_CLOCK = 0.05
"""A key press as the PBX writes it down while callrec is away, against the event of the same press."""
FOUND = 1.0
"""Hang-up after 10 s and after 3 minutes → read back from S3 and found by search."""
HOUR_FOUND = 5.0
"""The same after an hour."""
RULES = 2.0
"""A change of rules is in the catalogue → the controller goes by it."""
ALERT = 2.0
"""The key for help → the alert is with a web server, also while the mail server hangs."""
ANSWER = 4.0
"""Dialling → answered, also while the controller is frozen."""
LINK_LOST = 10.0
"""The PBX stands still → the status says that the link is lost."""
LINK_BACK = 15.0
"""The PBX goes on → the link is there again."""
PROMPTS = 0.05
"""1,500 questions for an announcement (bench/decide.py)."""
