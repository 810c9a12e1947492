"""The archive keeps recordings in an S3 bucket, and gives back only what is proved to be what was put there.
`archiver` is a thread of the controller with others beside it, each a `lane` of what waits in the spool:
discards and calls, what is to be joined, what is to be uploaded. `recordings` has the steps of one recording:
sound and manifest are put into the bucket, read back and compared (`deposit`, under `object_names`), entered
into catalogue and custody log (`rows`), and only then removed from PBX and spool (`endings`). `discarder`
destroys what nobody wanted kept. `attempts` and `retry_schedule` keep what failed, and when it is tried
again. `retrieval` gets recordings out again, for `callrec fetch` and `play`, `conversion` makes the file that
was asked for, and `given` has the words for that. `store` says what a place for recordings must be able to
do, and `s3` does it, with `s3_client` and `s3_errors`. Only `removal` deletes objects of the bucket, for
`callrec purge`, with keys that nobody else has."""
