"""A backup is a folder with all that the bucket does not have: the rows of the database, the keys that sign,
callrec.toml, the office's own announcements, and what waits in the spool. `maker` makes one while everything
works, `listing` says what is in it and proves that, `waiting` knows what of the spool can be copied, and
`restorer` puts it back where nothing is. Rows are written by callrec.catalogue.portable, which knows them of
either kind of database and of each version. Recordings are not in it: the bucket is the archive. Called by
`callrec backup` and `callrec restore`."""
