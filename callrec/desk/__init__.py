"""The desk: what can be asked of callrec by people who hold neither its keys nor its database, and who of
them may ask it. `operation` says what an operation is, and is the one gate: it finds the roles of who asks,
refuses, and writes refusals down. The operations are in `operations/`, one file a subject; `recordings` finds
for them what they are asked about, and `words` checks what people write. `direct` carries them out in this
process, for whoever can read callrec.toml; `client` asks the `server`, which is told by the kernel who is at
the other end of a Unix socket; `listener` sees to it that nobody holds others up there. `wire` is how values
and errors travel, and `download` how files do; `way` chooses between the two. The commands call operations
and never ask which way they go."""
