"""PostgreSQL's own programs, for the database of DATABASE_URL."""

from __future__ import annotations

import os
import subprocess

from django.core.management.base import CommandError
from django.db import connection

# Django's names of what the programs know by these variables: no password stands in a list of processes.
_VARIABLES = {
    "dbname": "PGDATABASE",
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",  # nosec B105 - the name of a variable
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


def run_tool(program: str, *arguments: str, is_read: bool = False) -> None:
    """Runs one. `is_read`: it reads into the database, which it must be told by name. Raises CommandError."""
    known = connection.get_connection_params()
    env = {name: str(known[key]) for key, name in _VARIABLES.items() if known.get(key)}
    target = (f"--dbname={known['dbname']}",) if is_read else ()
    try:
        done = subprocess.run(  # noqa: S603 - PostgreSQL's programs, with our own arguments
            [program, *target, *arguments], env=os.environ | env, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise CommandError(f"There is no {program} here: install PostgreSQL's client programs.") from error
    if done.returncode:
        raise CommandError(f"{program}: {done.stderr.strip() or 'it failed'}")
