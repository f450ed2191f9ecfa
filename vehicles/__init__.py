"""Drivers, OEM account links and smart charging: the 38 notifications of a smart-charging platform."""
