"""Pages of fleet remotes, one file per noun."""
