"""Everything that talks to Asterisk is here. `ari` gives commands over Asterisk's REST interface and delivers
its events; `transport` is the HTTP and the websocket below it, and `events` makes types of the JSON. `ami`
does what ARI cannot: it lists AstDB, reads settings, ends a MixMonitor; `ami_session` keeps pyst2 from
leaving threads and connections behind. `dialplan` asks, by either, for what that of a channel does: its
variables, and the MixMonitor whose files `mixmonitor` knows. `astdb` is the PBX's own database: listed by
AMI, written by the dialplan that ARI runs. `feature_codes` knows the keys as the PBX must have them, and
finds what is wrong there. The controller, the archiver, the fallback and the checks use these; what is
recorded, and what is done about a refusal, is not decided here. ari-py and pyst2 are known here only
(decision 8)."""
