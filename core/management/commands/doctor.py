"""manage.py doctor: says in plain words what works and what does not; exit 1 when something does not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.health import run_checks


class Command(BaseCommand):
    help = (
        "Says what works and what does not: database, migrations, broker, worker, beat, mail server, oldest delivery."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        clock.start()
        findings = run_checks()
        width = max(len(name) for name, _ in findings)
        for name, finding in findings:
            mark = self.style.SUCCESS("works") if finding.ok else self.style.ERROR("FAILS")
            self.stdout.write(f"{mark}  {name:<{width}}  {finding.text}")
        broken = [name for name, finding in findings if not finding.ok]
        if broken:
            raise CommandError(f"Not all is well: {', '.join(broken)}.", returncode=1)
        self.stdout.write("All is well.")
