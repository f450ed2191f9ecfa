"""What the demo shows: each app registers a loader of its data; the users and the key are the console's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils import timezone

from core.choices import Scope
from core.models import ApiKey
from core.registry import Registry
from core.roles import ADMINISTRATOR, OPERATOR, VIEWER
from core.selectors import find_api_key
from core.services import create_api_key

Loader = Callable[[datetime], None]
ROLE_OF = {"operator": OPERATOR, "admin": ADMINISTRATOR, "viewer": VIEWER}
KEY_NAME = "Demo"
_loaders: Registry[Loader] = Registry("loader of demo data")


def register_demo(name: str, loader: Loader) -> None:
    """`loader` fills an empty database and does nothing when its data is there."""
    _loaders.add(name, loader)


def make_logins(passwords: Mapping[str, str]) -> None:
    """The demo's users by role; their passwords are set anew, so that what was announced works."""
    for username, password in passwords.items():
        user, made = User.objects.get_or_create(username=username)
        if made or not user.check_password(password):
            user.set_password(password)
        user.is_staff = username == "admin"
        user.is_superuser = username == "admin"
        user.save()
        user.groups.add(Group.objects.get(name=ROLE_OF[username]))


def make_key(known: str) -> str:
    """An API key with all scopes: the one of the last start if it still works."""
    if known and find_api_key(known, timezone.now()) is not None:
        return known
    ApiKey.objects.filter(name=KEY_NAME).delete()
    return create_api_key(name=KEY_NAME, scopes=Scope.values)[1]


def load_demo_data() -> None:
    now = timezone.now()
    for loader in _loaders.values():
        with transaction.atomic():
            loader(now)
