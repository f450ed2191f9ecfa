"""Facts by hand: the same that the API takes, by a form."""

from __future__ import annotations

from typing import get_type_hints

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from core.ingest import Submission
from core.permissions import requires
from vehicles import selectors
from vehicles.forms import FactForm
from vehicles.ingest import FACT_TYPES
from vehicles.services.intake import take_facts


@requires("vehicles.add_fact")
def fact_new(request: HttpRequest) -> HttpResponse:
    """Choose a type, fill in what is known; what the fact names for the first time is made from it."""
    asked = request.GET.get("type", "")
    name = asked if asked in FACT_TYPES else "driver"
    fact_type = FACT_TYPES[name]
    initial = {key: value for key, value in request.GET.items() if key != "type"}
    form = FactForm(request.POST or None, fact_type=fact_type, initial=initial)
    if request.method == "POST" and form.is_valid():
        fact = form.cleaned_data["fact"]
        (intake,) = take_facts(submissions=[Submission(0, [(0, fact)])], now=timezone.now())
        if intake.rejected:
            form.add_error(None, intake.rejected[0][1])
        else:
            messages.success(request, _("The fact is taken, and what follows from it is done."))
            driver = selectors.driver_of_fact(fact)
            return redirect("vehicles:driver", driver.pk) if driver is not None else redirect("vehicles:drivers")
    context = {
        "page_title": _("Tell a fact"),
        "form": form,
        "types": [(key, (struct.__doc__ or "").strip()) for key, struct in FACT_TYPES.items()],
        "chosen": name,
        "explanation": (fact_type.__doc__ or "").strip(),
        "data_explanation": _data_doc(fact_type),
    }
    return render(request, "vehicles/fact_new.html", context)


def _data_doc(fact_type: type) -> str:
    """What the schema says about the fields of `data`."""
    doc = get_type_hints(fact_type)["data"].__doc__ or ""
    return " ".join(doc.split()).replace("`", "")
