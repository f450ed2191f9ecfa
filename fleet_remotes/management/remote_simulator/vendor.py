"""The vendor's inside: its callbacks, vehicles and remotes, what it notifies when, and how it repeats itself."""

from __future__ import annotations

import heapq
import http.client
import itertools
import json
import random
import secrets
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fleet_remotes.choices import REMOTE_TYPES, Kind
from fleet_remotes.management.remote_simulator import paths
from fleet_remotes.management.remote_simulator.paths import PATHS, Path, PathStep

# Seconds for which a vehicle stays awake after each message (seed 003).
AWAKE_S = 180.0
CALL_TIMEOUT_S = 10.0


@dataclass
class Hook:
    """A registered callback: where it goes, with which headers, how often it is tried again."""

    callback_id: str
    fleet: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    label: str = ""
    status: str = "Running"
    retries: int = 3
    retry_delay_s: float = 10.0
    # 0: single notifications; else this many are gathered for this long.
    batch_size: int = 0
    batch_window_s: float = 60.0
    gathered: list[dict[str, Any]] = field(default_factory=list)
    # What could not be delivered: released together by the next 2xx.
    stored: list[bytes] = field(default_factory=list)
    # As it was registered.
    subscribe: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """What is known of a vehicle; `can` is None for everything."""

    can: list[str] | None = None
    status: dict[str, Any] = field(default_factory=dict)


@dataclass
class Remote:
    """A command that the vendor has."""

    id: str
    callback_id: str
    fleet: str
    vehicle_id: str
    vin: str
    kind: Kind
    request: dict[str, Any]
    status: str = "Accepted"
    cause: str = ""
    feedback: str = ""
    is_over: bool = False

    @property
    def type(self) -> str:
        return REMOTE_TYPES[self.kind]


class Vendor:
    """All of it behind one lock, with one thread that does what is due.

    `speed` divides every delay. `vin_of` names the vehicle of a vehicle id (None: there is none such).
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        speed: float = 1.0,
        vin_of: Callable[[str], str | None] | None = None,
        find_hook: Callable[[str], Hook | None] | None = None,
        vins_of: Callable[[str], Mapping[str, str]] | None = None,
        facts_of: Callable[[str], Facts] | None = None,
        wakeups_per_month: int = 40,
    ) -> None:
        self.seed, self.speed, self.wakeups_per_month = seed, speed, wakeups_per_month
        self.vins: dict[str, str] = {}
        self._vin_of, self._find_hook, self._vins_of, self._facts_of = vin_of, find_hook, vins_of, facts_of
        # What the vendor knows of a vehicle beside the rest, by its id: fields of its status.
        self.states: dict[str, dict[str, Any]] = defaultdict(dict)
        self.hooks: dict[str, Hook] = {}
        self.remotes: dict[str, Remote] = {}
        self.forced: dict[str, deque[str]] = defaultdict(deque)
        self.posts = 0
        self._count: dict[str, int] = defaultdict(int)
        self._wakes: dict[str, int] = defaultdict(int)
        self._awake_until: dict[str, float] = {}
        # Ids differ from those of the last run, which our side may still remember.
        self._run_id, self._ids = secrets.token_hex(3), itertools.count(1)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.lock = threading.RLock()
        self._wake = threading.Condition(self.lock)
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="vendor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify()
        self._thread.join(CALL_TIMEOUT_S + 5)

    # ---- what is known ----------------------------------------------------------------------------------------

    def vin(self, vehicle_id: str) -> str | None:
        if vehicle_id not in self.vins and self._vin_of is not None and (vin := self._vin_of(vehicle_id)):
            self.vins[vehicle_id] = vin
        return self.vins.get(vehicle_id)

    def vins_in(self, fleet: str) -> dict[str, str]:
        """The vehicles of a fleet, by their ids."""
        return dict(self._vins_of(fleet)) if self._vins_of is not None else dict(self.vins)

    def facts(self, vehicle_id: str) -> Facts:
        """What a vehicle can do, and what its status says beside the usual."""
        facts = self._facts_of(vehicle_id) if self._facts_of is not None else Facts()
        return Facts(facts.can, facts.status | self.states.get(vehicle_id, {}))

    def hook(self, callback_id: str) -> Hook | None:
        if callback_id not in self.hooks and self._find_hook is not None and (hook := self._find_hook(callback_id)):
            self.hooks[callback_id] = hook
        return self.hooks.get(callback_id)

    def new_id(self, prefix: str) -> str:
        return f"{prefix}-{self._run_id}-{next(self._ids):06x}"

    def register(self, fleet: str, body: Mapping[str, Any], callback_id: str = "") -> Hook:
        """Keeps a callback, in the place of the one that has this id. Raises KeyError for a body that lacks a field."""
        webhook = body["callback"]["webhook"]
        if not body["remoteTypes"]:
            raise KeyError("remoteTypes")
        policy, batch = body.get("retryPolicy") or {}, body.get("batchNotify") or {}
        hook = Hook(
            callback_id=callback_id or self.new_id("cb"),
            fleet=fleet,
            target=str(webhook["target"]),
            headers={a["key"]: a["value"] for a in webhook.get("attributes", ()) if a.get("type") == "Header"},
            label=str(body.get("label", "")),
            retries=int(policy.get("retryNumber", 3)) if policy.get("policy") == "Bounded" else 0,
            retry_delay_s=float(policy.get("retryDelay", 10)),
            batch_size=int(batch.get("size", 0)),
            batch_window_s=float(batch.get("timeWindow", 60)),
            subscribe=dict(body),
        )
        with self.lock:
            if (earlier := self.hooks.get(callback_id)) is not None:
                hook.status, hook.stored, hook.gathered = earlier.status, earlier.stored, earlier.gathered
            self.hooks[hook.callback_id] = hook
        return hook

    # ---- commands ---------------------------------------------------------------------------------------------

    def choose(self, vin: str, kind: Kind) -> tuple[Path, tuple[str, ...]]:
        """The path of a vehicle's next command: what a test asked for, what the vehicle's state asks for, or chance."""
        with self.lock:
            self.posts += 1
            for key in (vin, "*"):
                if self.forced[key]:
                    return paths.named(self.forced[key].popleft())
            if any(r.vin == vin and r.kind == kind and not r.is_over for r in self.remotes.values()):
                return PATHS["same_action"], ()
            if self._wakes[vin] >= self.wakeups_per_month:
                return PATHS["quota"], ()
            path, oddities = self.by_chance(vin)
            if path.name == "success" and self._awake_until.get(vin, 0) > time.monotonic():
                path = PATHS["success_awake"]
            return path, oddities

    def by_chance(self, vin: str) -> tuple[Path, tuple[str, ...]]:
        """What becomes of a command of which nobody asked for something else: the same for the same vehicles again."""
        self._count[vin] += 1
        chance = random.Random(f"{self.seed}:{vin}:{self._count[vin]}")  # noqa: S311 - the same again, not secret
        return paths.choose_path(chance), paths.choose_oddities(chance)

    def take(
        self,
        hook: Hook,
        fleet: str,
        vehicle_id: str,
        vin: str,
        kind: Kind,
        request: dict[str, Any],
        path: Path,
        oddities: tuple[str, ...],
    ) -> Remote:
        """Carries a command out along its path."""
        remote = Remote(self.new_id("ra"), hook.callback_id, fleet, vehicle_id, vin, kind, request)
        with self.lock:
            self.remotes[remote.id] = remote
        if any(oddity in ("disordered", "duplicated") for oddity in oddities):
            self._plan_together(hook, remote, path.steps, oddities)
            return remote
        after = 0.0
        for step in path.steps:
            after += step.after_s
            self._at(after, lambda step=step: self._happen(hook, remote, step, oddities))  # type: ignore[misc]
        return remote

    def _plan_together(
        self, hook: Hook, remote: Remote, steps: tuple[PathStep, ...], oddities: tuple[str, ...]
    ) -> None:
        """Steps that arrive together: disorder needs something to be out of order with."""
        after, events = 0.0, []

        def happen(step: PathStep) -> None:
            events.append(self._note(remote, step))

        for step in steps:
            after += step.after_s
            self._at(after, lambda step=step: happen(step))  # type: ignore[misc]
        self._at(after + 0.1, lambda: self._notify(hook, paths.arranged(events, oddities)))

    def _happen(self, hook: Hook, remote: Remote, step: PathStep, oddities: tuple[str, ...]) -> None:
        event = self._note(remote, step)
        if not step.is_kept_back:
            self._notify(hook, paths.arranged([event], oddities))

    def _note(self, remote: Remote, step: PathStep) -> dict[str, Any]:
        """Brings the vendor's record up to date and returns the notification."""
        with self.lock:
            remote.status, remote.cause, remote.feedback = step.status, step.cause, step.feedback
            remote.is_over = remote.is_over or step.type == "Done"
            if step.status == "WakingUpVehicle":
                self._wakes[remote.vin] += 1
            if step.status in ("SentToVehicle", "Success"):
                self._awake_until[remote.vin] = time.monotonic() + AWAKE_S / self.speed
        return step.notification(remote.id, remote.vin, remote.kind, datetime.now(UTC))

    # ---- notifying --------------------------------------------------------------------------------------------

    def _notify(self, hook: Hook, events: list[dict[str, Any]]) -> None:
        if hook.status != "Running":
            return
        if not hook.batch_size:
            for event in events:
                self._call(hook, _body(hook, [event]))
            return
        hook.gathered += events
        if len(hook.gathered) >= hook.batch_size:
            self._flush(hook)
        elif len(hook.gathered) == len(events):
            self._at(hook.batch_window_s, lambda: self._flush(hook))

    def _flush(self, hook: Hook) -> None:
        events, hook.gathered = hook.gathered, []
        if events:
            self._call(hook, _body(hook, events))

    def _call(self, hook: Hook, body: bytes, tries: int = 0) -> None:
        """One delivery; repeated by the retry policy, then stored until the next success releases all at once."""
        if post(hook, body):
            stored, hook.stored = hook.stored, []
            for earlier in stored:
                self._call(hook, earlier)
        elif tries < hook.retries:
            self._at(hook.retry_delay_s, lambda: self._call(hook, body, tries + 1))
        else:
            hook.stored.append(body)

    # ---- time -------------------------------------------------------------------------------------------------

    def _at(self, after_s: float, do: Callable[[], None]) -> None:
        with self._wake:
            heapq.heappush(self._due, (time.monotonic() + after_s / self.speed, next(self._order), do))
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._stopped and (not self._due or self._due[0][0] > time.monotonic()):
                    self._wake.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if self._stopped:
                    return
                do = heapq.heappop(self._due)[2]
            do()


def _body(hook: Hook, events: list[dict[str, Any]]) -> bytes:
    attributes = [{"key": "fleet", "value": hook.fleet}]
    return json.dumps({"callbackId": hook.callback_id, "attributes": attributes, "events": events}).encode()


def post(hook: Hook, body: bytes) -> bool:
    """Whether our side took it: 2xx within the time-out."""
    parts = urlsplit(hook.target)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=CALL_TIMEOUT_S)
    try:
        connection.request("POST", parts.path, body, {"Content-Type": "application/json", **hook.headers})
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def kind_in(request: Mapping[str, Any]) -> Kind | None:
    """The one action of a request; None when there is not exactly one."""
    keys = [key for key in request if key != "label"]
    if len(keys) != 1:
        return None
    return next((kind for kind in Kind if kind.value == keys[0]), None)
