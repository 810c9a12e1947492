"""The page of a package, in English and Japanese: what a judge reads and hears. `story` puts a recording into
words, `waveform` draws its sound, `summary` puts the page together; callrec.forms has its template."""
