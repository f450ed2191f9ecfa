"""A template engine whose templates are empty, for tests that ask who may open a page and not what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from crispy_forms import utils
from crispy_forms.templatetags import crispy_forms_filters, crispy_forms_tags
from django.conf import settings
from django.contrib import admin
from django.template.backends.base import BaseEngine
from django.test import override_settings


class Empty:
    """A template, whatever its name, that shows nothing."""

    def render(self, context: Any = None, request: Any = None) -> str:
        return ""


class EmptyTemplates(BaseEngine):
    """Answers for every name, so that the engines behind it are not asked."""

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__({name: value for name, value in params.items() if name != "OPTIONS"})

    def get_template(self, template_name: str) -> Empty:
        return Empty()


@contextmanager
def unrendered() -> Iterator[None]:
    """Views run whole and answer with their status, and no template is rendered: most of a page's time is that."""
    engine = {"BACKEND": f"{__name__}.{EmptyTemplates.__name__}"}
    # Nor is gathered what every page of the admin says of all models.
    with override_settings(TEMPLATES=[engine, *settings.TEMPLATES]), pytest.MonkeyPatch.context() as patch:
        patch.setattr(admin.site, "each_context", lambda _request: {})
        _forget_templates()
        try:
            yield
        finally:
            _forget_templates()


def _forget_templates() -> None:
    """Those that crispy forms keep for good, which would be empty for whoever comes after, or full for us."""
    for module in (utils, crispy_forms_filters, crispy_forms_tags):
        for kept in vars(module).values():
            if hasattr(kept, "cache_clear"):
                kept.cache_clear()
