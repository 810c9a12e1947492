"""The words of the project as types: plain data, without I/O, clock or ids made here.

Everything above imports them from the module that has them: rules, office, calls, captures, alerts,
prompts, tones. What is in a manifest is published as its schema (docs/manifest.schema.json).
"""
