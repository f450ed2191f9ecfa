"""What decides: which rule a message meets, what it does to an incident, and whether a group is notified. All pure.

Moments are passed in; nothing here reads a clock, a setting or a table.
"""
