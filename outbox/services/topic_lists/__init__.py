"""Topic lists: their settings, what they hear of (noticing), and the mails that tell it (telling)."""
