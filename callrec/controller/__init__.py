"""Carries out what the pure core wants."""
