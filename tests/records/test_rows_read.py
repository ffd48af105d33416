"""Are the rows of a file read one by one, however they lie in it?"""

from __future__ import annotations

import io
import json
import time

import pytest

from dashboard.records import rows_read
from dashboard.refusal import Refusal


class AnyModel:
    columns = ()


def read(text, form="json"):
    return list(rows_read.rows_of(io.BytesIO(text.encode()), form, model=AnyModel()))


@pytest.mark.parametrize("chunk", [1, 2, 7, 65_536])
def test_a_list_is_read_wherever_it_is_cut(monkeypatch, chunk):
    monkeypatch.setattr(rows_read, "CHUNK", chunk)
    rows = [{"name": f"é, ] {number}", "in": [1, {"a": None}]} for number in range(20)]
    for text in (json.dumps(rows), json.dumps(rows, indent=3), json.dumps(rows, ensure_ascii=False) + " \n"):
        assert read(text) == list(enumerate(rows, 1))
    for text in ("[]", "[ \n ]"):
        assert read(text) == []
    for text in ("[", "[{}", "[{},", "[{}, 3]", "{}", "", "[nul]"):
        with pytest.raises(Refusal):
            read(text)


def test_small_records_behind_a_large_one_are_not_copied_for_each():
    text = json.dumps([{"name": "x" * 4_000_000}])[:-1] + ',{"a":1}' * 100_000 + "]"
    begun = time.process_time()
    assert len(read(text)) == 100_001
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_a_record_without_end_is_not_held_in_memory(form, monkeypatch):
    monkeypatch.setattr(rows_read, "FIELD", 1_000)
    monkeypatch.setattr(rows_read, "CHUNK", 500)
    begin, end, cell = {"csv": ("n,m\n1,2\n", "", '"1\n",'), "json": ("[[", "]]", "1,")}.get(form, ("[", "]", "1,"))
    file = io.BytesIO((begin + cell * 200_000 + end).encode())
    with pytest.raises(Refusal) as refused:
        list(rows_read.rows_of(file, form, model=AnyModel()))
    assert refused.value.code == "invalid"
    assert file.tell() < 20_000
    whole = "x" * 900
    rows = {"csv": f"n\n{whole}\n{whole}\n", "json": json.dumps([{"n": whole}] * 2)}
    assert [row["n"] for _, row in read(rows.get(form, f'{{"n": "{whole}"}}\n' * 2), form)] == [whole] * 2
