"""Payouts, reimbursements, cost statements, referrals. `settled`: nothing more will be notified of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.lifecycle import Kept, Lifecycle
from vehicles.models.base import Reported
from vehicles.models.drivers import Driver

_KEPT_UNTIL_SETTLED = Lifecycle(
    kept=Kept("RETENTION_HISTORY_DAYS", by="created_at", only="settled"), personal=(), audited=None
)


class DriverMoney(Reported):
    """An amount that concerns one driver."""

    driver = models.ForeignKey(Driver, models.SET_NULL, null=True, related_name="%(class)ss", verbose_name=_("driver"))
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2, null=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True, default="")
    settled = models.BooleanField(default=False, editable=False)

    class Meta:
        abstract = True
        ordering = ("-id",)


class Payout(DriverMoney):
    state = models.CharField(_("state"), max_length=20, blank=True, default="")
    lifecycle = _KEPT_UNTIL_SETTLED

    class Meta(DriverMoney.Meta):
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        indexes = (models.Index(fields=("driver",), name="payout_unsettled", condition=Q(settled=False)),)


class Reimbursement(DriverMoney):
    """Charging costs that are given back, for a month."""

    period = models.CharField(_("period"), max_length=7, blank=True, default="")
    qualified = models.BooleanField(_("qualified"), default=False)
    lifecycle = _KEPT_UNTIL_SETTLED

    class Meta(DriverMoney.Meta):
        verbose_name = _("reimbursement")
        verbose_name_plural = _("reimbursements")
        indexes = (models.Index(fields=("driver",), name="reimbursement_unsettled", condition=Q(settled=False)),)


class CostStatement(DriverMoney):
    """An overview of charging costs for a month, e.g. Elexent's."""

    provider = models.CharField(_("provider"), max_length=60, blank=True, default="")
    period = models.CharField(_("period"), max_length=7, blank=True, default="")
    lifecycle = _KEPT_UNTIL_SETTLED

    class Meta(DriverMoney.Meta):
        verbose_name = _("cost statement")
        verbose_name_plural = _("cost statements")
        indexes = (models.Index(fields=("driver",), name="statement_unsettled", condition=Q(settled=False)),)


class Referral(Reported):
    """One driver brought another."""

    referrer = models.ForeignKey(Driver, models.SET_NULL, null=True, related_name="referred", verbose_name=_("by"))
    invitee = models.ForeignKey(Driver, models.SET_NULL, null=True, related_name="invited", verbose_name=_("invited"))
    state = models.CharField(_("state"), max_length=20, blank=True, default="")
    settled_for_referrer = models.BooleanField(default=False, editable=False)
    settled_for_invitee = models.BooleanField(default=False, editable=False)

    lifecycle = Lifecycle(
        kept=Kept("RETENTION_HISTORY_DAYS", by="created_at", only="settled_for_referrer AND settled_for_invitee"),
        personal=(),
        audited=None,
    )

    class Meta:
        verbose_name = _("referral")
        verbose_name_plural = _("referrals")
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("referrer",), name="referral_by_referrer", condition=Q(settled_for_referrer=False)),
            models.Index(fields=("invitee",), name="referral_by_invitee", condition=Q(settled_for_invitee=False)),
        )
