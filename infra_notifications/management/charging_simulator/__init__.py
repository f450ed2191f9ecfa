"""A simulated site for the demo: charging stations that connect through the OCPP proxy, and the CSMS behind it.

The stations charge, fail and recover in a rhythm that is made by a seed, so that the same seed tells the same story
again. They speak OCPP-J 1.6 and 2.0.1 over real WebSockets; the CSMS answers what they ask and no more.
"""

from infra_notifications.management.charging_simulator.csms import Csms
from infra_notifications.management.charging_simulator.station import Station
from infra_notifications.management.charging_simulator.story import Event, Step, story

__all__ = ["Csms", "Event", "Station", "Step", "story"]
