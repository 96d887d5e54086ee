"""Text from users and receivers, made harmless to a terminal."""

import re

from rich.text import Text

# With what turns the direction of all that follows, and would show a text in another's place.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """The text with its control characters spelled out, but for line ends and tabs."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def plain(text: str, style: str = "") -> Text:
    """A text for Rich that is shown as it is: no markup, no emoji codes, no escapes."""
    return Text(visible(text), style=style)
