"""Measurements that anyone can repeat, by `make bench` or each by itself; each fails when a target is missed.
`decide` measures a decision, a reload of the rules and the questions for an announcement, and `tracker` what
one more call costs beside many. `calls` measures how soon real calls are recorded and found, `moves` what
recordings of calls that move lack, and `promptness` (with `key_presses`) what has to happen at once; for
these `parts` starts the demo's PBX, S3 server, database and controller. `targets` has what must be kept,
`machine` tells what a measurement was made on, and `report` prints the table and writes it into RESULTS.md.
They use helpers of the integration tests, which assert what was heard, not how soon. Nothing of callrec calls
these."""
