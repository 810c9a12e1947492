"""Puts the parts of callrec together: the composition root. Controller, checks, desk and commands get them
here. `parts` has what every process may need, `controller` what only a running controller is made of.

Parts are imported where they are made: a search needs neither the PBX's libraries nor S3's, and a command
that answers at once is a command that is used.
"""

from callrec.app.parts import App

__all__ = ["App"]
