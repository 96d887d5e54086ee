"""Rows of a listing: some of their fields, and CSV."""

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from signalcli.render.listing import csv_lines, picked, value_at

ROW = {"run": 1, "error": None, "counts": {"sent": 2, "heard": 3}, "users": ["a", "b"]}


def test_fields_stay_where_they_are() -> None:
    assert picked(ROW, ["counts.heard", "run"]) == {"counts": {"heard": 3}, "run": 1}
    assert picked(ROW, ["counts", "counts.sent"]) == {"counts": ROW["counts"]}


def test_what_a_row_lacks_is_left_out_and_below_null_is_null() -> None:
    assert picked(ROW, ["error.code", "nosuch", "counts.nosuch"]) == {"error": None, "counts": {}}
    assert value_at(ROW, "error.code") is None
    assert value_at(ROW, "nosuch.deeper") is None


def test_what_is_nested_stands_as_json() -> None:
    places = {"users": "users", "n": "counts.sent", "error": "error"}
    assert list(csv_lines([ROW], places)) == ["users,n,error\n", '"[""a"", ""b""]",2,\n']


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_every_text_is_read_again_as_it_was(texts: list[str]) -> None:
    rows = [{"text": text, "n": len(text)} for text in texts]
    written = "".join(csv_lines(rows, {"text": "text", "n": "n"}))
    read = list(csv.DictReader(io.StringIO(written, newline="")))
    assert [(row["text"], json.loads(row["n"])) for row in read] == [
        (text, len(text)) for text in texts
    ]
