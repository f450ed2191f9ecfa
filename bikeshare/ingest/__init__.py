"""Untrusted input of bike-share → typed values: resources, device messages, GBFS feeds."""
