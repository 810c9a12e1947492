"""What happens to a recording after its call: decisions and steps that the desk's operations and `callrec
purge` call with the store, the database or the transaction that they need. Each step can be repeated after a
crash: what is wanted is written down first, then S3 is asked and read back, then the catalogue says so.
`presence` tells whether there is a recording to keep; `keeping` marks incidents, holds and keeps longer, and
`protection` locks the objects for it. `requests` decides what may be done under a request, and by whom.
`destruction` decides what is past its time, `purge` destroys it, and `erasure` takes numbers and names out of
what is left. `concerns` are what a person has to see to, such as copies that are overdue. Who may ask for
anything is not decided here: that is the gate of `desk`."""
