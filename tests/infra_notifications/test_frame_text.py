"""JSON texts that are not quite JSON: what they surely say is read and warned of, what they might say is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.pieces import MALFORMED
from infra_notifications.rules.frame_text import decoded

FRAME = b'[2,"1","X",{"connectorId":1,"status":"Faulted"}]'
VALUE = json.loads(FRAME)
B = {"b": [True, False]}


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (FRAME[:-1], VALUE),
        (FRAME[:-1] + b"\r\n", VALUE),
        (FRAME[:-1] + b",", VALUE),
        (b"[" + FRAME[:-1], [VALUE]),
        (FRAME[:-2] + b"]", VALUE),
        (FRAME[:-2] + b"]\r\n", VALUE),
        (FRAME[:-2] + b",}]", VALUE),
        (FRAME[:-2] + b",}", VALUE),
        (b'[2,"1","X",{"info":"door "A" is open","n":1}]', [2, "1", "X", {"info": 'door "A" is open', "n": 1}]),
        (b'[2,"1","X",{"info":"5" hose, torn","n":1}]', [2, "1", "X", {"info": '5" hose, torn', "n": 1}]),
        (b'[2,"1","X",{"info":"say "no", then","n":1}', [2, "1", "X", {"info": 'say "no", then', "n": 1}]),
        (b"[2,'1','X',{'connectorId':1,'status':'Faulted'}]", VALUE),
        (b'[2,"1","X",{connectorId: 1, status: "Faulted"}]', VALUE),
        (b"[2,'1','X',{'connectorId':1,'status':'Faulted',}", VALUE),
        (
            b"""{'info': 'say "no", it\\'s', 'a': None, 'b': [True, False]}""",
            {"info": 'say "no", it\'s', "a": None} | B,
        ),
        (b'{"info":"St\xf6r"}', {"info": "St\N{REPLACEMENT CHARACTER}r"}),
        (b'{"a":1,"b":2,"a":3}', {"a": 3, "b": 2}),
    ],
)
def test_what_can_mean_one_thing_is_read_and_warned_of(body: bytes, value: Any) -> None:
    read, note = decoded(body)
    assert read == value
    assert note


@pytest.mark.parametrize(
    "body",
    [
        FRAME[:-2],
        FRAME[:-3],
        FRAME[:-3] + b"]",
        FRAME[:-2] + b"]]",
        b'[2,"1","X",{"a":{"b":1,"c":2]',
        FRAME[:20],
        b'[2,"1","X",{"connectorId":1',
        b'[2,"1","X",{"a":"b" "c":1}]',
        b'[2,"1","X",{"info":"a","b" c","n":1}]',
        b'[2,"1","X"',
        b"[2,",
        b"hello",
        b"",
        FRAME + b"}",
        b"[2,'1','X',{'info':'it's open','n':1}]",
        b"[2,'1','X',{'info':Faulted}]",
    ],
)
def test_what_can_mean_several_things_is_not_read(body: bytes) -> None:
    with pytest.raises(MALFORMED):
        decoded(body)


# NUL is left out with a warning, as everywhere.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
        lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    )
)
def test_what_is_json_is_read_as_such(value: Any) -> None:
    assert decoded(json.dumps(value).encode()) == (value, "")


@given(st.binary(max_size=60) | st.text('[]{}",:\\ 2a', max_size=40).map(str.encode))
def test_nothing_raises_anything_else(body: bytes) -> None:
    try:
        decoded(body)
    except MALFORMED:
        return
