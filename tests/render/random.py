"""Any tree of dispatches, for tests of whatever is made of traces."""

import contextvars

from hypothesis import strategies as st

from signalcli.render.document import dispatches_of
from signalcli.trace import Recorder

texts = st.text(st.characters(), max_size=20)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.binary(max_size=5)
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=5
)


class Case:
    """A trace, with a short repr for the reports of failing examples."""

    def __init__(self) -> None:
        self.recorder = Recorder()

    def __repr__(self) -> str:
        return repr(dispatches_of(self.recorder.trace))[:2000]


@st.composite
def traces(draw: st.DrawFn) -> Case:
    """Any tree of dispatches, finished or not."""
    case = Case()
    recorder = case.recorder

    def dispatch(depth: int) -> None:
        begun = recorder.dispatch_begun(
            signal=draw(texts),
            signal_path=draw(texts),
            sender=draw(st.none() | texts),
            arguments=draw(st.dictionaries(texts, values, max_size=3)),
            robust=draw(st.booleans()),
        )
        for _ in range(draw(st.integers(0, 2))):
            response = recorder.response_begun(begun, draw(texts))
            response[0].add_output(draw(texts))
            for _ in range(draw(st.integers(0, 2)) if depth < 2 else 0):
                dispatch(depth + 1)
            error = ValueError(draw(texts)) if draw(st.booleans()) else None
            recorder.response_ended(response, draw(values), error)
        if draw(st.booleans()):
            recorder.dispatch_ended(begun)

    # In a context of its own, since an example that is given up leaves responses unfinished.
    for _ in range(draw(st.integers(0, 3))):
        contextvars.copy_context().run(dispatch, 0)
    return case
