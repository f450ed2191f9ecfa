"""Django's own `i18n` tags, of which `translate` keeps what it found: the library `i18n` of mail templates.

A mail has ten constant texts; to translate each anew took a quarter of the time in which it is rendered.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.template.base import Parser, Token
from django.templatetags import i18n
from django.utils.translation import get_language

register = template.Library()
register.tags |= i18n.register.tags
register.filters |= i18n.register.filters


class KeptText(template.Node):
    """A constant text; its translations stay with the compiled template."""

    def __init__(self, node: i18n.TranslateNode) -> None:
        self.node = node
        self.kept: dict[tuple[str | None, bool], str] = {}

    def render(self, context: Any) -> str:
        key = get_language(), context.autoescape
        if key not in self.kept:
            self.kept[key] = self.node.render(context)
        return self.kept[key]


@register.tag("translate")
@register.tag("trans")
def translate(parser: Parser, token: Token) -> template.Node:
    node = i18n.do_translate(parser, token)
    text = node.filter_expression
    is_constant = getattr(text.var, "literal", None) is not None and not text.filters
    return KeptText(node) if is_constant and not node.asvar and node.message_context is None else node
