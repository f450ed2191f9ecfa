"""The vendor's own OpenAPI (Fleet Owner API 3.19.2), its facts of remotes in our words: what client and simulator must
keep to, so that the two cannot agree on an invention."""

from __future__ import annotations

import re
from dataclasses import dataclass

REMOTES = "/fleets/{fid}/vehicles/{vid}/callbacks/{cbid}/remotes"
CALLBACKS = "/fleets/{fid}/remote/callbacks"
PAGING = frozenset({"indexRange", "pageSize", "pageToken"})
LARGEST_PAGE = 60
RETRY_POLICIES = {"None", "Bounded"}
# What cannot be delivered is kept and tried again for three days at most.
KEPT_FOR_S = 3 * 24 * 3600
CALLBACK_STATUS = {"Running", "Paused", "Failed"}
REMOTE_STATUS = {
    *("Accepted", "Failed", "Success", "AlreadyDone", "WakingUpVehicle", "CheckingVehicle", "SentToVehicle"),
    *("VehicleBatteryChargeTooLow", "TooManyWakeUpsOverMonth"),
}
FIELDS_OF_PAGE = {"total", "totalPage", "currentPage", "_embedded", "_links"}
FIELDS_OF_CALLBACK = {"_links", "id", "subscribe", "status"}
FIELDS_OF_SUBSCRIPTION = {"label", "callback", "remoteTypes", "retryPolicy"}
# The least `batchNotify.timeWindow`.
SHORTEST_BATCH_S = 5
FIELDS_OF_REF = {"_links", "callbackId", "status"}
FIELDS_OF_ACTION = {"_links", "remoteActionId", "type", "remote", "status"}
FIELDS_OF_POSTED = {"_links", "remoteActionId", "type"}


@dataclass(frozen=True)
class Operation:
    """One of the API: how it is asked for and what its good answer holds."""

    method: str
    path: str
    ok: int
    answers: frozenset[str] | set[str]
    query: frozenset[str] = frozenset()
    # The name of the entries in `_embedded`, and the fields of each.
    holds: str = ""
    entry: frozenset[str] | set[str] = frozenset()

    def is_for(self, method: str, path: str) -> bool:
        pattern = re.sub(r"\{\w+\}", "[^/]+", self.path)
        return method == self.method and re.fullmatch(pattern, path) is not None


VEHICLES = "/fleets/{fid}/vehicles"
PRIVACY = {"None", "Geolocation", "Full"}

OPERATIONS = {
    "getFleets": Operation("GET", "/fleets", 200, FIELDS_OF_PAGE, PAGING - {"indexRange"}, "fleets", {"_links", "id"}),
    "getVehiclesByDevice": Operation(
        "GET",
        VEHICLES,
        200,
        FIELDS_OF_PAGE,
        (PAGING - {"indexRange"}) | {"locale", "extension", "vinPrefix"},
        "vehicles",
        {"_links", "id", "vin"},
    ),
    "getVehicleByid": Operation("GET", VEHICLES + "/{vid}", 200, {"_links"}, frozenset({"locale", "extension"})),
    "getFleetVehicleStatus": Operation(
        "GET", VEHICLES + "/{vid}/status", 200, {"_links", "createdAt", "vin"}, frozenset({"profile"})
    ),
    "getFleetRemotes": Operation(
        "GET", CALLBACKS, 200, FIELDS_OF_PAGE, PAGING | {"remoteType"}, "callbacks", FIELDS_OF_CALLBACK
    ),
    "setFleetVehicleRemote": Operation("POST", CALLBACKS, 200, FIELDS_OF_REF),
    "getFleetRemotebyId": Operation("GET", CALLBACKS + "/{cbid}", 200, FIELDS_OF_CALLBACK),
    "setFleetVehicleRemoteById": Operation("PUT", CALLBACKS + "/{cbid}", 202, FIELDS_OF_REF),
    "setFleeRemoteCallbackStatus": Operation("PUT", CALLBACKS + "/{cbid}/status", 202, FIELDS_OF_REF),
    "sendRemoteToVhl": Operation("POST", REMOTES, 202, FIELDS_OF_POSTED),
    "getRemoteRequestsForVhl": Operation(
        "GET", REMOTES, 200, FIELDS_OF_PAGE, PAGING, "remoteActions", FIELDS_OF_ACTION
    ),
    "getRemoteRequestForVhlById": Operation("GET", REMOTES + "/{rid}", 200, FIELDS_OF_ACTION),
    "deleteFleetRemote": Operation("DELETE", CALLBACKS + "/{cbid}", 204, frozenset()),
}
