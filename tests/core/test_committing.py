"""That a test which commits leaves nothing behind for the next one."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from infra_notifications.models import EventRule, NotificationGroup
from tests.committing import put_back
from tests.factories.infra_notifications import ChargePointFactory, NotificationGroupFactory

pytestmark = pytest.mark.usefixtures("committed")


def test_what_was_written_is_gone_and_what_the_migrations_wrote_is_back() -> None:
    roles, rules = ({*model.objects.values_list("pk", "name")} for model in (Group, EventRule))
    NotificationGroupFactory(members=[ChargePointFactory()])
    Group.objects.all().delete()
    EventRule.objects.filter(pk__lt=20).delete()
    put_back()
    assert not NotificationGroup.objects.exists()
    assert {*Group.objects.values_list("pk", "name")} == roles
    assert {*EventRule.objects.values_list("pk", "name")} == rules
    assert NotificationGroupFactory().pk == 1, "numbers begin anew"


def test_what_was_large_takes_no_room_any_more() -> None:
    NotificationGroup.objects.bulk_create([NotificationGroup(name=f"{n}", description="x" * 800) for n in range(1_000)])
    with connection.cursor() as cursor:
        put_back()
        cursor.execute("SELECT pg_relation_size(%s)", [NotificationGroup._meta.db_table])
        assert cursor.fetchone() == (0,)
    assert not NotificationGroup.objects.exists()
