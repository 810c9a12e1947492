"""The catalogue is the searchable index of calls and recordings, and the place where the rules are, in SQLite
or PostgreSQL. `database` connects, upgrades and begins transactions, and `tables` says what is in there.
`calls` writes calls and recordings and finds them again, `custody` logs who did what to a recording, `alerts`
keeps what became of calls for help, `reports` adds up, `trial` asks whether the database would take all of
it. `facilities`, `rules` and, for imports, `offices` read and change the office; each change is written down
by `changes`. The archiver and the alerter write into it, the commands search and change it, the controller
reads the rules. Functions take a connection, so whoever calls decides what is one transaction. In callrec,
SQLAlchemy is known here only."""
