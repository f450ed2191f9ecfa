"""The three roles: exactly what each may do in each app; a role includes the lesser ones."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.test import Client

from core.roles import ADMINISTRATOR, OPERATOR, ROLES, VIEWER, grant
from tests.vehicles.roles import GRANTS as VEHICLES

pytestmark = pytest.mark.django_db
ALL = ("view", "add", "change", "delete")


CHANGES = ("add", "change", "delete")


def each(models: str, *actions: str) -> set[str]:
    """Codenames such as view_chargepoint, of each model and action."""
    return {f"{action}_{model}" for model in models.split() for action in actions}


SEEN = (
    "chargepoint chargepointstate chargepointmessage unknownchargepoint notificationgroup groupaddress groupmembership"
    " incident notificationdecision eventrule unmappedreport acknowledgement incidententry flapping maintenancewindow"
    " maintenancetarget source stationconnection statusperiod ocpproute movedstation ocpiparty ocpilocation ocpievse"
)
BIKES = (
    "program cyclist registration pass subscription stationfavorite station lockbox lockboxstate bike dock trip"
    " terminationrequest zone telemetrymessage bikestate feedsource"
)
# What a role may do beyond the role before it, by app.
GRANTS: dict[str, dict[str, set[str]]] = {
    VIEWER: {
        "infra_notifications": each(SEEN, "view"),
        "outbox": each(
            "event delivery attempt address banner healthalert topiclist topiclistaddress topicdecision", "view"
        )
        | each("webhookendpoint", "view"),
        "bikeshare": each(BIKES, "view"),
    },
    OPERATOR: {
        "infra_notifications": each(
            "notificationgroup groupaddress groupmembership maintenancewindow maintenancetarget",
            "add",
            "change",
            "delete",
        )
        | {"close_incident", "acknowledge_incident"},
        "outbox": {"retry_delivery", "operate_webhookendpoint"}
        | each("topiclist topiclistaddress", "add", "change", "delete"),
        "console": {"share_savedsearch", "see_personal_data"},
        "bikeshare": {"close_trip", "validate_abonnement", "block_cyclist", "service_vehicule", "send_sample"},
    },
    ADMINISTRATOR: {
        "infra_notifications": each(
            "chargepoint eventrule unknownchargepoint unmappedreport ocpproute movedstation ocpiparty",
            "add",
            "change",
            "delete",
        )
        | each("groupdraft", "view", "delete")
        | {"change_source"},
        "bikeshare": each("program feedsource", *CHANGES),
        "outbox": each("address", "change", "delete") | {"erase_address"} | each("webhookendpoint", *CHANGES),
        "console": each("apikey", *ALL)
        | each("signoflife job undo columnchoice savedsearch facetcensus facetcount knownvalue", "view")
        | each("savedsearch", "change", "delete")
        | each("columnchoice", "delete"),
        "auth": each("user group", *ALL),
        "auditlog": each("logentry", "view"),
        "axes": each("accessattempt", "view", "delete") | each("accesslog", "view"),
        "django_celery_beat": each("periodictask intervalschedule crontabschedule solarschedule clockedschedule", *ALL),
    },
}
for _role, _names in VEHICLES.items():
    GRANTS[_role]["vehicles"] = _names


def granted(role: str) -> set[str]:
    found = Permission.objects.filter(group__name=role).select_related("content_type")
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in found}


def test_there_are_three_roles() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == {"viewer", "operator", "administrator"}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_exactly_this(role: str) -> None:
    included = ROLES[: ROLES.index(role) + 1]
    wanted = {f"{app}.{name}" for one in included for app, names in GRANTS[one].items() for name in names}
    # The other sources say in their own tests what a role may there.
    apps = {app for grants in GRANTS.values() for app in grants}
    assert {name for name in granted(role) if name.partition(".")[0] in apps} == wanted


def test_a_role_includes_the_lesser_ones() -> None:
    assert granted(VIEWER) < granted(OPERATOR) < granted(ADMINISTRATOR)


def test_a_viewer_changes_nothing() -> None:
    assert {name.partition(".")[2].partition("_")[0] for name in granted(VIEWER)} == {"view"}


def test_nobody_may_change_the_audit_log_or_what_the_system_wrote() -> None:
    written = (
        "logentry",
        "event",
        "delivery",
        "attempt",
        "incident",
        "notificationdecision",
        "chargepointmessage",
        "accesslog",
    )
    for role in ROLES:
        names = [name.partition(".")[2].partition("_") for name in granted(role)]
        verbs = {verb for verb, _sep, model in names if model in written}
        assert verbs <= {"view", "close", "acknowledge", "retry"}


def test_an_unknown_permission_stops_the_migration_that_grants_it() -> None:
    with pytest.raises(LookupError, match="console has no permission fly_apikey"):
        grant(apps, "console", {VIEWER: ["fly_apikey", "view_apikey"]})


def test_granting_again_changes_nothing() -> None:
    before = granted(ADMINISTRATOR)
    grant(apps, "auth", {ADMINISTRATOR: ["view_user"]})
    assert granted(ADMINISTRATOR) == before


def test_the_menu_shows_what_a_role_may_open(
    nobody: Client, viewer: Client, operator: Client, administrator: Client
) -> None:
    def menu(client: Client) -> set[str]:
        return {str(entry.label) for _label, entries in client.get("/").context["menu"] for entry in entries}

    assert menu(nobody) == {"Dashboard"}
    assert menu(viewer) == menu(operator)
    assert menu(administrator) - menu(operator) == {"API keys", "Audit log", "Erase an address", "Report on a person"}
    assert "Incidents" in menu(viewer)


def test_administration_shows_for_those_who_may_enter_it(operator: Client, administrator: Client) -> None:
    assert 'href="/admin/"' in administrator.get("/").content.decode()
    assert 'href="/admin/"' not in operator.get("/").content.decode()


def test_a_role_given_or_taken_counts_from_the_next_request(nobody: Client) -> None:
    from django.contrib.auth.models import User

    user, viewers = User.objects.get(), Group.objects.get(name=VIEWER)
    url = "/outbox/deliveries/"
    assert nobody.get(url).status_code == 403
    user.groups.add(viewers)
    assert nobody.get(url).status_code == 200
    user.groups.remove(viewers)
    assert nobody.get(url).status_code == 403


def test_without_a_role_the_dashboard_says_whom_to_ask(nobody: Client) -> None:
    assert "Ask an administrator" in nobody.get("/").content.decode()
