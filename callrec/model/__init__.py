"""The words of the project as types: plain data, without I/O; nothing here reads a clock or makes an id.

Everything above imports them from the module that has them: rules, office, calls, captures, alerts,
prompts, tones. What of it is in a manifest is published as the manifest's schema, with the docstrings
of classes, fields and members of enums: docs/manifest.schema.json, made by tests/reference.py.
"""
