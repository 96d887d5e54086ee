"""Values as a trace keeps them: short, safe, without secrets."""

import json
import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalcli.trace import Recorder
from signalcli.trace.representation import describe_command_line, describe_failure, represent

# A busy machine may take its time over an example.
unhurried = settings(deadline=None)

SECRET = "Xk7-hunter2-Qz9"
LONGEST = 200


@dataclass
class Login:
    user: str
    password: str
    inner: Any = None


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class Endless:
    def __repr__(self) -> str:
        return "endless " * 10_000


def recursive() -> list[Any]:
    items: list[Any] = [1]
    items.append(items)
    return items


@pytest.mark.parametrize("value", [None, True, False, 0, -1, 2**62, 1.5, "", "text", "ünï"])
def test_a_plain_value_stays_as_it_is(value: Any) -> None:
    kept = represent(value)
    assert kept == value
    assert type(kept) is type(value)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ([1, "a", None], [1, "a", None]),
        ((1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ([], []),
        (date(2024, 2, 29), "datetime.date(2024, 2, 29)"),
        (b"bytes", "b'bytes'"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        ({"a": [1, {"b": 2}]}, "{'a': [1, {'b': 2}]}"),
    ],
)
def test_other_values_have_a_representation_that_json_can_carry(value: Any, kept: Any) -> None:
    assert represent(value) == kept


@pytest.mark.parametrize(
    "value",
    [
        10**5000,
        -(10**300),
        math.nan,
        [math.nan, math.inf],
        [10**400],
        b"\x00\xff" * 1000,
        "x" * 10_000,
        ["x" * 10_000],
        list(range(10_000)),
        {str(number): number for number in range(10_000)},
        recursive(),
        Broken(),
        [Broken()],
        Endless(),
        object(),
        Login,
        lambda: None,
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_value_is_too_big_or_too_broken(value: Any) -> None:
    kept = represent(value)
    text = json.dumps(kept, allow_nan=False)
    assert len(kept if isinstance(kept, str) else text) <= LONGEST
    assert "0x" not in text


def test_a_repr_that_fails_is_named() -> None:
    assert "Broken" in str(represent(Broken()))
    assert "RuntimeError" in str(represent(Broken()))


def test_text_is_cut_to_two_hundred_characters() -> None:
    kept = represent("x" * 201)
    assert isinstance(kept, str)
    assert len(kept) == LONGEST
    assert represent("x" * 200) == "x" * 200


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "PASSWORD",
        "new_password",
        "passwd",
        "passphrase",
        "secret",
        "client_secret",
        "token",
        "access_token",
        "api_key",
        "apikey",
        "private_key",
        "credentials",
        "Authorization",
        "cookie",
    ],
)
def test_names_that_tell_of_a_secret_mask_it_wherever_they_stand(name: str) -> None:
    assert SECRET not in str(represent(SECRET, name))
    assert SECRET not in str(represent([SECRET], name))
    assert SECRET not in str(represent({name: SECRET}))
    assert SECRET not in str(represent({"outer": [{name: {"deep": SECRET}}]}))
    assert SECRET not in str(represent(f"{name}={SECRET}"))
    assert SECRET not in str(represent(f"{name}: '{SECRET}'"))
    assert SECRET not in str(represent([f'{{"{name}": "{SECRET}"}}']))


def test_a_secret_that_is_none_or_a_flag_says_so() -> None:
    assert represent(None, "password") is None
    assert represent(True, "password") is True


@pytest.mark.parametrize(
    "value",
    [
        Login("ada", SECRET),
        [Login("ada", SECRET)],
        {"login": Login("ada", "short", Login("bob", SECRET))},
        Login("ada", f"two words {SECRET}"),
        Login("ada", f'it\'s "{SECRET}"'),
        ValueError(f"wrong password={SECRET}"),
        (SECRET, Login("ada", SECRET))[1],
    ],
    ids=range(7),
)
def test_secrets_in_objects_are_masked(value: Any) -> None:
    kept = str(represent(value))
    assert SECRET not in kept
    assert "ada" in kept or "password" in kept


@pytest.mark.parametrize("name", ["name", "keyboard", "description", "compass", "email"])
def test_other_names_keep_their_values(name: str) -> None:
    assert represent("value", name) == "value"
    assert "value" in str(represent({name: "value"}))
    assert represent(f"{name}=value") == f"{name}=value"


def test_the_token_of_an_authorization_header_is_masked() -> None:
    assert SECRET not in str(represent(f"Authorization: Bearer {SECRET}"))


def test_a_secret_in_an_exception_is_masked_in_its_failure() -> None:
    recorder = Recorder()
    dispatch = recorder.dispatch_begun(
        signal="s", signal_path="s", sender=None, arguments={}, robust=True
    )
    begun = recorder.response_begun(dispatch, "receiver")
    recorder.response_ended(begun, None, ValueError(f"login(user='ada', token='{SECRET}')"))
    failure = dispatch.responses[0].failure
    assert failure is not None
    assert SECRET not in str(failure)
    assert "user='ada'" in failure.message


keys = st.text(max_size=10) | st.integers() | st.none() | st.booleans()
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**400, max_value=10**401)
    | st.floats()
    | st.text(st.characters(), max_size=300)
    | st.binary(max_size=300)
    | st.dates()
    | st.decimals()
    | st.builds(Broken)
    | st.builds(object)
    | st.complex_numbers()
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=30)
        | st.tuples(inner, inner)
        | st.dictionaries(keys, inner, max_size=30)
        | st.builds(Login, st.text(max_size=10), st.text(max_size=10), inner)
    ),
    max_leaves=20,
)


@unhurried
@given(values)
def test_any_value_has_a_representation_that_is_bounded_and_fit_for_json(value: Any) -> None:
    kept = represent(value)
    text = json.dumps(kept, allow_nan=False)
    assert isinstance(kept, list) or kept is None or isinstance(kept, bool | int | float | str)
    if isinstance(kept, str):
        assert len(kept) <= LONGEST
    elif isinstance(kept, list):
        assert len(repr(kept)) <= LONGEST
        assert all(item is None or isinstance(item, bool | int | float | str) for item in kept)
    assert json.loads(text) == kept
    assert represent(value) == kept


secret_names = st.sampled_from(["password", "db_password", "api_key", "token", "secret"])
secrets = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=8, max_size=40)


@st.composite
def values_with_a_secret(draw: st.DrawFn) -> tuple[Any, str]:
    """A value in which a secret stands under a name that says so, somewhere deep."""
    secret = SECRET + draw(secrets)
    value: Any = {draw(secret_names): draw(st.sampled_from([secret, [secret], {"x": secret}]))}
    for _ in range(draw(st.integers(0, 3))):
        around = draw(st.sampled_from(["list", "tuple", "dict", "dataclass"]))
        if around == "list":
            value = [value]
        elif around == "tuple":
            value = (1, value)
        elif around == "dict":
            value = {"inner": value}
        else:
            value = Login("ada", secret, value)
    return value, secret


@unhurried
@given(values_with_a_secret())
def test_no_representation_contains_what_is_passed_under_a_secret_name(
    case: tuple[Any, str],
) -> None:
    value, secret = case
    assert SECRET not in json.dumps(represent(value))
    assert SECRET not in json.dumps(represent(secret, "token"))
    assert SECRET not in json.dumps(represent(Login("ada", secret)))


@unhurried
@given(secret_names, st.sampled_from(["=", ":="]), st.text(max_size=9), st.text(max_size=9))
def test_no_command_line_contains_what_is_given_for_a_field_of_a_secret_name(
    name: str, sign: str, before: str, after: str
) -> None:
    line = describe_command_line(["signalcli", f"{name}{sign}{before}{SECRET}{after}", "a=b c"])
    assert SECRET not in line
    assert line.endswith(" 'a=b c'")


def test_the_place_of_a_failure_is_the_programs_own_line() -> None:
    # json raises it, deep inside; the line below is the one to mend.
    try:
        json.loads("{")
    except ValueError as error:
        failure = describe_failure(error)
    assert failure.file == __file__
    assert Path(failure.file).read_text("utf-8").splitlines()[failure.line - 1].strip() == (
        'json.loads("{")'
    )


def test_the_place_of_a_failure_that_is_a_librarys_alone_is_where_it_was_raised() -> None:
    with pytest.raises(ValueError) as caught:
        json.loads("{")
    inner = caught.value.__traceback__
    assert inner is not None
    failure = describe_failure(caught.value.with_traceback(inner.tb_next))
    assert Path(failure.file).name == "decoder.py"
