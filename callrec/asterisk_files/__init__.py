"""The configuration files of a PBX: reads them, adds callrec's includes, and takes them out again.

    reading    what is in the files: sections, settings, lines; includes are followed
    product    whose files these are: a plain Asterisk's, FreePBX's, Wazo's, MikoPBX's; where an include goes
    plan       the ports, addresses, passwords and keys that callrec has on this PBX
    texts      the text of each include, and the PBX's own file with it and without it
    changes    what is to be written, as a difference that shows no password
    writing    writes all of it or nothing
    installing, removing    what `callrec pbx install` and `remove` are to change
    key_rivals    features of the PBX whose codes are in the way of a key
    gate_lines    where the PBX's own dialplan calls what callrec brings

`callrec.commands.pbx_install` and `pbx_remove` ask and print, the demo installs by it, `callrec pbx check`
compares. Nothing here speaks with a PBX: the folder may be a copy of another machine's.
"""
