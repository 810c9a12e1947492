"""Transcripts of real ARI events, and what the pure part must want done about them."""
