"""OCPI 2.2.1 and 2.3.0, module Locations: reading what a party sends, and what it means here. Pure.

Source: the specification, github.com/ocpi/ocpi, branches `release-2.2.1-bugfixes` and `2.3.0/release/core`.
"""

VERSIONS = ("2.2.1", "2.3.0")
