"""Decisions: the status of an action, when to poll for it, whether to send it. All pure; `now` is passed in."""
