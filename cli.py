"""Runs callrec from a checkout."""

from callrec.commands import main

main()
