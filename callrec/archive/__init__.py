"""The archive keeps recordings in an S3 bucket, and gives back only what is proved to be what was put there.
`archiver` is a thread of the controller: it takes recordings and calls out of the spool, puts sound and
manifest into the bucket, reads them back, compares, and enters them into catalogue and custody log; only then
it removes them from PBX and spool. `discarder` destroys what nobody wanted kept, and `retry_schedule` says
when what failed is tried again. `retrieval` gets recordings out again, for `callrec fetch` and `play`,
`conversion` makes the file that was asked for, and `given` has the words for that. `store` says
what a place for recordings must be able to do, and `s3` does it. Only `removal` deletes objects of the
bucket, for `callrec purge`, with keys that nobody else has."""
