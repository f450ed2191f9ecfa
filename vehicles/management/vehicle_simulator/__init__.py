"""Simulated platforms for the demo: cars that drive, charge and lose their sign-in, pushed as Smartcar and Enode push.

What a car does follows from the time and its number alone, so that a simulator that is started anew goes on where it
was. The bodies are written by the platforms' documents, not by our adapters.
"""

from vehicles.management.vehicle_simulator.cars import CARS, SimulatedCar, State, state_at
from vehicles.management.vehicle_simulator.platforms import bodies_of, demo_secret, signed

__all__ = ["CARS", "SimulatedCar", "State", "bodies_of", "demo_secret", "signed", "state_at"]
