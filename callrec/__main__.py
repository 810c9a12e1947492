"""Runs the command line as `python -m callrec`, the same as `callrec`."""

from callrec.commands import main

main()
