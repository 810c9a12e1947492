"""The demo is a whole callrec on one machine, with a real PBX and real calls, in one folder and on 127.0.0.1
only. `system` starts and stops all of it: `pbx` configures and runs an Asterisk, `s3` an S3 server, and
callrec serve runs as it does anywhere; `processes` are its children, which end with it, and `ports` are what
they listen on. `softphones` are SIP phones made of software that talk and listen, and `walkthrough` makes one
call with them and tells what became of it. `callrec demo` runs it; the integration tests and bench use the
same system and phones. Nothing here is needed by a callrec at work."""
