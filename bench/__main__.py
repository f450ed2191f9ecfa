"""make bench: runs the benchmarks, prints a table, writes var/bench.json."""

from __future__ import annotations

import json
import sys
import time

import tests.engines as engines
from bench import bikeshare, charging, console, mails, proxy, remotes, vehicles, webhooks
from bench.figures import Figure, table
from bench.rig import Rig
from tests.live import ROOT

BENCHES = {
    "batches": charging.batches,
    "singles": charging.singles,
    "rest": charging.at_rest,
    "mails": mails.fast,
    "slow-mails": mails.slow,
    "console": console.at_a_million,
    "webhooks": webhooks.backlog,
    "callbacks": remotes.batches,
    "single-callbacks": remotes.singles,
    "telemetry": bikeshare.telemetry,
    "topics": bikeshare.topics,
    "vehicles": vehicles.scan,
    "proxy": proxy.relay,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"No benchmark named {', '.join(unknown)}; there are {', '.join(BENCHES)}.")
    found: list[Figure] = []
    with Rig() as rig:
        print(f"PostgreSQL of the wheel, broker {rig.broker.split(':')[0]}", flush=True)
        for name in names or list(BENCHES):
            started = time.monotonic()
            figures = BENCHES[name](rig)
            found += figures
            print(f"{name}: {time.monotonic() - started:.0f} s\n{table(figures)}", flush=True)
    print("\n" + table(found))
    target = ROOT / "var" / "bench.json"
    target.write_text(json.dumps([figure.row() for figure in found], indent=2))
    return 0


if __name__ == "__main__":
    assert engines.ROOT == ROOT
    sys.exit(main(sys.argv[1:]))
