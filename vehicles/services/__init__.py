"""Writes of vehicles."""
