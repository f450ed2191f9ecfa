"""Charge points, incidents and groups: storage, the values that searches know, the rules, and what each role may do."""

import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import core.encryption
import infra_notifications.models.groups
from core.roles import ADMINISTRATOR, OPERATOR, VIEWER, grant
from infra_notifications.choices import Case
from infra_notifications.migrations._rules import RULES

# Room on each page for new versions of a row, and a vacuum that keeps up: most rows change every few minutes.
HOT = """
ALTER TABLE infra_notifications_chargepointstate SET (
  fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0
)
"""

# A state row keeps beside what is written, whoever writes it: when the sweep looks at it (at its deadline, or before it,
# for a deadline that moves on does not move this); since when it is known; and when it said that it is out of order.
# One trigger for updates, since most of them are signs of life, and each trigger that is asked costs them a microsecond.
SWEEP_MOVES = """(NEW.silent_at IS NULL) <> (NEW.sweep_at IS NULL) OR NEW.silent_at < NEW.sweep_at
  OR NEW.sweep_at <= NEW.last_seen"""
OUT = "lower({row}.status) IN ('faulted', 'unavailable')"
OUTAGE_TURNS = f"OLD.status <> NEW.status AND ({OUT.format(row='OLD')} OR {OUT.format(row='NEW')})"
STATE = f"""
CREATE FUNCTION signalbox_begin_period(point bigint, status text, began timestamptz) RETURNS void LANGUAGE sql AS $$
INSERT INTO infra_notifications_statusperiod (charge_point_id, status, began_at) VALUES (point, status, began) $$;

CREATE FUNCTION signalbox_new_state() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
NEW.sweep_at := NEW.silent_at; NEW.first_seen := coalesce(NEW.first_seen, NEW.last_seen); RETURN NEW; END $$;

CREATE FUNCTION signalbox_first_period() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
PERFORM signalbox_begin_period(NEW.charge_point_id, NEW.status, coalesce(NEW.status_at, now())); RETURN NULL; END $$;

CREATE FUNCTION signalbox_changed_state() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF {SWEEP_MOVES} THEN NEW.sweep_at := NEW.silent_at; END IF;
IF NEW.first_seen IS NULL THEN NEW.first_seen := NEW.last_seen; END IF;
IF {OUTAGE_TURNS} THEN
  UPDATE infra_notifications_statusperiod SET ended_at = greatest(began_at, coalesce(NEW.status_at, now()))
  WHERE charge_point_id = NEW.charge_point_id AND ended_at IS NULL;
  IF {OUT.format(row="NEW")} THEN
    PERFORM signalbox_begin_period(NEW.charge_point_id, NEW.status, coalesce(NEW.status_at, now()));
  END IF;
END IF;
RETURN NEW; END $$;

CREATE TRIGGER keep_state BEFORE INSERT ON infra_notifications_chargepointstate FOR EACH ROW
EXECUTE FUNCTION signalbox_new_state();

CREATE TRIGGER keep_first_period AFTER INSERT ON infra_notifications_chargepointstate FOR EACH ROW
WHEN ({OUT.format(row="NEW")}) EXECUTE FUNCTION signalbox_first_period();

CREATE TRIGGER keep_changed_state BEFORE UPDATE ON infra_notifications_chargepointstate FOR EACH ROW
WHEN ({SWEEP_MOVES} OR NEW.first_seen IS NULL AND NEW.last_seen IS NOT NULL OR {OUTAGE_TURNS})
EXECUTE FUNCTION signalbox_changed_state();
"""  # noqa: S608 - our own text alone
NO_STATE = """
DROP TRIGGER keep_state ON infra_notifications_chargepointstate;
DROP TRIGGER keep_first_period ON infra_notifications_chargepointstate;
DROP TRIGGER keep_changed_state ON infra_notifications_chargepointstate;
DROP FUNCTION signalbox_new_state();
DROP FUNCTION signalbox_first_period();
DROP FUNCTION signalbox_changed_state();
DROP FUNCTION signalbox_begin_period(bigint, text, timestamptz);
"""

POINT, POINT_STATE = "infra_notifications_chargepoint", "infra_notifications_chargepointstate"
# What processes remember of charge points (`services.directory`) is told of every change.
ASKED = ("evse_id", "station", "connector", "expected_interval_s", "vendor")


def _asked_of(row: str) -> str:
    return "({})".format(", ".join(f"{row}.{column}" for column in ASKED))


DIRECTORY = f"""
CREATE FUNCTION signalbox_directory_changed() RETURNS void LANGUAGE sql AS $$
DELETE FROM infra_notifications_directorychange WHERE id IN (
  SELECT id FROM infra_notifications_directorychange ORDER BY id FOR UPDATE SKIP LOCKED);
INSERT INTO infra_notifications_directorychange (id) VALUES (gen_random_uuid()) $$;

CREATE FUNCTION signalbox_points_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF TG_OP <> 'UPDATE' THEN
  PERFORM signalbox_directory_changed();
ELSIF EXISTS (SELECT 1 FROM new_rows JOIN old_rows USING (id)
    WHERE {_asked_of("new_rows")} IS DISTINCT FROM {_asked_of("old_rows")}) THEN
  PERFORM signalbox_directory_changed();
END IF;
RETURN NULL; END $$;

CREATE TRIGGER tell_new_points AFTER INSERT OR DELETE ON {POINT}
FOR EACH STATEMENT EXECUTE FUNCTION signalbox_points_changed();

CREATE TRIGGER tell_changed_points AFTER UPDATE ON {POINT}
REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION signalbox_points_changed();
"""  # noqa: S608 - our own text alone
NO_DIRECTORY = f"""
DROP TRIGGER tell_new_points ON {POINT};
DROP TRIGGER tell_changed_points ON {POINT};
DROP FUNCTION signalbox_points_changed();
DROP FUNCTION signalbox_directory_changed();
"""
KEPT = {
    POINT: ("city", "country", "operator", "vendor", "model", "firmware", "connector_standard"),
    POINT_STATE: ("ocpp_version",),
}
# Ordered, so that two imports that bring the same new values wait for each other in the same order.
KEEP = """
INSERT INTO console_knownvalue ("column", value)
SELECT DISTINCT found.kept_as, found.value FROM {source}
WHERE found.value <> '' AND NOT EXISTS (
  SELECT 1 FROM console_knownvalue known WHERE known."column" = found.kept_as AND known.value = found.value
) ORDER BY 1, 2 ON CONFLICT DO NOTHING
"""


def _triggers(table: str) -> str:
    def values_of(row: str) -> str:
        pairs = ", ".join(f"('{table}.{column}', {row}.{column})" for column in KEPT[table])
        return f"(VALUES {pairs}) AS found(kept_as, value)"

    short = table.removeprefix("infra_notifications_")
    return f"""
CREATE FUNCTION signalbox_keep_new_{short}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
{KEEP.format(source=f"new_rows, LATERAL {values_of('new_rows')}")}; RETURN NULL; END $$;

CREATE FUNCTION signalbox_keep_changed_{short}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
{KEEP.format(source=values_of("NEW"))}; RETURN NULL; END $$;

CREATE TRIGGER keep_new_values AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION signalbox_keep_new_{short}();

CREATE TRIGGER keep_changed_values AFTER UPDATE OF {", ".join(KEPT[table])} ON {table} FOR EACH ROW
WHEN ({" OR ".join(f"OLD.{column} <> NEW.{column}" for column in KEPT[table])})
EXECUTE FUNCTION signalbox_keep_changed_{short}();
"""


def _no_triggers(table: str) -> str:
    short = table.removeprefix("infra_notifications_")
    return f"""
DROP TRIGGER keep_new_values ON {table};
DROP TRIGGER keep_changed_values ON {table};
DROP FUNCTION signalbox_keep_new_{short}();
DROP FUNCTION signalbox_keep_changed_{short}();
"""


# How frequent a text is, PostgreSQL estimates by so many rows that it has put by (its own default is 100). What goes
# together in a charge point, it cannot know without being told to look.
ESTIMATES = f"""
ALTER TABLE {POINT} ALTER COLUMN search_text SET STATISTICS 1000;
CREATE STATISTICS chargepoint_technique (mcv) ON power_type, max_power_kw, connector_standard FROM {POINT};
"""
NO_ESTIMATES = f"""
ALTER TABLE {POINT} ALTER COLUMN search_text SET STATISTICS -1;
DROP STATISTICS chargepoint_technique;
"""


def seed(apps, schema_editor):
    model = apps.get_model("infra_notifications", "EventRule")
    for fields in RULES:
        model.objects.get_or_create(name=fields["name"], defaults=fields)


def changes(*models):
    return [f"{action}_{model}" for action in ("add", "change", "delete") for model in models]


def roles(apps, schema_editor):
    groups = ("notificationgroup", "groupaddress", "groupmembership")
    plans = ("maintenancewindow", "maintenancetarget")
    set_up = ("chargepoint", "eventrule", "unknownchargepoint", "unmappedreport")
    histories = ("chargepointstate", "statusperiod", "chargepointmessage", "incident", "notificationdecision")
    care = ("acknowledgement", "incidententry", "flapping")
    senders = ("source", "stationconnection")
    routes = ("ocpproute", "movedstation", "ocpiparty")
    ocpi = ("ocpilocation", "ocpievse")
    grant(
        apps,
        "infra_notifications",
        {
            VIEWER: [
                f"view_{model}" for model in (*groups, *plans, *set_up, *histories, *care, *senders, *routes, *ocpi)
            ],
            OPERATOR: [*changes(*groups, *plans), "close_incident", "acknowledge_incident"],
            ADMINISTRATOR: [*changes(*set_up, *routes), "change_source", "view_groupdraft", "delete_groupdraft"],
        },
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("console", "0001_initial"),
        ("outbox", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Source",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("key", "API key"),
                            ("proxy", "OCPP proxy"),
                            ("ocpi", "OCPI party"),
                            ("mqtt", "MQTT link"),
                            ("citrineos", "CitrineOS"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("first_heard_at", models.DateTimeField(verbose_name="first heard")),
                ("last_heard_at", models.DateTimeField(verbose_name="last heard")),
                ("accepted", models.BigIntegerField(default=0, verbose_name="accepted")),
                ("duplicates", models.BigIntegerField(default=0, verbose_name="duplicates")),
                ("rejected", models.BigIntegerField(default=0, verbose_name="rejected")),
                ("warnings", models.BigIntegerField(default=0, verbose_name="warnings")),
                ("gaps", models.IntegerField(default=0)),
                ("usual_gap_s", models.FloatField(null=True, verbose_name="usual gap (s)")),
                ("longest_gap_s", models.FloatField(null=True, verbose_name="longest usual gap (s)")),
                (
                    "quiet_from",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(), default=list, size=None
                    ),
                ),
                (
                    "quiet_until",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(), default=list, size=None
                    ),
                ),
                ("refused_in_row", models.BigIntegerField(default=0)),
                ("refused_since", models.DateTimeField(null=True)),
                ("rejections", models.JSONField(default=list, verbose_name="last rejections")),
                ("cautions", models.JSONField(default=list, verbose_name="last warnings")),
                (
                    "offsets_s",
                    django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), default=list, size=None),
                ),
                ("best_offset_s", models.FloatField(null=True)),
                ("lagged_at", models.DateTimeField(null=True)),
                (
                    "fed",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=48), default=list, size=None
                    ),
                ),
                ("dropped", models.BigIntegerField(default=0, verbose_name="unknown senders dropped")),
                ("lost", models.BigIntegerField(default=0, verbose_name="lost")),
                ("lost_at", models.DateTimeField(null=True, verbose_name="lost at")),
                ("paused", models.BooleanField(default=False, verbose_name="paused")),
                (
                    "trouble",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "–"),
                            ("silent", "Silent"),
                            ("rejected", "Everything is rejected"),
                            ("closed", "Many stations disconnected"),
                        ],
                        default="",
                        max_length=10,
                        verbose_name="trouble",
                    ),
                ),
                ("trouble_since", models.DateTimeField(null=True, verbose_name="trouble since")),
                ("closings_until", models.DateTimeField(null=True)),
                ("recovered_at", models.DateTimeField(null=True)),
                ("listening_since", models.DateTimeField(null=True)),
                ("checked_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "source",
                "verbose_name_plural": "sources",
                "ordering": ("name", "id"),
                "indexes": [
                    models.Index(
                        condition=models.Q(("trouble", ""), _negated=True), fields=["trouble"], name="source_trouble"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OcppRoute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.CharField(max_length=40, unique=True, verbose_name="URL name")),
                ("shown_url", models.CharField(editable=False, max_length=300, verbose_name="URL")),
                ("upstream", core.encryption.AddressElsewhere(max_length=2000, verbose_name="CSMS")),
                ("register_unknown", models.BooleanField(default=False, verbose_name="register unknown stations")),
                ("evse_pattern", models.CharField(blank=True, default="", max_length=100, verbose_name="EVSE ids")),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
            ],
            options={
                "verbose_name": "OCPP route",
                "verbose_name_plural": "OCPP routes",
                "ordering": ("slug",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("slug", ""), _negated=True), models.Q(("shown_url", ""), _negated=True)
                        ),
                        name="ocpproute_given",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MovedStation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("station", models.CharField(max_length=255, verbose_name="station")),
                ("station_key", models.CharField(editable=False, max_length=255)),
                ("moved_at", models.DateTimeField(verbose_name="moved")),
                (
                    "route",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="moved_away",
                        to="infra_notifications.ocpproute",
                        verbose_name="connects by",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="moved_here",
                        to="infra_notifications.ocpproute",
                        verbose_name="passed on by the route",
                    ),
                ),
            ],
            options={
                "verbose_name": "moved station",
                "verbose_name_plural": "moved stations",
                "ordering": ("route", "station_key"),
                "constraints": [
                    models.UniqueConstraint(fields=("route", "station_key"), name="movedstation_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("route", models.F("target")), _negated=True),
                        name="movedstation_is_elsewhere",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChargePoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("evse_id", models.CharField(max_length=48, verbose_name="EVSE id")),
                (
                    "station",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The identity with which its station connects (OCPP).",
                        max_length=48,
                        verbose_name="station",
                    ),
                ),
                (
                    "connector",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Connector (OCPP 1.6) or EVSE number (2.x) at its station.",
                        null=True,
                        verbose_name="connector",
                    ),
                ),
                ("name", models.CharField(blank=True, default="", max_length=120, verbose_name="name")),
                ("location", models.CharField(blank=True, default="", max_length=120, verbose_name="location")),
                ("street", models.CharField(blank=True, default="", max_length=120, verbose_name="street")),
                ("postal_code", models.CharField(blank=True, default="", max_length=12, verbose_name="postal code")),
                ("city", models.CharField(blank=True, default="", max_length=80, verbose_name="city")),
                ("country", models.CharField(blank=True, default="", max_length=3, verbose_name="country")),
                (
                    "latitude",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        max_digits=9,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(-90),
                            django.core.validators.MaxValueValidator(90),
                        ],
                        verbose_name="latitude",
                    ),
                ),
                (
                    "longitude",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        max_digits=9,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(-180),
                            django.core.validators.MaxValueValidator(180),
                        ],
                        verbose_name="longitude",
                    ),
                ),
                ("operator", models.CharField(blank=True, default="", max_length=100, verbose_name="operator")),
                ("vendor", models.CharField(blank=True, default="", max_length=60, verbose_name="vendor")),
                ("model", models.CharField(blank=True, default="", max_length=60, verbose_name="model")),
                ("firmware", models.CharField(blank=True, default="", max_length=60, verbose_name="firmware")),
                (
                    "connector_standard",
                    models.CharField(blank=True, default="", max_length=40, verbose_name="connector standard"),
                ),
                ("power_type", models.CharField(blank=True, default="", max_length=20, verbose_name="power type")),
                (
                    "max_power_kw",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=7,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="power (kW)",
                    ),
                ),
                (
                    "expected_interval_s",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The longest normal gap between two messages; longer is silence. Empty: the installation’s.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="expected interval (s)",
                    ),
                ),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="tags",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
                (
                    "search_text",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func(
                            models.Func(
                                models.Value(" "),
                                models.F("evse_id"),
                                models.Value(" "),
                                models.F("station"),
                                models.Value(" "),
                                models.F("name"),
                                models.Value(" "),
                                models.F("location"),
                                models.Value(" "),
                                models.F("street"),
                                models.Value(" "),
                                models.F("postal_code"),
                                models.Value(" "),
                                models.F("city"),
                                models.Value(" "),
                                models.F("operator"),
                                models.Value(" "),
                                models.F("vendor"),
                                models.Value(" "),
                                models.F("model"),
                                arg_joiner=" || ",
                                output_field=models.TextField(),
                                template="(%(expressions)s)",
                            ),
                            function="signalbox_fold",
                            output_field=models.TextField(),
                        ),
                        output_field=models.TextField(),
                    ),
                ),
            ],
            options={
                "verbose_name": "charge point",
                "verbose_name_plural": "charge points",
                "ordering": ("evse_id",),
                "indexes": [
                    models.Index(
                        django.db.models.functions.text.Upper("station"),
                        models.F("connector"),
                        condition=models.Q(("station", ""), _negated=True),
                        name="chargepoint_station",
                    ),
                    models.Index(
                        models.Func(
                            django.db.models.functions.text.Upper("evse_id"),
                            models.Value("*- ._\u2010\u2011\u2012\u2013\u2014\u2212\u2217"),
                            models.Value(""),
                            function="translate",
                        ),
                        name="chargepoint_evse_letters",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["search_text"], name="chargepoint_search", opclasses=("gin_trgm_ops",)
                    ),
                    django.contrib.postgres.indexes.GinIndex(fields=["tags"], name="chargepoint_tags"),
                    models.Index(fields=["evse_id", "id"], name="chargepoint_by_evse"),
                    models.Index(fields=["location", "id"], name="chargepoint_by_location"),
                    models.Index(fields=["city", "id"], name="chargepoint_by_city"),
                    models.Index(fields=["max_power_kw", "id"], name="chargepoint_by_power"),
                    models.Index(fields=["power_type", "max_power_kw"], name="chargepoint_by_current"),
                    models.Index(fields=["operator"], name="chargepoint_by_operator"),
                    models.Index(fields=["vendor"], name="chargepoint_by_vendor"),
                    models.Index(fields=["model"], name="chargepoint_by_model"),
                    models.Index(fields=["firmware"], name="chargepoint_by_firmware"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Upper("evse_id"), name="chargepoint_evse_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("evse_id", ""), _negated=True), name="chargepoint_evse_given"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChargePointState",
            fields=[
                (
                    "charge_point",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="state",
                        serialize=False,
                        to="infra_notifications.chargepoint",
                        verbose_name="charge point",
                    ),
                ),
                ("last_seen", models.DateTimeField(null=True, verbose_name="last seen")),
                ("first_seen", models.DateTimeField(editable=False, null=True, verbose_name="first seen")),
                ("silent_at", models.DateTimeField(null=True, verbose_name="silent at")),
                ("sweep_at", models.DateTimeField(editable=False, null=True)),
                (
                    "connectivity",
                    models.CharField(
                        choices=[
                            ("never", "Never seen"),
                            ("online", "Online"),
                            ("silent", "Silent"),
                            ("offline", "Disconnected"),
                        ],
                        default="never",
                        max_length=8,
                        verbose_name="connectivity",
                    ),
                ),
                ("status", models.CharField(blank=True, default="", max_length=30, verbose_name="status")),
                ("status_at", models.DateTimeField(null=True, verbose_name="status since")),
                (
                    "outage",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(status__in=("Faulted", "Unavailable"), then="status"), default=None
                        ),
                        output_field=models.CharField(max_length=30, null=True),
                    ),
                ),
                ("ocpp_version", models.CharField(blank=True, default="", max_length=12, verbose_name="protocol")),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="infra_notifications.source",
                        verbose_name="source",
                    ),
                ),
                (
                    "other_source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="infra_notifications.source",
                    ),
                ),
                ("disconnected_at", models.DateTimeField(null=True, verbose_name="disconnected since")),
                ("clock_error_s", models.IntegerField(null=True, verbose_name="clock wrong by (s)")),
                ("is_stamped", models.BooleanField(db_default=False, editable=False)),
                ("learnt_interval_s", models.PositiveIntegerField(null=True, verbose_name="learnt interval (s)")),
                ("learnt_silence_s", models.PositiveIntegerField(null=True)),
                (
                    "interval_source",
                    models.CharField(
                        choices=[
                            ("by_hand", "set by hand"),
                            ("boot", "told by its CSMS"),
                            ("messages", "learnt from its messages"),
                            ("default", "default"),
                        ],
                        default="default",
                        max_length=8,
                        verbose_name="interval learnt from",
                    ),
                ),
                ("memory", models.TextField(blank=True, default="")),
                ("pace", models.TextField(blank=True, default="")),
            ],
            options={
                "verbose_name": "charge point state",
                "verbose_name_plural": "charge point states",
                "indexes": [
                    models.Index(
                        condition=models.Q(("sweep_at__isnull", False)), fields=["sweep_at"], name="cpstate_sweep_at"
                    ),
                    models.Index(
                        condition=models.Q(("outage__isnull", False)), fields=["outage"], name="cpstate_outage"
                    ),
                    models.Index(
                        condition=models.Q(("connectivity__in", ("silent", "offline"))),
                        fields=["charge_point"],
                        name="cpstate_silent",
                    ),
                    models.Index(
                        condition=models.Q(("clock_error_s__isnull", False)),
                        fields=["charge_point"],
                        name="cpstate_clock",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChargePointMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("station", models.CharField(blank=True, default="", max_length=48)),
                ("protocol", models.CharField(max_length=12, verbose_name="protocol")),
                ("action", models.CharField(max_length=60, verbose_name="action")),
                ("payload", models.JSONField(verbose_name="payload")),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("life", "Sign of life"),
                            ("info", "Known, no alarm"),
                            ("ignored", "Ignored: older than what is known"),
                            ("cleared", "Cleared"),
                            ("unmapped", "Unmapped"),
                            ("raised", "Raised"),
                        ],
                        max_length=10,
                        verbose_name="verdict",
                    ),
                ),
                ("findings", models.JSONField(null=True, verbose_name="findings")),
                ("warnings", models.JSONField(null=True, verbose_name="warnings")),
                ("occurred_at", models.DateTimeField(null=True, verbose_name="device time")),
                ("received_at", models.DateTimeField(verbose_name="received")),
                (
                    "charge_point",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="messages",
                        to="infra_notifications.chargepoint",
                    ),
                ),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
                "ordering": ("-id",),
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(fields=["received_at"], name="cpmessage_received"),
                    models.Index(
                        condition=models.Q(("charge_point__isnull", False)),
                        fields=["charge_point", "-id"],
                        name="cpmessage_point",
                    ),
                    models.Index(
                        condition=models.Q(("charge_point__isnull", True)),
                        fields=["station", "-id"],
                        name="cpmessage_station",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UnknownChargePoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("evse_id", models.CharField(blank=True, default="", max_length=48, verbose_name="EVSE id")),
                ("station", models.CharField(blank=True, default="", max_length=48, verbose_name="station")),
                ("connector", models.PositiveIntegerField(null=True, verbose_name="connector")),
                ("messages", models.PositiveIntegerField(default=0, verbose_name="messages")),
                ("sample", models.JSONField(default=dict, verbose_name="last message")),
                ("said", models.JSONField(default=dict)),
                ("vendor", models.CharField(blank=True, default="", max_length=60, verbose_name="vendor")),
                ("model", models.CharField(blank=True, default="", max_length=60, verbose_name="model")),
                ("firmware", models.CharField(blank=True, default="", max_length=60, verbose_name="firmware")),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="infra_notifications.source",
                        verbose_name="source",
                    ),
                ),
                ("first_seen", models.DateTimeField(verbose_name="first seen")),
                ("last_seen", models.DateTimeField(verbose_name="last seen")),
                (
                    "refusal",
                    models.CharField(blank=True, db_default="", max_length=300, verbose_name="not registered because"),
                ),
            ],
            options={
                "verbose_name": "unknown charge point",
                "verbose_name_plural": "unknown charge points",
                "ordering": ("-last_seen",),
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Upper("evse_id"),
                        django.db.models.functions.text.Upper("station"),
                        django.db.models.functions.comparison.Coalesce("connector", -1),
                        name="unknownchargepoint_identity",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="NotificationGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("description", models.TextField(blank=True, default="", verbose_name="description")),
                (
                    "cases",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(choices=Case.choices, max_length=20),
                        blank=True,
                        default=infra_notifications.models.groups.all_cases,
                        size=None,
                        verbose_name="cases",
                    ),
                ),
                ("hold_off_s", models.JSONField(blank=True, default=dict, verbose_name="hold-off (s)")),
                ("notify_recovery", models.BooleanField(default=True, verbose_name="all-clear mails")),
                ("reminder_s", models.PositiveIntegerField(blank=True, null=True, verbose_name="reminder every (s)")),
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("de", "German"), ("fr", "French")],
                        default="en",
                        max_length=5,
                        verbose_name="language",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
                ("gathering_until", models.DateTimeField(editable=False, null=True)),
                ("review_at", models.DateTimeField(editable=False, null=True)),
                ("last_notified_at", models.DateTimeField(editable=False, null=True, verbose_name="last notification")),
                ("digest_time", models.TimeField(blank=True, null=True, verbose_name="daily digest at")),
                (
                    "time_zone",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Empty: the installation’s.",
                        max_length=64,
                        verbose_name="time zone",
                    ),
                ),
                (
                    "reply_to",
                    models.EmailField(
                        blank=True,
                        default="",
                        help_text="Empty: as the installation’s mails.",
                        max_length=254,
                        verbose_name="answers go to",
                    ),
                ),
                ("digest_due_at", models.DateTimeField(editable=False, null=True, verbose_name="next digest")),
            ],
            options={
                "verbose_name": "notification group",
                "verbose_name_plural": "notification groups",
                "ordering": (django.db.models.functions.text.Lower("name"),),
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"),
                        name="notificationgroup_name_unique",
                        violation_error_code="unique",
                        violation_error_message="There is a notification group of this name already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="notificationgroup_name_given"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("digest_due_at__isnull", True), ("digest_time__isnull", True)),
                            models.Q(("digest_due_at__isnull", False), ("digest_time__isnull", False)),
                            _connector="OR",
                        ),
                        name="notificationgroup_digest_is_due",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("digest_due_at__isnull", False)),
                        fields=["digest_due_at"],
                        name="notificationgroup_digest",
                    ),
                    models.Index(
                        condition=models.Q(("review_at__isnull", False)),
                        fields=["review_at"],
                        name="notificationgroup_review",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GroupAddress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(max_length=320, verbose_name="e-mail address")),
                ("added_at", models.DateTimeField(auto_now_add=True, verbose_name="added")),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="addresses",
                        to="infra_notifications.notificationgroup",
                        verbose_name="group",
                    ),
                ),
            ],
            options={
                "verbose_name": "e-mail address",
                "verbose_name_plural": "e-mail addresses",
                "ordering": ("id",),
                "constraints": [
                    models.UniqueConstraint(
                        models.F("group"),
                        django.db.models.functions.text.Lower("address"),
                        name="groupaddress_unique",
                        violation_error_message="This address stands in the list already.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="GroupMembership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("added_at", models.DateTimeField(auto_now_add=True, verbose_name="added")),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="added by",
                    ),
                ),
                (
                    "charge_point",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="infra_notifications.chargepoint",
                        verbose_name="charge point",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="infra_notifications.notificationgroup",
                        verbose_name="group",
                    ),
                ),
            ],
            options={
                "verbose_name": "member",
                "verbose_name_plural": "members",
                "constraints": [
                    models.UniqueConstraint(fields=("group", "charge_point"), name="groupmembership_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="GroupDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.SlugField(
                        db_index=False, default=infra_notifications.models.groups.draft_key, max_length=40
                    ),
                ),
                ("name", models.CharField(blank=True, default="", max_length=100)),
                ("description", models.TextField(blank=True, default="")),
                (
                    "marked",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                (
                    "members",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                ("began", models.JSONField(blank=True, default=dict)),
                ("version", models.CharField(blank=True, default="", max_length=100)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="infra_notifications.notificationgroup",
                    ),
                ),
            ],
            options={
                "verbose_name": "group draft",
                "verbose_name_plural": "group drafts",
                "ordering": ("-updated_at",),
                "constraints": [models.UniqueConstraint(fields=("owner", "key"), name="groupdraft_one_of_a_tab")],
            },
        ),
        migrations.CreateModel(
            name="DirectoryChange",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name="EventRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, unique=True, verbose_name="name")),
                (
                    "precedence",
                    models.PositiveSmallIntegerField(
                        default=10,
                        help_text="Lower is asked first: 10 own vendor rules, 20 codes, 30 components, 40 words, 50 the rest.",
                        verbose_name="precedence",
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "protocols",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="ocpp1.6, ocpp2.0.1, ocpp2.1; a beginning such as ocpp2 is enough.",
                        size=None,
                        verbose_name="protocols",
                    ),
                ),
                (
                    "actions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="StatusNotification, NotifyEvent, SecurityEventNotification, …",
                        size=None,
                        verbose_name="actions",
                    ),
                ),
                (
                    "statuses",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="The reported status, e.g. Faulted; with “!” in front: any other.",
                        size=None,
                        verbose_name="statuses",
                    ),
                ),
                (
                    "codes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="One of these stands in errorCode, vendorErrorCode, techCode or the security event’s type. “=A,B”: exactly these; “!*”: none.",
                        size=None,
                        verbose_name="codes",
                    ),
                ),
                (
                    "components",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="OCPP 2.x component, e.g. RCD or *Sensor.",
                        size=None,
                        verbose_name="components",
                    ),
                ),
                (
                    "variables",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="OCPP 2.x variable, e.g. Active or Tripped.",
                        size=None,
                        verbose_name="variables",
                    ),
                ),
                (
                    "vendors",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="One of these stands in vendorId or is the charge point’s vendor.",
                        size=None,
                        verbose_name="vendors",
                    ),
                ),
                (
                    "words",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="One of these stands in what the charger says. “=text”: exactly this.",
                        size=None,
                        verbose_name="words",
                    ),
                ),
                (
                    "and_words",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        blank=True,
                        default=list,
                        help_text="And one of these too.",
                        size=None,
                        verbose_name="and words",
                    ),
                ),
                (
                    "effect",
                    models.CharField(
                        choices=[
                            ("raise", "Opens an incident (closes it when the message says so)"),
                            ("clear", "Closes the incident"),
                            ("info", "Known, no alarm"),
                        ],
                        default="raise",
                        max_length=8,
                        verbose_name="effect",
                    ),
                ),
                (
                    "case",
                    models.CharField(
                        blank=True,
                        choices=Case.choices,
                        default="",
                        help_text="Needed to open; empty with “closes”: closes every case that a message opened.",
                        max_length=20,
                        verbose_name="case",
                    ),
                ),
                (
                    "momentary_s",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="For events that no message ends, such as a shock: the incident closes by itself.",
                        null=True,
                        verbose_name="over after (s)",
                    ),
                ),
                (
                    "note",
                    models.TextField(
                        blank=True, default="", help_text="Where this knowledge comes from.", verbose_name="source"
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
            ],
            options={
                "verbose_name": "mapping rule",
                "verbose_name_plural": "mapping rules",
                "ordering": ("precedence", "id"),
            },
        ),
        migrations.CreateModel(
            name="UnmappedReport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("signature", models.CharField(max_length=500, unique=True)),
                ("station", models.CharField(blank=True, default="", max_length=48, verbose_name="station")),
                ("told_at", models.DateTimeField(editable=False, null=True)),
                (
                    "charge_point",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="infra_notifications.chargepoint",
                        verbose_name="charge point",
                    ),
                ),
                ("protocol", models.CharField(max_length=12, verbose_name="protocol")),
                ("action", models.CharField(max_length=60, verbose_name="action")),
                ("conditions", models.JSONField(default=dict)),
                ("said", models.CharField(blank=True, default="", max_length=500, verbose_name="what it said")),
                ("sample", models.JSONField(default=dict, verbose_name="last message")),
                ("seen", models.PositiveIntegerField(default=0, verbose_name="seen")),
                ("first_seen", models.DateTimeField(verbose_name="first seen")),
                ("last_seen", models.DateTimeField(verbose_name="last seen")),
            ],
            options={
                "verbose_name": "unmapped message",
                "verbose_name_plural": "unmapped messages",
                "ordering": ("-last_seen",),
            },
        ),
        migrations.CreateModel(
            name="Incident",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("case", models.CharField(choices=Case.choices, max_length=20, verbose_name="case")),
                ("opened_at", models.DateTimeField(verbose_name="opened")),
                ("opened_received_at", models.DateTimeField(verbose_name="received")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed")),
                ("closed_received_at", models.DateTimeField(null=True)),
                (
                    "close_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("cleared", "The charge point reported that it is over"),
                            ("signal", "Another system reported that it is over"),
                            ("life", "The charge point communicates again"),
                            ("momentary", "A momentary event, over after its hold time"),
                            ("by_hand", "Closed by a person"),
                            ("removed", "The charge point was removed"),
                            ("renamed", "It is reported as another case by now"),
                            ("moved", "The charge point got another station or connector"),
                            ("unreported", "The OCPI party that reported it is no longer connected"),
                        ],
                        default="",
                        max_length=10,
                        verbose_name="how it ended",
                    ),
                ),
                ("device_clock", models.BooleanField(default=False)),
                (
                    "faults",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), default=list, size=None
                    ),
                ),
                ("repeats", models.PositiveIntegerField(default=0, verbose_name="repeats")),
                ("last_raised_at", models.DateTimeField(verbose_name="last raised")),
                ("ends_at", models.DateTimeField(null=True)),
                ("silent_since", models.DateTimeField(null=True, verbose_name="silent since")),
                ("said", models.CharField(blank=True, default="", max_length=500, verbose_name="what it said")),
                (
                    "charge_point",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="incidents",
                        to="infra_notifications.chargepoint",
                        verbose_name="charge point",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="infra_notifications.eventrule",
                        verbose_name="rule",
                    ),
                ),
                (
                    "said_text",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func(
                            models.Func(
                                models.Value(" "),
                                models.F("said"),
                                arg_joiner=" || ",
                                output_field=models.TextField(),
                                template="(%(expressions)s)",
                            ),
                            function="signalbox_fold",
                            output_field=models.TextField(),
                        ),
                        output_field=models.TextField(),
                    ),
                ),
            ],
            options={
                "verbose_name": "incident",
                "verbose_name_plural": "incidents",
                "ordering": ("-id",),
                "permissions": (
                    ("close_incident", "Can close incidents by hand"),
                    ("acknowledge_incident", "Can acknowledge incidents and write notes on them"),
                ),
                "indexes": [
                    models.Index(
                        condition=models.Q(("closed_at__isnull", True)), fields=["-opened_at"], name="incident_open"
                    ),
                    models.Index(fields=["-opened_at", "-id"], name="incident_by_opening"),
                    models.Index(
                        condition=models.Q(("closed_at__isnull", True), ("ends_at__isnull", False)),
                        fields=["ends_at"],
                        name="incident_ends",
                    ),
                    models.Index(fields=["charge_point", "case", "-id"], name="incident_history"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["said_text"], name="incident_said", opclasses=("gin_trgm_ops",)
                    ),
                    models.Index(
                        condition=models.Q(("case", "UNAVAILABLE"), ("close_reason", "life")),
                        fields=["closed_at", "charge_point"],
                        name="incident_silence_end",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closed_at__isnull", True), ("closed_at__gte", models.F("opened_at")), _connector="OR"
                        ),
                        name="incident_ends_after_start",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=("charge_point", "case"),
                        name="incident_one_open",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="NotificationDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("group_name", models.CharField(max_length=100)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("opened", "Alert"),
                            ("recovered", "All-clear"),
                            ("reminder", "Reminder"),
                            ("catch_up", "Mail to addresses that came later"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("sent", "Told"), ("skipped", "Not told")],
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "–"),
                            ("hold_off", "On hold-off: it must last before it is told"),
                            ("gathered", "Gathered: waits for the group’s next mail"),
                            ("no_address", "The group has no address"),
                            ("paused", "Not sent: the group’s addresses are paused, because mails came back"),
                            ("case_not_selected", "The group does not listen to this case"),
                            ("maintenance", "Maintenance: nothing is mailed until it ends"),
                            ("flapping", "Flapping: it opens again and again, which one mail a day tells"),
                            ("digest", "For the group’s daily digest"),
                            ("too_old", "Too old: it happened long before it was reported"),
                            ("recovered", "Over before the hold-off had passed"),
                            ("over", "Over before it was told"),
                            (
                                "acknowledged",
                                "Acknowledged before the group could be told: somebody takes care of it",
                            ),
                            ("nobody_left", "Nobody who was told of it is on the list any more"),
                            ("told_together", "Told in the alert itself: it was over by then"),
                            ("no_recovery", "The group wants no all-clear"),
                            ("momentary", "A momentary event has no all-clear"),
                            ("renamed", "It goes on as another case"),
                            (
                                "source_silent",
                                "Held back: its source is silent, or many stations may have disconnected at once",
                            ),
                            ("left_group", "The charge point left the group, or the group was deleted"),
                        ],
                        default="",
                        max_length=20,
                        verbose_name="reason",
                    ),
                ),
                ("due_at", models.DateTimeField(null=True)),
                ("decided_at", models.DateTimeField(verbose_name="decided")),
                ("event_id", models.BigIntegerField(null=True)),
                ("thread", models.CharField(blank=True, default="", max_length=32)),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to="infra_notifications.incident",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="notifications",
                        to="infra_notifications.notificationgroup",
                    ),
                ),
                ("successor_id", models.BigIntegerField(null=True)),
                ("remind_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "infra_notifications_notice",
                "verbose_name": "notice",
                "verbose_name_plural": "notices",
                "ordering": ("id",),
                "indexes": [
                    models.Index(condition=models.Q(("state", "waiting")), fields=["due_at"], name="notice_due"),
                    models.Index(
                        condition=models.Q(("thread", ""), _negated=True),
                        fields=["thread", "-decided_at"],
                        name="notice_thread",
                    ),
                    models.Index(
                        condition=models.Q(("successor_id__isnull", False)),
                        fields=["successor_id"],
                        name="notice_successor",
                    ),
                    models.Index(
                        condition=models.Q(("remind_at__isnull", False)), fields=["remind_at"], name="notice_remind"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind__in", ("opened", "recovered"))),
                        fields=("incident", "group", "kind"),
                        name="notice_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Acknowledgement",
            fields=[
                (
                    "incident",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="infra_notifications.incident",
                        verbose_name="incident",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
                ("author", models.CharField(max_length=150, verbose_name="by")),
            ],
            options={
                "verbose_name": "acknowledgement",
                "verbose_name_plural": "acknowledgements",
            },
        ),
        migrations.CreateModel(
            name="IncidentEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entries",
                        to="infra_notifications.incident",
                        verbose_name="incident",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("acknowledged", "Acknowledged"),
                            ("withdrawn", "Acknowledgement withdrawn"),
                            ("note", "Note"),
                            ("closed", "Closed by hand"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
                ("author", models.CharField(max_length=150, verbose_name="by")),
                ("text", models.TextField(blank=True, default="", verbose_name="note")),
            ],
            options={
                "verbose_name": "incident entry",
                "verbose_name_plural": "incident entries",
                "ordering": ("id",),
            },
        ),
        migrations.CreateModel(
            name="Flapping",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "charge_point",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="flappings",
                        to="infra_notifications.chargepoint",
                        verbose_name="charge point",
                    ),
                ),
                ("case", models.CharField(choices=Case.choices, max_length=20, verbose_name="case")),
                ("began_at", models.DateTimeField(verbose_name="began")),
                ("openings", models.PositiveIntegerField(verbose_name="openings")),
                ("next_check_at", models.DateTimeField(verbose_name="looked at again")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="quiet since")),
            ],
            options={
                "verbose_name": "flapping charge point",
                "verbose_name_plural": "flapping charge points",
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("charge_point", "case"),
                        name="flapping_once",
                    )
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at__isnull", True)), fields=["next_check_at"], name="flapping_due"
                    ),
                    models.Index(fields=["charge_point", "-id"], name="flapping_history"),
                ],
            },
        ),
        migrations.CreateModel(
            name="MaintenanceWindow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
                ("starts_at", models.DateTimeField(verbose_name="begins")),
                ("ends_at", models.DateTimeField(verbose_name="ends")),
                ("author", models.CharField(editable=False, max_length=150, verbose_name="by")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
            ],
            options={
                "verbose_name": "maintenance window",
                "verbose_name_plural": "maintenance windows",
                "ordering": ("-starts_at", "-id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gte", models.F("starts_at"))),
                        name="maintenance_ends_after_start",
                        violation_error_message="It ends before it begins.",
                    )
                ],
                "indexes": [
                    models.Index(fields=["ends_at"], name="maintenance_by_end"),
                    models.Index(fields=["-starts_at", "-id"], name="maintenance_by_start"),
                ],
            },
        ),
        migrations.CreateModel(
            name="MaintenanceTarget",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "window",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="targets",
                        to="infra_notifications.maintenancewindow",
                        verbose_name="window",
                    ),
                ),
                (
                    "charge_point",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="infra_notifications.chargepoint",
                        verbose_name="charge point",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="infra_notifications.notificationgroup",
                        verbose_name="group",
                    ),
                ),
                ("location", models.CharField(blank=True, default="", max_length=120, verbose_name="location")),
                ("city", models.CharField(blank=True, default="", max_length=80, verbose_name="city")),
            ],
            options={
                "verbose_name": "maintenance target",
                "verbose_name_plural": "maintenance targets",
                "ordering": ("id",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("charge_point__isnull", False), ("group__isnull", True), ("location", "")),
                            models.Q(("charge_point__isnull", True), ("group__isnull", False), ("location", "")),
                            models.Q(
                                ("charge_point__isnull", True),
                                ("group__isnull", True),
                                models.Q(("location", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="maintenance_target_is_one",
                        violation_error_message="Name either a charge point, a group or a location.",
                    )
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("location", ""), _negated=True),
                        fields=["location"],
                        name="maintenance_by_location",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="notificationgroup",
            name="charge_points",
            field=models.ManyToManyField(
                related_name="groups",
                through="infra_notifications.GroupMembership",
                to="infra_notifications.chargepoint",
                verbose_name="charge points",
            ),
        ),
        migrations.CreateModel(
            name="StatusPeriod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("status", models.CharField(max_length=30, verbose_name="status")),
                ("began_at", models.DateTimeField(verbose_name="begins")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ends")),
                (
                    "charge_point",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="infra_notifications.chargepoint",
                        verbose_name="charge point",
                    ),
                ),
            ],
            options={
                "verbose_name": "status period",
                "verbose_name_plural": "status periods",
                "ordering": ("-id",),
                "indexes": [models.Index(fields=["charge_point", "-began_at"], name="statusperiod_history")],
            },
        ),
        migrations.CreateModel(
            name="StationConnection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("station", models.CharField(max_length=48, verbose_name="station")),
                ("key", models.CharField(max_length=48, unique=True)),
                ("connected", models.BooleanField(verbose_name="connected")),
                ("since", models.DateTimeField(verbose_name="since")),
                ("last_seen", models.DateTimeField(verbose_name="last seen")),
                ("links", models.JSONField(default=list)),
                ("lost_at", models.DateTimeField(null=True, verbose_name="lost at")),
                ("protocol", models.CharField(blank=True, default="", max_length=12, verbose_name="protocol")),
                ("route", models.CharField(blank=True, default="", max_length=60, verbose_name="route")),
                ("process", models.CharField(blank=True, default="", max_length=120, verbose_name="process")),
                ("messages", models.BigIntegerField(default=0, verbose_name="messages")),
                ("round_trip_ms", models.FloatField(null=True, verbose_name="round trip (ms)")),
                ("csms_offset_s", models.FloatField(null=True, verbose_name="CSMS clock ahead by (s)")),
                ("close_code", models.PositiveIntegerField(null=True, verbose_name="close code")),
                ("close_reason", models.CharField(blank=True, default="", max_length=200, verbose_name="close reason")),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="infra_notifications.source",
                        verbose_name="source",
                    ),
                ),
            ],
            options={
                "verbose_name": "connection of a station",
                "verbose_name_plural": "connections of stations",
                "ordering": ("station", "id"),
                "indexes": [
                    models.Index(
                        condition=models.Q(("connected", True)), fields=["process"], name="connection_process"
                    ),
                    models.Index(
                        condition=models.Q(("lost_at__isnull", False)), fields=["lost_at"], name="connection_lost"
                    ),
                    models.Index(
                        condition=models.Q(("connected", False)), fields=["source", "since"], name="connection_closed"
                    ),
                    models.Index(
                        condition=models.Q(("route", ""), _negated=True),
                        fields=["route", "station"],
                        name="connection_route",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OcpiParty",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("invited", "Waits for its registration"),
                            ("registered", "Connected"),
                            ("ended", "Registration ended"),
                        ],
                        default="invited",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("is_disabled", models.BooleanField(default=False, verbose_name="disabled")),
                ("token_digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("old_token_digest", models.CharField(editable=False, max_length=64, null=True, unique=True)),
                ("may_be_hub", models.BooleanField(default=False, verbose_name="may be a hub")),
                ("peer_token", core.encryption.EncryptedTextField(blank=True, default="", editable=False)),
                ("sends_plain_token", models.BooleanField(default=False)),
                ("version", models.CharField(blank=True, default="", max_length=8, verbose_name="OCPI version")),
                (
                    "versions_url",
                    core.encryption.AddressElsewhere(
                        blank=True, default="", max_length=2000, verbose_name="versions URL"
                    ),
                ),
                (
                    "locations_url",
                    core.encryption.AddressElsewhere(
                        blank=True, default="", max_length=2000, verbose_name="locations URL"
                    ),
                ),
                (
                    "credentials_url",
                    core.encryption.AddressElsewhere(
                        blank=True, default="", max_length=2000, verbose_name="credentials URL"
                    ),
                ),
                ("roles", models.JSONField(default=list, verbose_name="roles")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("registered_at", models.DateTimeField(null=True, verbose_name="registered")),
                ("pull_due_at", models.DateTimeField(null=True, verbose_name="next comparison")),
                ("pulled_at", models.DateTimeField(null=True, verbose_name="last comparison")),
                ("pull_result", models.JSONField(default=dict)),
                ("pull_error", models.CharField(blank=True, default="", max_length=300, verbose_name="last error")),
            ],
            options={
                "verbose_name": "OCPI party",
                "verbose_name_plural": "OCPI parties",
                "ordering": ("name", "id"),
                "indexes": [
                    models.Index(
                        condition=models.Q(("pull_due_at__isnull", False)),
                        fields=["pull_due_at"],
                        name="ocpiparty_pull_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(django.db.models.functions.text.Upper("name"), name="ocpiparty_name_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="OcpiLocation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=220, unique=True)),
                ("country_code", models.CharField(max_length=4)),
                ("party_code", models.CharField(max_length=6)),
                ("location_id", models.CharField(max_length=100, verbose_name="location")),
                ("document", models.JSONField(default=dict)),
                ("last_updated", models.DateTimeField()),
                ("received_at", models.DateTimeField(verbose_name="received")),
                (
                    "party",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="locations",
                        to="infra_notifications.ocpiparty",
                        verbose_name="OCPI party",
                    ),
                ),
            ],
            options={
                "verbose_name": "OCPI location",
                "verbose_name_plural": "OCPI locations",
                "ordering": ("key",),
            },
        ),
        migrations.CreateModel(
            name="OcpiEvse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.CharField(max_length=100)),
                ("key", models.CharField(max_length=100)),
                ("document", models.JSONField(default=dict)),
                ("last_updated", models.DateTimeField()),
                ("received_at", models.DateTimeField(verbose_name="received")),
                (
                    "charge_point",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="ocpi_evse",
                        to="infra_notifications.chargepoint",
                        verbose_name="charge point",
                    ),
                ),
                (
                    "maintenance",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="infra_notifications.maintenancewindow",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evses",
                        to="infra_notifications.ocpilocation",
                        verbose_name="location",
                    ),
                ),
            ],
            options={
                "verbose_name": "OCPI EVSE",
                "verbose_name_plural": "OCPI EVSEs",
                "ordering": ("location", "key"),
                "constraints": [models.UniqueConstraint(fields=("location", "key"), name="ocpievse_unique")],
            },
        ),
        migrations.RunSQL(HOT, migrations.RunSQL.noop),
        migrations.RunSQL(STATE, NO_STATE),
        migrations.RunSQL(DIRECTORY, NO_DIRECTORY),
        migrations.RunPython(seed, migrations.RunPython.noop),
        migrations.RunPython(roles, migrations.RunPython.noop),
        *[migrations.RunSQL(_triggers(table), _no_triggers(table)) for table in KEPT],
        migrations.RunSQL(ESTIMATES, NO_ESTIMATES),
    ]
