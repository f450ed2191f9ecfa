"""Topic lists: their settings (lists), what is decided about each event (deciding), and the mails (notifying)."""
