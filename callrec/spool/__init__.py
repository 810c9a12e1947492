"""From the PBX's tracks to one file with its evidence, kept safe until the archive has it."""
