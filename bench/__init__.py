"""Measurements that anyone can repeat, by `make bench` or each by itself: `python -m bench.NAME`.

Every figure that counts stands beside an alternative of the same run: `pairs` gives both their turns,
`measures` has ratios, figures and charts, `report` tells them and keeps them in docs/benchmarks (by
`results`, `pages` and `charts`), and `check` compares with what is kept there. `parts` starts the demo's
PBX, S3 server, database and controller, `targets` has what must be kept, and `machine` tells what was
measured on. Each program says in its docstring what it measures, and fails where a goal is missed. They
use helpers of the integration tests, which assert what was heard, not how soon. Nothing of callrec
calls these."""
