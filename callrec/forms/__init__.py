"""Printed forms: HTML of one file, which any browser opens and prints without a network. They are made by
whoever asks for them, of what the desk answered. `page` fills a template and writes it, the same way for all;
`requests` gathers what the forms of a request say, in Japanese, and `callrec.commands` the custody report.
`summary.html`, with its style and its script, is the page of a package: callrec.evidence.page fills it."""
