"""Alerts are calls for help that go out to those who can give it: by mail and to a webhook, whatever else is
away. `alerter` is a thread of the controller: it runs a worker for each way, writes what became of each alert
into the catalogue, and takes alerts that are done with out of the spool. `delivery_worker` sends by one way,
on a thread of its own, until it is taken or a day is over; `mail` and `webhook` are the ways, and `words` is
what they say. `ledger` knows how far each delivery has come. The controller and the fallback put alerts into
the spool; the controller itself calls the support phone."""
