"""Doctor tries every part a call will need. `callrec doctor` has `run` try all checks side by side, within a
deadline; `check` says what a check is. The rooms are what they are about: `parts` (database, ffmpeg, backlog,
controller), `archive` (the bucket), `pbx`, `dialplan` and `phones` (what the PBX has), `announcements`,
`messages` (mail, webhook), `certificates`, `clocks`, `machine` (disks, permissions, encryption), and `desk`
(the desk, and the keys that may destroy). Each check returns what it found, or raises CallrecError with what
to mend. None mends anything itself."""
