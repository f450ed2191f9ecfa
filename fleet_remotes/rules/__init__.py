"""What decides: where an action stands, when to look after it, whether to send it. All pure; `now` is passed in."""
