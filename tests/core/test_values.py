"""The rules for what users type in, with Django as the judge."""

import unicodedata

import pytest
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from signalcli.core.values import checked_email, checked_name, checked_username, normal_username
from signalcli.errors import InvalidValue

# A busy machine may take its time over an example.
unhurried = settings(deadline=None)

anything = st.text(st.characters(), max_size=160)
likely = st.text(
    st.sampled_from("abzAZ09@.+-_ éüßñΩж中あ\u0301\u0308\uff41\u00b2ﬁ\n\t[]\x1b"), max_size=160
)


def django_accepts(username: str) -> bool:
    """Django's verdict: the model's validator and length, on the normal form it stores."""
    normal = unicodedata.normalize("NFKC", username)
    try:
        UnicodeUsernameValidator()(normal)
    except ValidationError:
        return False
    return len(normal) <= 150


@unhurried
@given(anything | likely)
def test_a_username_is_accepted_where_django_accepts_it(username: str) -> None:
    try:
        kept = checked_username(username)
    except InvalidValue:
        assert not django_accepts(username)
    else:
        assert django_accepts(username)
        assert kept == unicodedata.normalize("NFKC", username) == normal_username(username)


@pytest.mark.parametrize(
    "username", ["a", "a" * 150, "a.b@c+d-e_f", "josé", "Ωmega", "山田", "مريم", "1", "-", "@"]
)
def test_a_good_username_is_kept(username: str) -> None:
    assert checked_username(username) == username


@pytest.mark.parametrize(
    ("username", "told"),
    [
        ("", "empty"),
        ("a" * 151, "151 characters"),
        ("\ufdfa" * 20, "characters"),
        ("a b", "'a b'"),
        ("a\n", r"'a\n'"),
        ("\x1b[31m", r"'\x1b[31m'"),
        ("[bold]x", "'[bold]x'"),
        ("a/b", "'a/b'"),
        ("😀", "'😀'"),
    ],
)
def test_a_bad_username_is_refused_with_its_reason(username: str, told: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        checked_username(username)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "email", ["a@mail.com", "first.last+tag@sub.mail.co.uk", "jörg@mail.com", "a@münchen.de"]
)
def test_a_good_email_is_kept(email: str) -> None:
    assert checked_email(email) == email


def test_the_domain_of_an_email_is_kept_in_lower_case() -> None:
    assert checked_email("Ada@MAIL.com") == "Ada@mail.com"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "nowhere",
        "a@",
        "@mail.com",
        "a b@mail.com",
        "a@mail",
        "a@@mail.com",
        "a@mail.com\n",
        "a\x1b@mail.com",
        "Ada <a@mail.com>",
        "a@" + "m" * 300 + ".com",
        "\udcff@mail.com",
    ],
)
def test_a_bad_email_is_refused_and_named(email: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        checked_email(email)
    assert "email" in str(caught.value)
    assert repr(email)[1:20] in str(caught.value)
    assert "\n" not in str(caught.value)


@unhurried
@given(st.text(st.characters(), max_size=30))
def test_any_text_is_an_email_that_is_kept_or_is_refused(email: str) -> None:
    for text in (email, f"{email}@mail.com", f"ada@{email}.com"):
        try:
            kept = checked_email(text)
        except InvalidValue as refusal:
            assert "\n" not in str(refusal)  # noqa: PT017  # either outcome is right
        else:
            assert checked_email(kept) == kept
            assert len(kept) <= 254


labels = st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True)
domains = st.builds(
    lambda below, top: ".".join([*below, top]),
    st.lists(labels, min_size=0, max_size=3),
    st.sampled_from(["com", "org", "net", "de", "io", "test", "arpa", "local", "c", "c1"]),
)
likely_domains = st.text(st.sampled_from("abz09-.x@_A"), max_size=70).map(lambda text: f"{text}.de")


@unhurried
@given(st.text(st.sampled_from("abz09_+-.'A"), max_size=66), domains | likely_domains)
def test_an_email_is_kept_or_refused_as_the_library_says(local: str, domain: str) -> None:
    email = f"{local}@{domain}"
    try:
        normal = validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError:
        with pytest.raises(InvalidValue):
            checked_email(email)
    else:
        assert checked_email(email) == normal


@pytest.mark.parametrize(
    "name", ["", "A", "n" * 20, "[bold]", "👩🏽‍🚀", "مريم", "Zoe\u0308", "O'Neil"]
)
def test_a_good_name_is_kept_as_it_is(name: str) -> None:
    assert checked_name(name, "first name") == name


@pytest.mark.parametrize("name", ["n" * 21, "a\nb", "\x1b[31m", "\x00", "\udcff", "a\u2028b"])
def test_a_bad_name_is_refused_and_named(name: str) -> None:
    with pytest.raises(InvalidValue, match="last name"):
        checked_name(name, "last name")


@unhurried
@given(st.text(st.characters(), max_size=25))
def test_a_name_that_is_kept_fits_and_can_be_stored(name: str) -> None:
    try:
        kept = checked_name(name, "first name")
    except InvalidValue:
        assert len(name) > 20 or not name.isprintable()
    else:
        assert kept == name
        assert len(name) <= 20
        name.encode()
        assert not set(name) & set(map(chr, (*range(32), *range(0x7F, 0xA0))))
