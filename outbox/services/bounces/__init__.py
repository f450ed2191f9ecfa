"""Mails that come back: which delivery a report is about, what it does to the address, and whom it is told."""
