"""Tests of what comes after the call."""
