"""What callrec is on its machine: the units of systemd by which it runs, the account that runs them, and the
folders that belong to that account. `units` fills the unit files in for a machine, `installed` compares them
with those that are there and puts them there or takes them away, `people` makes the account, `systemctl` asks
systemd. `callrec service` calls all of it, `callrec init` the part about the account."""
