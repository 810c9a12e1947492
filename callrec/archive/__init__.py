"""Where recordings are kept: put, read back, compared."""
