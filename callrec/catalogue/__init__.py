"""The searchable index: calls, recordings, rules, and who did what. SQLAlchemy is known here only."""
