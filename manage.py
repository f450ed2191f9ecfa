#!/usr/bin/env python
"""Signalbox's command line: `manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"Signalbox cannot start: {error}\n")
        # A mail server then keeps the report that it pipes to us, and tries again.
        sys.exit(os.EX_TEMPFAIL if "take_bounce" in sys.argv[1:2] else 1)


if __name__ == "__main__":
    main()
