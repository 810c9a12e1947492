"""A whole office in a model: many calls at once on a PBX that is slow, refuses, crashes, or loses its link.

The controller, the tracker, the spool, the journal and the adoption are the real ones. Modelled are the PBX
with its dialplan (`exchange`, `recorder`, `dialplan`), the link (`link`), the people (`people`), and what the
archiver does (`archive`). Time is the model's own (`timeline`), so a minute of calls takes milliseconds, and
everything follows from one seed. `truth` knows who heard whom, whatever the controller believed; `claims`
compares what was kept with that.

`python -m tests.simulation` runs it; see `make simulate`.
"""
