"""Text made fit for the formats that browsers read."""

import re

from signalcli.render.text import visible
from signalcli.trace.records import encodable

# XML has no way to write them, not even as references.
_UNFIT = re.compile("[\ufffe\uffff]")


def fit_for_markup(text: str) -> str:
    """The text, with whatever XML or UTF-8 could not carry, or a reader could not see, spelled out.

    Nothing is escaped: it may be a single name as well as a whole document.
    """
    text = visible(encodable(text))
    return _UNFIT.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
