"""The spool keeps on this machine's disk what must survive a crash until it is safe elsewhere: calls and
captures under way, recordings on their way to the archive, calls for the catalogue, alerts. `directory` is
the folder with all that is in it; `lock` lets one controller at a time work on it; `files` writes a file
whole or not at all. `tracks` fetches the sound of a capture from the PBX, `absences` counts for how long that
has said that it has none, `sound` joins it into one stereo FLAC, and `recording_builder` makes the recording
of it, with its manifest. `snapshot` is the copy of the rules with which a controller starts while the
database is away, and `status` is what `callrec status` shows. The controller and the fallback write into the
spool; the archiver and the alerter take out of it. `quarantine` gives back what was lost and turned up.
Nothing here knows S3 or the database."""
