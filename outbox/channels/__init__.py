"""The ways out, one file each: how a claimed delivery is made ready, sent, and judged."""
