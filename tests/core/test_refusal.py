"""One refusal for every service: what machines and people read of it."""

from __future__ import annotations

import json

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from core.api import problem_response, refused_problem
from core.refusal import Reason, Refused, add_refusal, refusing_invalid_models


class SampleForm(forms.Form):
    name = forms.CharField()
    url = forms.CharField()


def problem(refused: Refused) -> dict[str, object]:
    response = problem_response(refused_problem(refused))
    assert response["Content-Type"] == "application/problem+json"
    found: dict[str, object] = json.loads(response.content)
    assert found["status"] == response.status_code
    return {name: found.get(name) for name in ("status", "detail", "errors")}


def test_what_the_sender_can_correct_is_422_with_a_pointer_to_each_field() -> None:
    refused = Refused.by_field({"name": "Give a name.", "url": ["Too long.", "Not https."]})
    assert problem(refused) == {
        "status": 422,
        "detail": "Give a name. Too long. Not https.",
        "errors": [
            {"pointer": "/name", "detail": "Give a name."},
            {"pointer": "/url", "detail": "Too long."},
            {"pointer": "/url", "detail": "Not https."},
        ],
    }


def test_what_stands_in_the_way_is_409_with_its_code() -> None:
    refused = Refused(gettext_lazy("A key of this name exists."), code="unique")
    assert problem(refused) == {
        "status": 409,
        "detail": "A key of this name exists.",
        "errors": [{"pointer": "/", "detail": "A key of this name exists.", "code": "unique"}],
    }


def test_a_sentence_of_its_own_says_more_than_the_reasons() -> None:
    refused = Refused("It sleeps. Wake it first.", code="cannot_send", reasons=[Reason("vin", "asleep")])
    assert problem(refused)["detail"] == str(refused) == "It sleeps. Wake it first."
    assert refused.fields == {"vin": ["asleep"]}


def test_one_item_of_a_batch_says_everything_in_one_line() -> None:
    assert Refused(reasons=[Reason("name", "Give one."), Reason("", "Not now.")]).line == "name: Give one. Not now."


def test_a_form_shows_each_sentence_at_its_field_and_the_rest_above() -> None:
    form = SampleForm({"name": "x", "url": "y"})
    add_refusal(form, Refused.by_field({"name": "Taken.", "elsewhere": "Gone.", "": "Not today."}))
    assert form.errors == {"name": ["Taken."], "__all__": ["Gone.", "Not today."]}
    form = SampleForm({"name": "x", "url": "y"})
    add_refusal(form, Refused("Taken."), field="url")
    assert form.errors == {"url": ["Taken."]}


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (ValidationError({"name": ["Too short.", "No digit."]}), {"name": ["Too short.", "No digit."]}),
        (ValidationError({"__all__": ["Met by everything."]}), {"": ["Met by everything."]}),
        (ValidationError("Not this."), {"": ["Not this."]}),
    ],
)
def test_what_a_model_says_becomes_a_refusal(error: ValidationError, fields: dict[str, list[str]]) -> None:
    with pytest.raises(Refused) as caught, refusing_invalid_models():
        raise error
    assert (caught.value.fields, caught.value.code) == (fields, "invalid")
