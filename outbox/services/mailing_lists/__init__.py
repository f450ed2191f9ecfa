"""Lists of addresses that mails go to: typed, joined, left, tested, deleted, the same way for every kind of list."""
