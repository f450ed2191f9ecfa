"""Drivers, OEM account links and smart charging: the notifications of a smart-charging platform."""
