"""Whatever is sent to the API, by whoever holds a key: it is answered, and never by an error of ours.

Schemathesis makes the requests from the API's own document, sound ones and broken ones; the same on every run of CI.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from config.api import api as machine_api
from tests.conftest import ApiClient
from tests.console.walk import ApiOperation, api_operations, undone
from tests.factories.everything import World

pytestmark = pytest.mark.django_db
EXAMPLES = 4
SCHEMA = schemathesis.openapi.from_dict(machine_api.get_openapi_schema(path_prefix=""))
SCHEMA.config.update(base_url="http://testserver/api/v1")
DESCRIBED: list[Any] = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
OPERATIONS = {f"{one.method} {one.path}".upper(): one for one in DESCRIBED}


def sent(client: ApiClient, case: Any, path: str | None) -> Any:
    """The answer to a request that schemathesis made, with the ids of real things in its path where one is given."""
    prepared = requests.Request(**case.as_transport_kwargs()).prepare()
    url = str(prepared.path_url).removeprefix("/api/v1")
    if path is not None:
        url = path + ("?" + url.partition("?")[2] if "?" in url else "")
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    with undone():
        return client.call(str(prepared.method), url, body or b"")


@pytest.mark.parametrize("operation", api_operations(), ids=lambda one: f"{one.method} {one.pattern}")
def test_no_request_is_an_error_of_ours(
    operation: ApiOperation, world: World, api_with: Callable[..., ApiClient]
) -> None:
    client = api_with(operation.scope)
    described = OPERATIONS[f"{operation.method} {operation.pattern}".replace("path:", "").upper()]
    requests_made = st.one_of(*(described.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=requests_made, is_real=st.booleans())
    def ask(case: Any, is_real: bool) -> None:
        response = sent(client, case, operation.path(world) if is_real else None)
        assert response.status_code < 500, (response.status_code, case.as_curl_command())
        if response.status_code >= 400:
            assert response["Content-Type"] == "application/problem+json"

    ask()
