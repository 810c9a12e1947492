"""The running recorder of one PBX: threads, locks and disk around the core of `recording`, which has none.

`controller` receives the events and ticks, gives them to the core's tracker under one lock, and hands the
actions that it gets back to `serial_executor`, a pool of threads in which those of one call keep their
order. `performer` carries each out, on the PBX or in the spool. `checkpoints` sees to it that only the
newest checkpoint of a call is written, `hangups` lets a renewal wait until the old snoops are gone, and
`rules_in_force` keeps the rules as the catalogue has them, or had them last. `ownership` says whether this
process still is the one that commands the PBX, `pbx_identity` whether that is the PBX of its name, `drafts`
copies the checkpoints into the PBX's database, and `taking_up` takes from there what another machine has
left. `callrec.app` makes the parts, `callrec.serve` runs them, and `callrec.fallback` asks the controller
which calls it has seen. What happens to a recording after its call is not done here: see
`callrec.archive`.
"""
