"""The templates of mails, compiled by Jinja2: a mail is written in a third of the time that a page's templates take.

They lie beside the other templates, in `<app>/mail/`. `{% trans %}` takes its words from the same catalogues.
"""

from __future__ import annotations

import re
from functools import lru_cache
from gettext import GNUTranslations
from typing import Any

from django.conf import settings
from django.template import Engine
from django.template.utils import get_app_template_dirs
from django.utils.translation.trans_real import translation
from jinja2 import ChainableUndefined, Environment, FileSystemLoader
from jinja2.ext import Extension, InternationalizationExtension

from outbox.transports.rendering.words import mail_words

# A text without a variable, and without what has a meaning of its own in a template or in a format.
_CONSTANT = re.compile(r"\{% trans( trimmed)? %\}([^{}%]+)\{% endtrans %\}")
# Pages of HTML are indented for those who read the template.
_INDENTATION = re.compile(r"\n\s+")


class ConstantWords(Extension):
    """Translates texts that are always the same when a template is compiled, not each time; nobody is sent the
    template's indentation."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        catalogue: GNUTranslations = self.environment.catalogue  # type: ignore[attr-defined]

        def translated(match: re.Match[str]) -> str:
            text = " ".join(match[2].split()) if match[1] else match[2]
            return catalogue.gettext(text)

        source = _INDENTATION.sub("\n", source) if (name or "").endswith(".html") else source
        return _CONSTANT.sub(translated, source)


class MailEnvironment(Environment):
    """Jinja2 in which `data.items` is what the payload has under that name, not the method of its dict."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict:
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


def rendered(name: str, context: dict[str, Any], *, language: str, escaped: bool) -> str:
    """A template's words; only HTML is escaped, or a subject would read “Müller &amp; Co”.

    Raises jinja2.TemplateNotFound, and whatever the template raises.
    """
    folders = (*map(str, Engine.get_default().dirs), *map(str, get_app_template_dirs("templates")))
    return environment_for(folders, language, escaped, settings.DEBUG).get_template(name).render(context)


@lru_cache(maxsize=32)
def environment_for(folders: tuple[str, ...], language: str, escaped: bool, auto_reload: bool = False) -> Environment:
    """One for each language: a template asks its catalogue and not what the language of the moment is."""
    environment = MailEnvironment(
        loader=FileSystemLoader(folders),
        extensions=[InternationalizationExtension, ConstantWords],
        autoescape=escaped,
        undefined=ChainableUndefined,  # what a payload does not have is nothing, as on pages
        keep_trailing_newline=True,
        auto_reload=auto_reload,
    )
    environment.filters |= mail_words
    environment.extend(catalogue=translation(language))
    environment.install_gettext_translations(environment.catalogue, newstyle=True)  # type: ignore[attr-defined]
    return environment
