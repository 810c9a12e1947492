"""Every fault, injected on the real parts while real calls run: `make test-faults` and `make soak`.

rows      what is done to which part, and how it is healed: a table
inject    the ways of doing it; proxy and moods stand between callrec and the PBX, S3 and the database
cast      calls in every state, each with a tone of its own, before, during and after the fault
history   what happened: in the phones, the bucket, the catalogue, on the PBX and in the spool
gather    finds it out
checker   what must be so of every history, whatever the fault; pure
soak      the same for as long as is wanted, with faults by chance
"""
