"""Remote commands to fleet vehicles, the vendor's notifications and errors, and the wake-up budget."""
