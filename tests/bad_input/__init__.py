"""Bad input of every kind, thrown at every command: what people type, paste and plug in.

`texts` has the values that were ever wrong and makes new ones, `places` makes a folder with a configuration,
a database and files that may each be damaged, `command_lines` writes a command line for any command that
there is, and `program` runs it and says what is wrong with the way it ended. tests/unit/test_bad_input.py
tries a few hundred; `python -m tests.bad_input --seconds 600` goes on for as long as it is told.
"""
