"""Durations and times as people type them."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from signalcli.cli.arguments import duration, moment

unhurried = settings(deadline=None, max_examples=300)


@pytest.fixture
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts the clock on the wall into a time zone."""

    def put(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield put
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("50ms", 0.05),
        ("2h", 7200),
        ("30d", 30 * 86400),
        ("1w", 7 * 86400),
        ("3us", 3e-6),
        ("3µs", 3e-6),
        ("5m", 300),
        ("5min", 300),
        ("1.5s", 1.5),
        (".5s", 0.5),
        ("0s", 0),
        ("  10 ms ", 0.01),
        ("007s", 7),
        ("317d", 317 * 86400),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "50",
        "ms",
        "-5s",
        "+5s",
        "5S",
        "5 parsecs",
        "5.s",
        "1e3s",
        "1h30m",
        "1,5s",
        "nan s",
        "infs",
        "5s 5s",
        "9" * 400 + "s",
        "20000w" * 2,
        "1000000w",
        "5\0s",
        "\ud800s",
    ],
)
def test_what_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        duration(text)
    assert repr(text) in str(refused.value)
    assert "50ms" in str(refused.value)


@given(st.integers(0, 10_000), st.sampled_from(["", ".0", ".25", ".999"]), st.sampled_from("smhdw"))
def test_durations_of_all_units(whole: int, part: str, unit: str) -> None:
    factor = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[unit]
    expected = float(f"{whole}{part}") * factor
    assert duration(f"{whole}{part}{unit}") == duration(f" {whole}{part} {unit}") == expected


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-01-31", "UTC", datetime(2026, 1, 31)),
        ("2026-01-31T08:30", "UTC", datetime(2026, 1, 31, 8, 30)),
        ("2026-01-31 08:30:15.25", "UTC", datetime(2026, 1, 31, 8, 30, 15, 250_000)),
        (" 20260131T0830 ", "UTC", datetime(2026, 1, 31, 8, 30)),
        ("2026-01-31T08:30", "Europe/Berlin", datetime(2026, 1, 31, 7, 30)),
        ("2026-07-31T08:30", "Europe/Berlin", datetime(2026, 7, 31, 6, 30)),
        ("2026-07-31", "Europe/Berlin", datetime(2026, 7, 30, 22)),
        ("2026-01-31", "America/New_York", datetime(2026, 1, 31, 5)),
        ("2026-01-31T08:30", "Asia/Kolkata", datetime(2026, 1, 31, 3)),
        ("2026-01-31T08:30Z", "Asia/Kolkata", datetime(2026, 1, 31, 8, 30)),
        ("2026-01-31T08:30+05:30", "America/New_York", datetime(2026, 1, 31, 3)),
        ("2026-01-31T23:30-08:00", "Europe/Berlin", datetime(2026, 2, 1, 7, 30)),
    ],
)
def test_a_time_is_that_of_the_wall_unless_it_names_a_zone(
    in_zone: Callable[[str], None], text: str, zone: str, expected: datetime
) -> None:
    in_zone(zone)
    assert moment(text) == expected
    assert moment(text).tzinfo is None


@pytest.mark.parametrize("text", ["2h", "0s", "30d", "50ms", "5 min"])
def test_a_duration_says_how_long_ago(in_zone: Callable[[str], None], text: str) -> None:
    in_zone("Asia/Kolkata")
    before = datetime.now(UTC).replace(tzinfo=None)
    told = moment(text) + timedelta(seconds=duration(text))
    after = datetime.now(UTC).replace(tzinfo=None)
    # The sum may lose a microsecond.
    step = timedelta(microseconds=1)
    assert before - step <= told <= after + step
    assert told.tzinfo is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-02-30",
        "2026-13-01",
        "2026",
        "31.1.2026",
        "08:30",
        "2026-01-31T25:00",
        "2026-01-31T08:30+99:00",
        "-2h",
        "12",
        "\0",
        "\ud800",
        "0001-01-01T00:00+14:00",
        "9999-12-31T23:59-14:00",
    ],
)
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        moment(text)
    assert repr(text) in str(refused.value)
    assert "2026-01-31" in str(refused.value)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31", "9999-12-31T23:59:59.999999"])
def test_the_first_and_the_last_day_are_times_or_refused(
    in_zone: Callable[[str], None], zone: str, text: str
) -> None:
    in_zone(zone)
    assert isinstance(_or_refused(moment, text), datetime | None)


def _or_refused(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except typer.BadParameter:
        return None


nearly_right = st.builds(
    "".join,
    st.lists(
        st.sampled_from(
            [*"0123456789.-:+TZW µ", "ms", "us", "h", "d", "w", "min", "2026-01-31", "T08:30", "٣"]
        ),
        max_size=8,
    ),
)
texts = st.text(st.characters()) | nearly_right | st.datetimes().map(str)


@unhurried
@given(texts)
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    seconds = _or_refused(duration, text)
    assert seconds is None or (isinstance(seconds, float) and 0 <= seconds < 1e10)


@unhurried
@given(texts)
def test_any_text_is_a_time_or_refused(text: str) -> None:
    told = _or_refused(moment, text)
    assert told is None or (isinstance(told, datetime) and told.tzinfo is None)
