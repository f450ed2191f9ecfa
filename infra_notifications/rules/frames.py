"""Frames of OCPP-J, and which call an answer belongs to. Pure.

| frame                               | what it is                              |
|-------------------------------------|-----------------------------------------|
| [2, id, action, payload]            | call                                    |
| [3, id, payload]                    | its result                              |
| [4, id, code, description, details] | its error                               |
| [5, id, code, description, details] | error of a result (2.1)                 |
| [6, id, action, payload]            | send: a call without an answer (2.1)    |
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from core.pieces import MALFORMED
from infra_notifications.ingest import OcppMessage
from infra_notifications.rules.action_names import CALL, ERROR, RESULT, known_action, with_message_id
from infra_notifications.rules.actions import ACTIONS
from infra_notifications.rules.frame_text import SIGNED, decoded, signed_content
from infra_notifications.rules.stations import asked_interval, interval_of
from infra_notifications.rules.vocabulary import object_of, whole

_KINDS = {2: CALL, 3: RESULT, 4: ERROR, 5: ERROR, 6: CALL}
# A call of the CSMS.
ORDER = "order"
MAX_ID = 150
TEXT = "It was JSON text and was read as what it says."
LISTED = "Its payload stood in a list and was read as what is in it."
NO_ID = "It has no message id, so that a repetition is not known as one."
# What an answer is called when nobody knows to what.
UNPAIRED = {RESULT: "CallResult", ERROR: "CallError"}
# Calls that a CSMS alone makes: they are no sign of their station's life.
_FROM_CSMS = """
    AFRRSignal AdjustPeriodicEventStream CancelReservation CertificateSigned ChangeAvailability
    ChangeConfiguration ChangeTransactionTariff ClearCache ClearChargingProfile ClearDERControl
    ClearDisplayMessage ClearTariffs ClearVariableMonitoring CostUpdated CustomerInformation DeleteCertificate
    ExtendedTriggerMessage GetBaseReport GetChargingProfiles GetCompositeSchedule GetConfiguration GetDERControl
    GetDiagnostics GetDisplayMessages GetInstalledCertificateIds GetLocalListVersion GetLog GetMonitoringReport
    GetPeriodicEventStream GetReport GetTariffs GetTransactionStatus GetVariables InstallCertificate
    NotifyAllowedEnergyTransfer NotifyWebPaymentStarted PublishFirmware RemoteStartTransaction
    RemoteStopTransaction RequestBatterySwap RequestStartTransaction RequestStopTransaction ReserveNow Reset
    SendLocalList SetChargingProfile SetDERControl SetDefaultTariff SetDisplayMessage SetMonitoringBase
    SetMonitoringLevel SetNetworkProfile SetVariableMonitoring SetVariables SignedUpdateFirmware TriggerMessage
    UnlockConnector UnpublishFirmware UpdateDynamicSchedule UpdateFirmware UsePriorityCharging
"""
FROM_CSMS = frozenset(_FROM_CSMS.split())
OF_CSMS = "A CSMS sends `{}`: it proves no life of the station."
# Both may call it, so that its answer may be the station's.
_OF_BOTH = "DataTransfer"


class HeardMessage(OcppMessage, kw_only=True):
    """A message that was a frame: what kind it is, is known, whether its station sent it, and what had to be done to
    read it, as a sentence. `notes` are those of `read_wire`, None where it has not read it yet. `interval_s` is what
    the whole of it tells of heartbeats. `proves_life`: its CSMS can have heard it."""

    kind: str = CALL
    from_station: bool = True
    note: str = ""
    notes: list[str] | None = None
    interval_s: int | None = None
    proves_life: bool = True

    @property
    def said_as(self) -> str:
        """What kind it is of what a station says: what a CSMS calls says nothing of the station, whatever it holds."""
        return self.kind if self.from_station or self.kind != CALL else ORDER


def is_said_by_csms(message: OcppMessage, kind: str) -> bool:
    """Whether a message is no word of its station: a call of its CSMS, or the answer to what the station called."""
    if kind == ORDER or (isinstance(message, HeardMessage) and not message.from_station):
        return True
    return kind != CALL and message.action in ACTIONS and message.action not in (*FROM_CSMS, _OF_BOTH)


def told_interval(message: OcppMessage) -> int | None:
    """The seconds between heartbeats that a message tells; what was cut when it was kept was looked at before."""
    known = message.interval_s if isinstance(message, HeardMessage) else None
    return interval_of(message.action, message.payload) if known is None else known


class MalformedFrame(ValueError):
    """It is no frame; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame; `action` is "" in answers. The payload of an error holds `errorCode` and `errorDescription`. `note` says
    what had to be done to read it."""

    kind: str
    id: str
    action: str
    payload: Any
    note: str = ""

    @property
    def is_answer(self) -> bool:
        return self.kind != CALL


def parse_frame(value: Any) -> Frame:
    """A decoded frame. Raises MalformedFrame."""
    value = with_message_id(value) if isinstance(value, list) else value
    if not isinstance(value, list) or len(value) < 3:
        raise MalformedFrame("A frame is an array such as [2, id, action, payload].")
    number = whole(value[0])
    kind = _KINDS.get(number) if number is not None else None
    if kind is None:
        raise MalformedFrame(f"A frame begins with its type, 2 to 6, not {str(value[0])[:20]!r}.")
    if isinstance(value[1], bool) or not isinstance(value[1], str | int | float | None):
        raise MalformedFrame("The second item of a frame must be its message id.")
    pk, note = ("", NO_ID) if value[1] is None else (str(value[1])[:MAX_ID], "")
    if kind == CALL:
        if not isinstance(value[2], str) or not value[2].strip():
            raise MalformedFrame("The third item of a call must be the name of its action.")
        payload, unwrapped = unwrap(value[3] if len(value) > 3 else {})
        return Frame(kind, pk, value[2], payload, note or unwrapped)
    if kind == RESULT:
        payload, unwrapped = unwrap(value[2])
        return Frame(kind, pk, "", payload, note or unwrapped)
    code, description = (*value[2:4], "")[:2]
    return Frame(kind, pk, "", {"errorCode": code, "errorDescription": description}, note)


def frame_in(value: Any) -> Frame:
    """A frame, also one that is text, or bytes as Node writes them in JSON. Raises MalformedFrame, MALFORMED."""
    if isinstance(value, dict) and value.get("type") == "Buffer" and isinstance(held := value.get("data"), list):
        value = bytes(each for each in held if type(each) is int and 0 <= each < 256).decode(errors="replace")
    if not isinstance(value, str):
        return parse_frame(value)
    said, note = decoded(value.encode(errors="replace"))
    frame = parse_frame(said)
    return replace(frame, note=note) if note else frame


def unwrap(payload: Any) -> tuple[Any, str]:
    """A payload that is JSON text, signed, or alone in a list, as what it says, and that this had to be done."""
    note = ""
    for _wrap in range(3):
        if isinstance(payload, str) and payload.lstrip()[:1] in ("{", "["):
            try:
                payload, note = decoded(payload.encode(errors="replace"))[0], TEXT
            except MALFORMED:
                break
        elif (content := signed_content(payload)) is not None:
            payload, note = content, SIGNED
        elif isinstance(payload, list) and len(payload) == 1 and isinstance(payload[0], dict | str):
            payload, note = payload[0], LISTED
        else:
            break
    return payload, note


class Call(NamedTuple):
    """What is remembered of a call until its answer comes; `at` in seconds, by whichever clock."""

    action: str
    connector: int | None
    at: float = 0.0
    interval_s: int | None = None

    @classmethod
    def of(cls, action: str, payload: Any, at: float = 0.0) -> Call:
        action = canonical_action(action)
        return cls(action, connector_in(payload), at, asked_interval(action, payload))


class OpenCalls:
    """The calls of one side that wait for their answers: seldom more than one, at most `most`."""

    __slots__ = ("_calls", "_most")

    def __init__(self, most: int = 16) -> None:
        self._most = most
        self._calls: OrderedDict[str, Call] = OrderedDict()

    def put(self, pk: str, call: Call) -> None:
        self._calls[pk] = call
        while len(self._calls) > self._most:
            self._calls.popitem(last=False)

    def take(self, pk: str) -> Call | None:
        return self._calls.pop(pk, None)


def connector_in(payload: Any) -> int | None:
    """The connector or EVSE of a call, which its answer does not repeat."""
    body = object_of(payload)
    for name in ("evseId", "connectorId", "evse_id", "connector_id"):
        if (number := whole(body.get(name))) is not None:
            return number
    return whole(object_of(body.get("evse")).get("id"))


def action_of_answer(payload: Any) -> str:
    """The action of an answer without its call, by what no other answer holds; "" where that says nothing."""
    names = object_of(payload).keys()
    if {"currentTime", "interval"} <= names:
        return "BootNotification"
    if "currentTime" in names:
        return "Heartbeat"
    return "StartTransaction" if {"transactionId", "idTagInfo"} <= names else ""


def canonical_action(name: str) -> str:
    """OCPP's own spelling of an action; as it is where OCPP has none of it."""
    found = known_action(name)
    return found[0] if found else name


def frames_in(values: Sequence[Any]) -> bool:
    """Whether an array is one frame, and no array of frames: it begins with a number, or a text that is one."""
    return bool(values) and not isinstance(values[0], list | Mapping) and whole(values[0]) is not None
