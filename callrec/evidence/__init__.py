"""Evidence: what callrec says of recordings, signed, so that it can be proved without the database.

`keys` has the key pairs. Manifests are signed by the recording builder; here are the other signed documents:
statements of what was done to a recording after its call, and anchors of the custody log. The bucket under
Object Lock is where they are; the catalogue is an index of them.

`verification` compares all that is said of a recording: it reads the bucket by `reading`, believes manifests
by `trust`, and has each place compared by `comparison`, which is pure; `strays` looks for what is nobody's.
"""
