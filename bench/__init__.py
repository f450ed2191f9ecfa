"""Benchmarks: `make bench` runs them all, `make bench ARGS="messages mails"` some. Real processes, one machine.

Figures depend on the machine and its mood: compare ratios of one run. Goals are those of docs/performance.md.
"""
