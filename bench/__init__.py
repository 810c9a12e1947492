"""Measurements that anyone can repeat, by `make bench` or each by itself; each fails when its target is
missed. `calls` makes real calls on the demo's PBX and measures how soon they are recorded and found; `decide`
measures a decision and a reload of the rules, and `tracker` what one more call costs beside many. `machine`
tells what a measurement was made on, and `report` prints the table and writes it into RESULTS.md. Only
`calls` needs a PBX; it uses the system of the integration tests. Nothing of callrec itself calls these."""
