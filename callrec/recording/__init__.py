"""Decides what is to be done about the calls of a PBX: events in, actions out. No I/O of any kind.

`callrec.controller` gives every event of the PBX and every tick of time to `tracker`, and carries out the
`actions` that it gets back. The tracker (`event_tracker`, and `tracker` after a time without events) finds
the `call` that an event concerns: by its channel, or, where the event names something that callrec has made,
by its owner (`owners`). `topology` knows who hears whom, `membership` which channel belongs to which call,
and `key_presses` which call a key is about. A call has six layers: `call_media` (what is captured and
announced), `call_events` (what the PBX tells of that, and what time brings), `call_keys` (what staff press),
`call_decisions` (what is decided, and done about it), `call_dialplan` (the gate, and what the fallback
records) and `call` (who takes part, how it ends). They use `recorder` (what is kept of a call) with
`capture`, `capture_tracks`, `segment`, `gaps` and `silences` (how it is recorded), `announcements`, `tones`,
`assistance` with `support_phone`, and `decisions` with `parties` and `legs`; `takeover` takes over what the
dialplan has recorded. `states` has the tables by which tracks, captures and recordings advance, `keys` those
that the keys of staff go by. What the core cannot make for itself (rules, prompts, ids) is in `environment`;
every moment comes from an event or from the caller. `callrec.fallback` asks `keys` and `assistance` about
calls that it adopts.
"""
