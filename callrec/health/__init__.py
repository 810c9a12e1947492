"""The recorder's own illness: what it measures, whom it tells, and what it compares with what should be.

Nothing here records a call. `serve` runs what is in here on threads of their own, each of which may fail
without a call being missed; the commands `status`, `reconcile` and `testcall` show it to people.
"""
