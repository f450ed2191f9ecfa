"""Untrusted input → typed values: the vendor's notifications and records, and commands that are given."""
