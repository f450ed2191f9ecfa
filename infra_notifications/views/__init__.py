"""Pages of charging infrastructure notifications, one file per noun."""
