"""The actions of OCPP 1.6, 2.0.1 and 2.1, and what the payload of each request must hold.

Facts of the published schemas of these versions (1.6 with its security extension): the names of the requests and their
required fields. The test compares the table with the schemas that the package `ocpp` carries. OCPP 1.5 has a part of
1.6's actions with the same fields.
"""

from __future__ import annotations

import difflib
from collections.abc import Set

KNOWN_VERSIONS = ("1.6", "2.0.1", "2.1")
# Action | versions: required fields | versions with others: their required fields
_TABLE = """
    AFRRSignal | 2.1: signal timestamp
    AdjustPeriodicEventStream | 2.1: id params
    Authorize | 1.6: idTag | 2.0.1 2.1: idToken
    BatterySwap | 2.1: batteryData eventType idToken requestId
    BootNotification | 1.6: chargePointModel chargePointVendor | 2.0.1 2.1: chargingStation reason
    CancelReservation | 1.6 2.0.1 2.1: reservationId
    CertificateSigned | 1.6 2.0.1 2.1: certificateChain
    ChangeAvailability | 1.6: connectorId type | 2.0.1 2.1: operationalStatus
    ChangeConfiguration | 1.6: key value
    ChangeTransactionTariff | 2.1: tariff transactionId
    ClearCache | 1.6 2.0.1 2.1:
    ClearChargingProfile | 1.6 2.0.1 2.1:
    ClearDERControl | 2.1: isDefault
    ClearDisplayMessage | 2.0.1 2.1: id
    ClearTariffs | 2.1:
    ClearVariableMonitoring | 2.0.1 2.1: id
    ClearedChargingLimit | 2.0.1 2.1: chargingLimitSource
    ClosePeriodicEventStream | 2.1: id
    CostUpdated | 2.0.1 2.1: totalCost transactionId
    CustomerInformation | 2.0.1 2.1: clear report requestId
    DataTransfer | 1.6 2.0.1 2.1: vendorId
    DeleteCertificate | 1.6 2.0.1 2.1: certificateHashData
    DiagnosticsStatusNotification | 1.6: status
    ExtendedTriggerMessage | 1.6: requestedMessage
    FirmwareStatusNotification | 1.6 2.0.1 2.1: status
    Get15118EVCertificate | 2.0.1 2.1: action exiRequest iso15118SchemaVersion
    GetBaseReport | 2.0.1 2.1: reportBase requestId
    GetCertificateChainStatus | 2.1: certificateStatusRequests
    GetCertificateStatus | 2.0.1 2.1: ocspRequestData
    GetChargingProfiles | 2.0.1 2.1: chargingProfile requestId
    GetCompositeSchedule | 1.6: connectorId duration | 2.0.1 2.1: duration evseId
    GetConfiguration | 1.6:
    GetDERControl | 2.1: requestId
    GetDiagnostics | 1.6: location
    GetDisplayMessages | 2.0.1 2.1: requestId
    GetInstalledCertificateIds | 1.6: certificateType | 2.0.1 2.1:
    GetLocalListVersion | 1.6 2.0.1 2.1:
    GetLog | 1.6 2.0.1 2.1: log logType requestId
    GetMonitoringReport | 2.0.1 2.1: requestId
    GetPeriodicEventStream | 2.1:
    GetReport | 2.0.1 2.1: requestId
    GetTariffs | 2.1: evseId
    GetTransactionStatus | 2.0.1 2.1:
    GetVariables | 2.0.1 2.1: getVariableData
    Heartbeat | 1.6 2.0.1 2.1:
    InstallCertificate | 1.6 2.0.1 2.1: certificate certificateType
    LogStatusNotification | 1.6 2.0.1 2.1: status
    MeterValues | 1.6: connectorId meterValue | 2.0.1 2.1: evseId meterValue
    NotifyAllowedEnergyTransfer | 2.1: allowedEnergyTransfer transactionId
    NotifyChargingLimit | 2.0.1 2.1: chargingLimit
    NotifyCustomerInformation | 2.0.1 2.1: data generatedAt requestId seqNo
    NotifyDERAlarm | 2.1: controlType timestamp
    NotifyDERStartStop | 2.1: controlId started timestamp
    NotifyDisplayMessages | 2.0.1 2.1: requestId
    NotifyEVChargingNeeds | 2.0.1 2.1: chargingNeeds evseId
    NotifyEVChargingSchedule | 2.0.1 2.1: chargingSchedule evseId timeBase
    NotifyEvent | 2.0.1 2.1: eventData generatedAt seqNo
    NotifyMonitoringReport | 2.0.1 2.1: generatedAt requestId seqNo
    NotifyPeriodicEventStream | 2.1: basetime data id pending
    NotifyPriorityCharging | 2.1: activated transactionId
    NotifyReport | 2.0.1 2.1: generatedAt requestId seqNo
    NotifySettlement | 2.1: pspRef settlementAmount settlementTime status
    NotifyWebPaymentStarted | 2.1: evseId timeout
    OpenPeriodicEventStream | 2.1: constantStreamData
    PublishFirmware | 2.0.1 2.1: checksum location requestId
    PublishFirmwareStatusNotification | 2.0.1 2.1: status
    PullDynamicScheduleUpdate | 2.1: chargingProfileId
    RemoteStartTransaction | 1.6: idTag
    RemoteStopTransaction | 1.6: transactionId
    ReportChargingProfiles | 2.0.1 2.1: chargingLimitSource chargingProfile evseId requestId
    ReportDERControl | 2.1: requestId
    RequestBatterySwap | 2.1: idToken requestId
    RequestStartTransaction | 2.0.1 2.1: idToken remoteStartId
    RequestStopTransaction | 2.0.1 2.1: transactionId
    ReservationStatusUpdate | 2.0.1 2.1: reservationId reservationUpdateStatus
    ReserveNow | 1.6: connectorId expiryDate idTag reservationId | 2.0.1 2.1: expiryDateTime id idToken
    Reset | 1.6 2.0.1 2.1: type
    SecurityEventNotification | 1.6 2.0.1 2.1: timestamp type
    SendLocalList | 1.6: listVersion updateType | 2.0.1 2.1: updateType versionNumber
    SetChargingProfile | 1.6: connectorId csChargingProfiles | 2.0.1 2.1: chargingProfile evseId
    SetDERControl | 2.1: controlId controlType isDefault
    SetDefaultTariff | 2.1: evseId tariff
    SetDisplayMessage | 2.0.1 2.1: message
    SetMonitoringBase | 2.0.1 2.1: monitoringBase
    SetMonitoringLevel | 2.0.1 2.1: severity
    SetNetworkProfile | 2.0.1 2.1: configurationSlot connectionData
    SetVariableMonitoring | 2.0.1 2.1: setMonitoringData
    SetVariables | 2.0.1 2.1: setVariableData
    SignCertificate | 1.6 2.0.1 2.1: csr
    SignedFirmwareStatusNotification | 1.6: status
    SignedUpdateFirmware | 1.6: firmware requestId
    StartTransaction | 1.6: connectorId idTag meterStart timestamp
    StatusNotification | 1.6: connectorId errorCode status | 2.0.1 2.1: connectorId connectorStatus evseId timestamp
    StopTransaction | 1.6: meterStop timestamp transactionId
    TransactionEvent | 2.0.1 2.1: eventType seqNo timestamp transactionInfo triggerReason
    TriggerMessage | 1.6 2.0.1 2.1: requestedMessage
    UnlockConnector | 1.6: connectorId | 2.0.1 2.1: connectorId evseId
    UnpublishFirmware | 2.0.1 2.1: checksum
    UpdateDynamicSchedule | 2.1: chargingProfileId scheduleUpdate
    UpdateFirmware | 1.6: location retrieveDate | 2.0.1 2.1: firmware requestId
    UsePriorityCharging | 2.1: activate transactionId
    VatNumberValidation | 2.1: vatNumber
"""


def _read(table: str) -> dict[str, dict[str, frozenset[str]]]:
    actions: dict[str, dict[str, frozenset[str]]] = {}
    for line in table.strip().splitlines():
        action, *groups = (part.strip() for part in line.split("|"))
        for group in groups:
            versions, _, fields = group.partition(":")
            actions.setdefault(action, {}).update(dict.fromkeys(versions.split(), frozenset(fields.split())))
    return actions


# Action → version → required fields.
ACTIONS = _read(_TABLE)
# The fields that any request must hold.
REQUIRED_ANYWHERE = frozenset().union(*(fields for versions in ACTIONS.values() for fields in versions.values()))

# By these fields alone the generation of a message is known, whatever its label says and else it lacks.
_MARKS: dict[str, dict[str, set[str]]] = {
    "StatusNotification": {
        "1.6": {"errorCode", "status", "vendorErrorCode", "vendorId", "info"},
        "2.0.1": {"connectorStatus", "evseId"},
    },
    "BootNotification": {
        "1.6": {"chargePointVendor", "chargePointModel", "chargePointSerialNumber"},
        "2.0.1": {"chargingStation"},
    },
}


def version_of(action: str, labelled: str, keys: Set[str]) -> str:
    """The version whose message it is by the fields that it has; that of its label where they say nothing else."""
    versions = ACTIONS[action]
    own = versions.get(labelled)
    if own is not None and own <= keys:
        return labelled
    marked = [
        (len(keys & marks), version == labelled, version)
        for version, marks in _MARKS.get(action, {}).items()
        if keys & marks
    ]
    if marked:
        version = max(marked)[2]
    else:
        fitting = (version for version, fields in versions.items() if fields <= keys)
        version = next(fitting, labelled if own is not None else next(iter(versions)))
    return labelled if version == "2.0.1" and labelled == "2.1" and own is not None else version


def missing_fields(action: str, version: str, payload: dict[str, object]) -> list[str]:
    """The required fields that a payload lacks, by its own version or else by the one that it comes nearest to."""
    versions = ACTIONS[action]
    own = versions.get(version)
    if own is not None and own <= payload.keys():
        return []
    lacking = [sorted(fields - payload.keys()) for fields in versions.values()]
    nearest = min(lacking, key=len)
    return sorted(own - payload.keys()) if own is not None and nearest else nearest


def nearest_action(text: str) -> str:
    """The action whose name is most like a text."""
    by_name = {name.lower(): name for name in ACTIONS}
    return by_name[difflib.get_close_matches(text.lower(), by_name, n=1, cutoff=0.0)[0]]
