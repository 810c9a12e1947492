"""Rules as people write, change, check and read them.

`office_file` reads and writes a whole office as a file, `extension_table` reads a spreadsheet of extensions,
and `difference` finds the steps from one office to another. `entries` and `fields` read what people write
for a facility, an extension or a rule, and say what is acceptable. `cover` compares when rules hold; with it
`gaps` finds calls that no rule is about, and `review` rules that can never win and all else an admin should
look at. `explanation` puts a decision and its rules into words. The commands call it; the catalogue applies
the steps, and checks what is written into it by `entries`. Files are read and written by the commands; what
decides a call is `policy`.
"""
