"""callrec: call recording for an Asterisk PBX."""

__version__ = "0.1.0"
