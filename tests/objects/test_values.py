"""Values: a text or JSON becomes a value of the field's type, is stored, and is found by it."""

import json
import string
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from shop.models import Order
from sqlalchemy import Engine
from sqlmodel import SQLModel

from signalcli.db import Session
from signalcli.errors import InvalidValue
from signalcli.objects.fields import columns_of
from signalcli.objects.operations import create, find, find_all
from signalcli.objects.values import (
    LARGEST,
    Assignment,
    assignments_of,
    changed_values,
    choices_of,
    is_assignment,
    json_or_none,
    new_values,
    value_of_type,
)
from tests.objects.app import Colour, Odd, Pair, Place, Sample, said

storable_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
names = st.text(string.ascii_letters + string.digits + "_.-[]", min_size=1)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | storable_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(storable_texts, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
SPANS = TypeAdapter(timedelta)
CENTURIES = timedelta(days=200_000)
# Which types SQLModel gives to moments depends on its version: older ones keep no time zone.
TYPE_OF_MOMENTS: Any = columns_of(Sample)["moment"].type
ZONES = st.just(UTC) if TYPE_OF_MOMENTS.timezone else st.none()
# Each field of a sample: its values, and how one is written as a text.
WRITTEN: dict[str, tuple[st.SearchStrategy[Any], Any]] = {
    "number": (st.integers(-LARGEST, LARGEST - 1), str),
    "ratio": (st.floats(allow_nan=False), repr),
    "amount": (st.decimals(-(10**9), 10**9, places=2), str),
    "flag": (st.booleans(), lambda flag: "yes" if flag else "off"),
    "text": (storable_texts, str),
    "raw": (storable_texts.map(str.encode), bytes.decode),
    "day": (st.dates(), str),
    "hour": (st.times(), str),
    "moment": (st.datetimes(timezones=ZONES), datetime.isoformat),
    "span": (st.timedeltas(-CENTURIES, CENTURIES), partial(SPANS.dump_python, mode="json")),
    "code": (st.uuids(), str),
    "colour": (st.sampled_from(Colour), lambda colour: colour.value),
    "rules": (st.dictionaries(storable_texts, json_values, max_size=3), json.dumps),
    "days": (st.lists(st.integers(), max_size=3), json.dumps),
}


class TestWords:
    @given(names, storable_texts)
    @settings(max_examples=40)
    def test_a_text_is_kept_as_it_is(self, name: str, value: str) -> None:
        word = f"{name}={value}"
        assert is_assignment(word)
        assert assignments_of([word]) == {name: Assignment(name, value)}

    @given(names, json_values)
    @settings(max_examples=40)
    def test_json_is_read(self, name: str, value: Any) -> None:
        (one,) = assignments_of([f"{name}:={json.dumps(value)}"]).values()
        assert (one.name, one.is_json, one.is_null) == (name, True, value is None)
        assert one.value == value
        assert json_or_none(json.dumps(value)) == value

    @given(st.lists(st.tuples(names, storable_texts), unique_by=lambda pair: pair[0], max_size=4))
    @settings(max_examples=40)
    def test_the_order_is_kept(self, pairs: list[tuple[str, str]]) -> None:
        found = assignments_of(f"{name}={value}" for name, value in pairs)
        assert [(one.name, one.value) for one in found.values()] == pairs

    @pytest.mark.parametrize("word", ["", "stock", "=5", ":=5", "two words=5", "a:b=5"])
    def test_what_is_no_assignment(self, word: str) -> None:
        assert not is_assignment(word)
        with pytest.raises(InvalidValue) as refused:
            assignments_of([word], "argument")
        assert str(refused.value) == f"{word!r} is no argument; write name=value"

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["x=1", "x:=1"], "the field 'x' is named twice"),
            (["x:="], "x:='' is not JSON: Expecting value: .*; write a text as x=text"),
            (["x:=NaN"], "x:='NaN' is not JSON: there is no NaN in JSON; write a text as x=text"),
            (["x:=1e999"], "a number in it is too large"),
            (["x:=" + "[" * 100_000], "is not JSON: maximum recursion depth"),
            (["password:=hush"], r"password:=\*{8} is not JSON"),
        ],
    )
    def test_what_is_refused(self, words: list[str], message: str) -> None:
        with pytest.raises(InvalidValue, match=message):
            assignments_of(words)

    @pytest.mark.parametrize("text", ["", "x", "NaN", "-1e999", "[" * 100_000, "9" * 5000])
    def test_what_is_not_json_is_none(self, text: str) -> None:
        assert json_or_none(text) is None


class TestRoundTrips:
    @pytest.mark.parametrize("name", WRITTEN)
    @given(data=st.data())
    @settings(max_examples=20)
    def test_a_text_is_stored_as_the_value_and_found_by_it(
        self, shared: Engine, name: str, data: st.DataObject
    ) -> None:
        values, write = WRITTEN[name]
        value = data.draw(values)
        given = said(f"{name}={write(value)}")
        expected = new_values(Sample, given, {})[name]
        assert (type(expected), expected) == (type(value), value)
        with Session(shared) as session:
            key = create(session, Sample, given).id
            session.expunge_all()
            stored = getattr(find(session, Sample, str(key)), name)
            assert (type(stored), stored) == (type(value), value)
            session.expunge_all()
            if name != "rules":
                assert [one.id for one in find_all(session, Sample, given, None)] == [key]

    @given(json_values)
    @settings(max_examples=20)
    def test_json_of_any_kind_is_stored_as_it_is(self, shared: Engine, value: Any) -> None:
        with Session(shared) as session:
            key = create(session, Sample, said(f"rules:={json.dumps({'a': value})}")).id
            session.expunge_all()
            assert find(session, Sample, str(key)).rules == {"a": value}

    @given(json_values)
    @settings(max_examples=30)
    def test_json_fits_a_field_or_is_refused_in_one_line(self, value: Any) -> None:
        for name in WRITTEN:
            given = {name: Assignment(name, value, is_json=True)}
            refusals = []
            for read in (
                partial(new_values, Sample, given, {}),
                partial(changed_values, Sample(), given, {}),
                partial(value_of_type, Sample, name, given[name]),
            ):
                try:
                    read()
                except InvalidValue as error:
                    refusals.append(str(error))
            for message in refusals:
                assert message.startswith(f"app.Sample: {name}")
                assert "\n" not in message


class TestNewValues:
    def test_only_those_given_or_set_by_a_validator(self) -> None:
        assert new_values(Sample, said("number=1"), {"flag": True}) == {"number": 1, "flag": True}
        assert new_values(Pair, said("high=4", "word=hey"), {}) == {
            "high": 4, "word": "hey!", "total": 4,
        }  # fmt: skip

    def test_a_text_of_digits_stays_a_text(self) -> None:
        assert new_values(Sample, said("text=[1]"), {}) == {"text": "[1]"}
        assert new_values(Sample, said("days=[1]"), {}) == {"days": [1]}

    @pytest.mark.parametrize(
        ("model", "words", "message"),
        [
            (Place, [], "app.Place: a value is missing for row, seat"),
            (Sample, ["number=x", "ratio=y"], r"number 'x': input .*; ratio 'y': input"),
            (Sample, ["number=9223372036854775808"], "number '92.*' is too large for the database"),
            (Sample, ["number=-9223372036854775809"], "is too large for the database"),
            (Sample, ["ratio=nan"], "ratio 'nan' is no number that can be compared"),
            (Sample, [r'text:="a\u0000b"'], "text .* has characters that no database holds"),
            (Sample, ["text=\ud800"], "has characters that no database holds"),
            (Sample, ["password:=5"], r"password \*{8}: input should be a valid string"),
            (Sample, ["days=[1"], r"days '\[1': input should be a valid list"),
            (Sample, ['days=[1,"x"]'], "days '.*': input should be a valid list"),
            (Sample, ['days:=[1,"x"]'], r"days\[1\] \[1, 'x'\]: input should be a valid integer"),
            (Pair, ["high=3"], "app.Pair: high '3' cannot be written: it is odd$"),
            (Pair, ["low=1"], "^app.Pair: value error, low is above high$"),
        ],
    )
    def test_what_is_refused(self, model: Any, words: list[str], message: str) -> None:
        with pytest.raises(InvalidValue, match=message):
            new_values(model, said(*words), {})

    def test_a_moment_needs_a_time_zone_where_its_column_keeps_one(self) -> None:
        given = said("moment=2026-01-01T00:00")
        if TYPE_OF_MOMENTS.timezone:
            with pytest.raises(InvalidValue, match="has no time zone; write one after it"):
                new_values(Sample, given, {})
        else:
            assert new_values(Sample, given, {}) == {"moment": datetime(2026, 1, 1)}


class TestChangedValues:
    def pair(self) -> Pair:
        return Pair(low=1, high=4, total=5, word="x!")

    def test_those_named_and_those_that_a_validator_sets(self) -> None:
        pair = self.pair()
        assert changed_values(pair, said("low=2"), {}) == {"low": 2, "total": 6}
        assert changed_values(pair, {}, {"low": 3}) == {"low": 3, "total": 7}
        assert (pair.low, pair.total) == (1, 5)

    def test_validators_of_other_fields_do_not_run(self) -> None:
        assert "word" not in changed_values(self.pair(), said("low=2"), {})
        with pytest.raises(InvalidValue, match="it shouts already"):
            changed_values(self.pair(), said("word=x!"), {})

    @pytest.mark.parametrize("words", [("low=5", "high=6"), ("high=6", "low=5")])
    def test_a_rule_about_several_counts_once_all_are_set(self, words: tuple[str, ...]) -> None:
        changed = changed_values(self.pair(), said(*words), {})
        assert changed == {"low": 5, "high": 6, "total": 11}

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["low=5"], "^app.Pair: value error, low is above high$"),
            (["low=9", "high=8"], "^app.Pair: value error, low is above high$"),
            (["low=9", "high=x"], "^app.Pair: high 'x': input should be a valid integer"),
            (["high=5"], "high '5' cannot be written: it is odd"),
        ],
    )
    def test_what_is_refused(self, words: list[str], message: str) -> None:
        with pytest.raises(InvalidValue, match=message):
            changed_values(self.pair(), said(*words), {})

    def test_a_list_may_be_a_text(self) -> None:
        assert changed_values(Sample(days=[1]), said("days=[2]"), {}) == {"days": [2]}
        with pytest.raises(InvalidValue, match="days 'x': input should be a valid list"):
            changed_values(Sample(days=[1]), said("days=x"), {})


class TestValuesOfType:
    @pytest.mark.parametrize(
        ("name", "word", "value"),
        [
            ("number", "number= 5 ", 5),
            ("number", "number:=5", 5),
            ("number", "number:=null", None),
            ("amount", "amount=-1.50", Decimal("-1.50")),
            ("text", "text=null", "null"),
            ("days", "days=[1]", [1]),
        ],
    )
    def test_a_value(self, name: str, word: str, value: Any) -> None:
        found = value_of_type(Sample, name, said(word)[name])
        assert (type(found), found) == (type(value), value)

    def test_rules_of_the_model_do_not_count(self) -> None:
        assert value_of_type(Pair, "word", said("word=x!")["word"]) == "x!"
        long_ago = said("delivered=0001-01-01")["delivered"]
        assert value_of_type(Order, "delivered", long_ago).year == 1

    def test_a_type_that_only_the_model_knows_is_compared_as_given(self) -> None:
        assert value_of_type(Odd, "thing", said("thing=x")["thing"]) == "x"
        assert new_values(Odd, said("thing=x"), {})["thing"] == "x"

    @pytest.mark.parametrize(
        ("name", "word", "message"),
        [
            ("number", "number=x", "^app.Sample: number 'x': input should be a valid integer"),
            ("number", "number=18446744073709551616", "is too large for the database"),
            ("days", "days=x", "days 'x': input should be a valid list"),
            ("days", 'days:=["x"]', r"days\[0\] \['x'\]: input should be a valid integer"),
            ("ratio", "ratio=nan", "is no number that can be compared"),
            ("text", "text=\0", "has characters that no database holds"),
        ],
    )
    def test_what_is_refused(self, name: str, word: str, message: str) -> None:
        with pytest.raises(InvalidValue, match=message):
            value_of_type(Sample, name, said(word)[name])


def test_the_values_that_a_field_may_have_are_known_where_they_are_few() -> None:
    class Size(Enum):
        S = "small"
        L = "large"

    class Shirt(SQLModel):
        size: Size
        washed: bool | None = None
        cut: Literal["slim", "wide"] | bool = "slim"
        name: str | None = None

    assert choices_of(Shirt, "size") == ["small", "large"]
    assert choices_of(Shirt, "washed") == ["true", "false"]
    assert choices_of(Shirt, "cut") == ["slim", "wide", "true", "false"]
    assert choices_of(Shirt, "name") == choices_of(Shirt, "nosuch") == []
