"""Rules as people write, change, check and read them.

`office_file` and `extension_table` read the files people keep, `difference` finds the steps from one
office to another, `entries` and `fields` say what is acceptable, `cover`, `gaps` and `review` find rules
that never hold and calls no rule is about, `explanation` puts a decision into words. The commands call
it, and the catalogue applies its steps; what decides a call is `policy`.
"""
