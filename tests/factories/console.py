"""Users, roles and API keys."""

from __future__ import annotations

from typing import Any

import factory
from django.contrib.auth.models import Group, User

from core.choices import Scope
from core.models import ApiKey
from core.services import create_api_key

PASSWORD = "correct-horse-battery"


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    password = factory.django.Password(PASSWORD)

    @factory.post_generation
    def roles(self: Any, create: bool, extracted: list[str] | None, **kwargs: Any) -> None:
        for name in extracted or ():
            self.groups.add(Group.objects.get(name=name))


def make_key(*scopes: str, **kwargs: Any) -> tuple[ApiKey, str]:
    """An API key with these scopes (default: all) and its plain text."""
    kwargs.setdefault("name", f"key {ApiKey.objects.count() + 1}")
    return create_api_key(scopes=scopes or Scope.values, **kwargs)
