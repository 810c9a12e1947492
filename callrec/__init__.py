"""callrec records calls of an Asterisk PBX, keeps them as evidence, and finds them again. `commands` is the
command line; `serve` runs the controller and `doctor` checks every part; `demo` is a whole system on one
machine. `app` puts the parts together. `controller` watches the PBX and does what `recording`, the pure core,
says; `fallback` takes over what the dialplan recorded while callrec was away. `policy` decides which calls
are recorded, and `rulebook` is where people read and change the rules. `spool` keeps what must survive a
crash, `archive` puts recordings into S3, `alerts` sends calls for help, `catalogue` is the database, `pbx`
talks to Asterisk, and `model` has the types that all share. docs/architecture.md follows one call through all
of it; docs/decisions/ says why it is so."""

__version__ = "0.2.0"
