"""Writes of fleet remotes, one file per noun."""
