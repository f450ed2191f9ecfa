"""The OCPP proxy: stations on one side, their CSMS on the other, and an observer that may never stand in the way.

Only `manage.py ocpp_proxy` imports this package. It passes on the bytes of both sides unread; what they mean is worked
out beside the connection, for the observer alone.
"""
