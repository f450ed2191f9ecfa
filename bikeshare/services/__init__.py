"""Writes of bike-share. Every change of a resource goes through the unit of work."""
