"""How drivers are written to: sender and look by programme, and languages beyond ours."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.email_addresses import MailboxField
from core.lifecycle import Audited, Lifecycle, While, masked
from vehicles.choices import LANGUAGE_NAMES, DriverLanguage


class ProgramLook(models.Model):
    """From whom mails to a programme's drivers come, and how they look; what is empty is as the look for every other
    programme says."""

    # In small letters; "" is every other programme.
    program = models.CharField(_("programme"), max_length=60, blank=True, default="", unique=True)
    sender = MailboxField(_("sender"), max_length=320, blank=True, default="")
    reply_to = MailboxField(_("answers go to"), max_length=320, blank=True, default="")
    logo = models.CharField(_("logo"), max_length=60, blank=True, default="")
    colour = models.CharField(_("colour"), max_length=7, blank=True, default="")
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    lifecycle = Lifecycle(
        kept=While("Operators set it."),
        personal=masked("sender", "reply_to"),
        audited=Audited(exclude=("updated_at",)),
    )

    class Meta:
        verbose_name = _("look of a programme")
        verbose_name_plural = _("looks of programmes")
        ordering = ("program",)

    def __str__(self) -> str:
        return self.program or str(_("every other programme"))


class AddedLanguage(models.Model):
    """A language in which drivers are told beside ours; its words are `NotificationText`s. Where it has none, those of
    `fallback` are read."""

    code = models.CharField(_("language"), max_length=5, unique=True)
    fallback = models.CharField(
        _("otherwise"), max_length=5, choices=DriverLanguage.choices, default=DriverLanguage.ENGLISH
    )
    # What stands around and within the words, by its name in `catalogue.phrases`.
    phrases = models.JSONField(_("phrases"), default=dict)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    lifecycle = Lifecycle(kept=While("Operators write it."), personal=(), audited=Audited(exclude=("updated_at",)))

    class Meta:
        verbose_name = _("added language")
        verbose_name_plural = _("added languages")
        ordering = ("code",)

    def __str__(self) -> str:
        return LANGUAGE_NAMES.get(self.code, self.code)
