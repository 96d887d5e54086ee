"""Text in UTF-8, and what is none."""


def encoding_fault(error: UnicodeDecodeError) -> str:
    """Where a line is no UTF-8, counted in bytes from 1."""
    byte = error.object[error.start]
    return f"no UTF-8: byte 0x{byte:02x} at position {error.start + 1}"


def decoded(line: bytes) -> str:
    """A line that is no UTF-8, as text of the same structure."""
    return line.decode(errors="replace")


def is_storable(text: str) -> bool:
    """Whether a text is one for others, too: no NUL, no half of a surrogate pair."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
