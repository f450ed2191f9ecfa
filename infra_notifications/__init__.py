"""Charging infrastructure notifications: charge points, their incidents, and the groups that hear of them."""
