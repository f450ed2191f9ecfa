"""All 194 requests of OCPP 1.6, 2.0.1 and 2.1, made from the schemas that the package `ocpp` carries: none is lost."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import ocpp
import pytest

from infra_notifications.choices import MessageVerdict
from infra_notifications.models import ChargePointMessage
from infra_notifications.rules.actions import ACTIONS, KNOWN_VERSIONS
from infra_notifications.rules.frames import FROM_CSMS, OF_CSMS
from infra_notifications.rules.spelling import is_exact
from tests.conftest import ApiClient
from tests.infra_notifications.helpers import station

pytestmark = pytest.mark.django_db
FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
ROUNDS, AT_ONCE, STATIONS = 16, 500, 10
TEXT = "abc Köln 7 °C µA E-01"


@cache
def requests() -> dict[tuple[str, str], dict[str, Any]]:
    """(version, action) → the schema of its request."""
    found = {}
    for version, folder in FOLDERS.items():
        for path in sorted((Path(ocpp.__file__).parent / folder / "schemas").glob("*.json")):
            if not path.stem.endswith("Response"):
                schema = json.loads(path.read_text(encoding="utf-8-sig"))
                found[version, path.stem.removesuffix("Request")] = schema
    return found


class Maker:
    """Makes values of a schema: what is required, and of the rest something."""

    def __init__(self, schema: dict[str, Any], chance: random.Random) -> None:
        self.schema, self.chance = schema, chance

    def make(self, part: dict[str, Any] | None = None, depth: int = 0) -> Any:
        part = self.schema if part is None else part
        while "$ref" in part:
            part = self.schema["definitions"][part["$ref"].rpartition("/")[2]]
        if "enum" in part:
            return self.chance.choice(part["enum"])
        kind = part.get("type", "object" if "properties" in part else "string")
        make = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._integer,
            "number": self._number,
            "boolean": self._boolean,
        }[kind]
        return make(part, depth)

    def _object(self, part: dict[str, Any], depth: int) -> dict[str, Any]:
        needed = part.get("required", ())
        given = [n for n in part.get("properties", ()) if n in needed or (depth < 4 and self.chance.random() < 0.4)]
        return {name: self.make(part["properties"][name], depth + 1) for name in given}

    def _array(self, part: dict[str, Any], depth: int) -> list[Any]:
        least, most = part.get("minItems", 0), part.get("maxItems", 3)
        count = self.chance.randint(least, max(least, min(most, least + 2)))
        return [self.make(part["items"], depth + 1) for _item in range(count)]

    def _string(self, part: dict[str, Any], depth: int) -> str:
        if part.get("format") == "date-time":
            return datetime.now(UTC).isoformat()
        if part.get("format") == "uri":
            return "https://example.org/x"
        return TEXT[: min(part.get("maxLength", 20), self.chance.randint(1, len(TEXT)))]

    def _integer(self, part: dict[str, Any], _depth: int) -> int:
        least = int(part.get("minimum", 0))
        return self.chance.randint(least, int(part.get("maximum", least + 3)))

    def _number(self, part: dict[str, Any], depth: int) -> float:
        return self._integer(part, depth) + self.chance.choice((0, 0.5)) * ("maximum" not in part)

    def _boolean(self, _part: dict[str, Any], _depth: int) -> bool:
        return self.chance.random() < 0.5


def test_the_table_of_actions_says_what_the_schemas_say() -> None:
    assert set(FOLDERS) == set(KNOWN_VERSIONS)
    published = {(version, action): set(schema.get("required", ())) for (version, action), schema in requests().items()}
    assert len(published) == 194
    assert {(v, action): set(f) for action, versions in ACTIONS.items() for v, f in versions.items()} == published


def test_every_request_is_taken_and_what_was_made_of_it_is_listed(api: ApiClient) -> None:
    chance = random.Random(14)
    points = [point for number in range(STATIONS) for point in station(f"CP-{number}", points=4)]
    messages = []
    for number, ((version, action), schema) in enumerate(list(requests().items()) * ROUNDS):
        payload = Maker(schema, chance).make()
        protocol = f"ocpp{version}"
        messages.append(
            {"id": f"m{number}", "station": f"CP-{number % STATIONS}", "protocol": protocol, "action": action}
            | {"payload": payload, "connector": 1}
        )
    assert len(messages) >= 3_000
    accepted, rejected = 0, Counter[str]()
    for start in range(0, len(messages), AT_ONCE):
        answer = api.post("/charging/messages", messages[start : start + AT_ONCE])
        assert answer.status_code == 202, answer.content
        told = answer.json()
        accepted += told["accepted"]
        # What is not met by the first look is read with pains, which find nothing to correct. Of two moments that were
        # made for one device the later one may stand in front. What a CSMS sends is no word of the station.
        for entry in told["warnings"]:
            action = messages[start + entry["index"]]["action"]
            is_of_csms = action in FROM_CSMS and entry["warning"] == OF_CSMS.format(action)
            assert is_of_csms or "clock" in entry["warning"], entry
        assert told["duplicates"] == 0
        for entry in told["rejected"]:
            message = messages[start + entry["index"]]
            # A connector or EVSE that is not listed is the only reason.
            assert entry["error"].startswith("Unknown station CP-"), (entry, message)
            rejected[message["action"]] += 1
    assert accepted > len(messages) * 0.8, rejected.most_common(10)
    stored = ChargePointMessage.objects.all()
    assert stored.count() == accepted
    assert set(stored.values_list("verdict", flat=True)) <= set(MessageVerdict.values)
    assert {tuple(row) for row in stored.values_list("protocol", "action")} == {
        (f"ocpp{version}", action) for version, action in requests()
    }
    listed = {row["id"] for point in points for row in listed_of(api, point.evse_id)}
    assert listed == set(stored.values_list("pk", flat=True))


def listed_of(api: ApiClient, evse_id: str) -> Iterator[dict[str, Any]]:
    """The message list of a charge point, page by page; each row says what was made of it."""
    cursor = ""
    while cursor is not None:
        page = api.get(f"/charging/messages?charge_point={evse_id}&limit=200" + (f"&cursor={cursor}" if cursor else ""))
        cursor = page.json()["next"]
        for row in page.json()["items"]:
            assert row["verdict"] in MessageVerdict.values
            assert row["findings"] or row["verdict"] == MessageVerdict.SEEN
            yield row


@pytest.mark.parametrize("version", FOLDERS)
def test_what_comes_most_often_costs_no_more_than_a_look(version: str) -> None:
    chance = random.Random(7)
    mine = {action: schema for (v, action), schema in requests().items() if v == version}
    for action in {"Heartbeat", "StatusNotification", "NotifyEvent"} & mine.keys():
        assert is_exact(f"ocpp{version}", action, Maker(mine[action], chance).make()), action
