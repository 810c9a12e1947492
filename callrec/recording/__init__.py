"""The pure core: facts about calls in, actions out; no threads, no clock, no disk, no network.

`tracker` takes every event of the PBX and every tick of time, and gives it to the `call` that it concerns,
or, by its owner (`owners`), to the part of a call that has made what the event names. A call is made of
layers: `call_media` (what is captured, announced, played), `call_keys` (what staff press), `call` (who
takes part, what is decided, how it ends). Its parts: `recorder` (what is kept) with `capture` (what is
recorded) and `segment`; `announcements`, `tones`, `assistance` with `support_phone`; `decisions`.
`topology` knows who hears whom, `membership` which channel belongs to which call. `states` has the tables
by which tracks, captures and recordings advance, `keys` the one that staff's keys go by. What is to be
done is told as `actions`, which `callrec.controller` carries out; it is also who calls the tracker.
"""
