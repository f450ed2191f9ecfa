"""Pages of charging infrastructure notifications, one file per noun."""

from infra_notifications.views.charge_points import (
    ChargePointList,
    UnknownList,
    charge_point,
    charge_points_csv,
    import_confirm,
    import_job,
    import_start,
    unknown_adopt,
)
from infra_notifications.views.groups import (
    GroupDeliveries,
    GroupIncidents,
    GroupList,
    GroupMembers,
    group_configuration,
    group_delete,
    group_edit,
    group_member_remove,
    group_test,
)
from infra_notifications.views.incidents import IncidentList, incident, incident_close
from infra_notifications.views.rules import RuleList, UnmappedList, rule_try, unmapped_decide
from infra_notifications.views.wizard import (
    WizardChargePoints,
    wizard_change,
    wizard_confirm,
    wizard_discard,
    wizard_mark,
    wizard_name,
    wizard_start,
)

__all__ = [
    "ChargePointList",
    "GroupDeliveries",
    "GroupIncidents",
    "GroupList",
    "GroupMembers",
    "IncidentList",
    "RuleList",
    "UnknownList",
    "UnmappedList",
    "WizardChargePoints",
    "charge_point",
    "charge_points_csv",
    "group_configuration",
    "group_delete",
    "group_edit",
    "group_member_remove",
    "group_test",
    "import_confirm",
    "import_job",
    "import_start",
    "incident",
    "incident_close",
    "rule_try",
    "unknown_adopt",
    "unmapped_decide",
    "wizard_change",
    "wizard_confirm",
    "wizard_discard",
    "wizard_mark",
    "wizard_name",
    "wizard_start",
]
