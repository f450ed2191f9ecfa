"""A simulator of the vendor: a real HTTP server that speaks its API and calls our callback.

Every path of the vendor's flow chart (reference B4) and the ways in which it misbehaves, chosen by a seed, so that the
same commands get the same answers again. For the demo, for tests, and for trying an installation out.
"""

from fleet_remotes.management.remote_simulator.paths import PATHS, Path
from fleet_remotes.management.remote_simulator.server import Simulator, serve
from fleet_remotes.management.remote_simulator.vendor import Vendor

__all__ = ["PATHS", "Path", "Simulator", "Vendor", "serve"]
