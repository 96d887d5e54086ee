"""Spans for OpenTelemetry: a line of OTLP/JSON, as its file exporter writes it.

A run is a trace. Its root span is the run itself; its children are the dispatches, theirs the
responses, and theirs the dispatches that a response caused. Attributes are named by OpenTelemetry's
semantic conventions (``process``, ``code``, ``error``, ``exception``), and in the namespace
``signalcli`` where these have no name. Ids are derived from the run: a second export gives the same
text, and importing both makes one trace.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

from signalcli import __version__
from signalcli.log.runs import Run
from signalcli.render.exports import MissingExtra
from signalcli.trace.records import (
    Dispatch,
    Failure,
    Representation,
    Response,
    Trace,
    encodable,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import (  # type: ignore[import-not-found,unused-ignore]
        Event,
        ReadableSpan,
    )
    from opentelemetry.trace import Status  # type: ignore[import-not-found,unused-ignore]

Attributes = dict[str, Representation]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROOT = "run"


@dataclass(slots=True, frozen=True, kw_only=True)
class _Span:
    """A span without OpenTelemetry's classes; times are on the recorder's clock.

    Attributes:
        key: the source of its id, unique in the run.
        parent: the parent's key, or None for the root.
        error: the message of its error, or None.
        failure: the exception that ended it, or None.
    """

    key: str
    parent: str | None
    name: str
    begun: float
    ended: float
    attributes: Attributes
    error: str | None = None
    failure: Failure | None = None


def export(run: Run, trace: Trace) -> str:
    """The run's spans as one line of JSON.

    Raises:
        MissingExtra: the packages of the extra ``otlp`` are not installed.
    """
    try:
        from opentelemetry.exporter.otlp.json.file import (  # type: ignore[import-not-found,unused-ignore]
            FileSpanExporter,
        )
        from opentelemetry.sdk.trace.export import (  # type: ignore[import-not-found,unused-ignore]
            SpanExportResult,
        )
    except ImportError as missing:
        raise MissingExtra("otlp", "otlp") from missing
    lines = io.StringIO()
    result = FileSpanExporter(stream=lines).export(_sdk_spans(run, trace))
    if result is not SpanExportResult.SUCCESS:
        # The exporter has logged the reason.
        raise RuntimeError("OpenTelemetry's exporter could not write the spans")
    return lines.getvalue()


def _spans(run: Run, trace: Trace) -> Iterator[_Span]:
    """The root, then each dispatch with its responses."""
    ended = run.seconds if trace.ended is None else trace.ended
    # The run's clock is not the recorder's, and a root that ends before its children confuses
    # viewers.
    yield _span_of_run(run, max(run.seconds, ended))
    keys = {
        response: f"{dispatch.seq}.{place}"
        for dispatch in trace.dispatches
        for place, response in enumerate(dispatch.responses)
    }
    for dispatch in trace.dispatches:
        parent = _ROOT if dispatch.parent is None else keys.get(dispatch.parent, _ROOT)
        yield _span_of_dispatch(dispatch, parent, ended)
        for response in dispatch.responses:
            yield _span_of_response(response, keys[response], ended)


def _span_of_run(run: Run, ended: float) -> _Span:
    attributes: Attributes = {
        "process.command_line": encodable(run.command_line),
        "process.exit.code": run.exit_code,
        "signalcli.run.rolled_back": run.is_rolled_back,
    }
    if run.number is not None:
        attributes["signalcli.run.number"] = run.number
    if run.message:
        attributes["signalcli.run.message"] = encodable(run.message)
    if run.users:
        attributes["signalcli.run.users"] = [encodable(user) for user in run.users]
    has_failed = run.error_code is not None or run.exit_code != 0
    if has_failed:
        attributes["error.type"] = encodable(run.error_code or str(run.exit_code))
    return _Span(
        key=_ROOT,
        parent=None,
        name=encodable(run.command),
        begun=0.0,
        ended=ended,
        attributes=attributes,
        error=encodable(run.error_message or "") if has_failed else None,
    )


def _span_of_dispatch(dispatch: Dispatch, parent: str, trace_ended: float) -> _Span:
    attributes: Attributes = {
        "signalcli.dispatch.seq": dispatch.seq,
        "signalcli.dispatch.robust": dispatch.robust,
        "signalcli.signal.name": dispatch.signal,
        "signalcli.signal.path": dispatch.signal_path,
    }
    if dispatch.muted:
        attributes["signalcli.dispatch.muted"] = True
    if dispatch.sender is not None:
        attributes["signalcli.sender"] = dispatch.sender
    for name, value in dispatch.arguments.items():
        attributes[f"signalcli.argument.{name}"] = value
    failure = _failure_of(dispatch)
    return _Span(
        key=str(dispatch.seq),
        parent=parent,
        name=f"send {dispatch.signal}",
        begun=dispatch.begun,
        ended=_end(dispatch, trace_ended),
        attributes=attributes | _state(dispatch, failure),
        error=None if failure is None else str(failure),
    )


def _span_of_response(response: Response, key: str, trace_ended: float) -> _Span:
    attributes: Attributes = {"code.function.name": response.receiver}
    attributes |= _place(response.file, response.line)
    if not response.has_raised and response.seconds is not None:
        attributes["signalcli.response.value"] = response.value
    if response.output:
        attributes["signalcli.response.output"] = response.output
    if response.omitted:
        attributes["signalcli.response.output_omitted"] = response.omitted
    if response.injected is not None:
        attributes["signalcli.response.injected.failure"] = response.injected.failure
        attributes["signalcli.response.injected.delay"] = response.injected.delay
    failure = response.failure
    if failure is not None and failure.function:
        attributes["signalcli.response.on_commit"] = failure.function
    return _Span(
        key=key,
        parent=str(response.dispatch.seq),
        name=response.short_receiver,
        begun=response.begun,
        ended=_end(response, trace_ended),
        attributes=attributes | _state(response, failure),
        error=None if failure is None else str(failure),
        failure=failure,
    )


def _failure_of(dispatch: Dispatch) -> Failure | None:
    """The failure that the sender met; a robust dispatch returns exceptions instead."""
    if dispatch.robust:
        return None
    failed = (response for response in dispatch.responses if response.has_raised)
    return next((response.failure for response in failed), None)


def _state(record: Dispatch | Response, failure: Failure | None) -> Attributes:
    attributes: Attributes = {}
    if failure is not None:
        attributes["error.type"] = failure.type
    if record.seconds is None:
        attributes["signalcli.unfinished"] = True
    return attributes


def _place(file: str, line: int) -> Attributes:
    return {"code.file.path": file, "code.line.number": line} if file else {}


def _end(record: Dispatch | Response, trace_ended: float) -> float:
    if record.seconds is None:
        return max(record.begun, trace_ended)
    return record.begun + record.seconds


def _sdk_spans(run: Run, trace: Trace) -> "list[ReadableSpan]":
    """The spans as OpenTelemetry's classes.

    They are made without a tracer, and their resource without its factory: both would read
    variables of the environment, which say nothing about a past run.
    """
    from opentelemetry.sdk.resources import (  # type: ignore[import-not-found,unused-ignore]
        Resource,
    )
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import (  # type: ignore[import-not-found,unused-ignore]
        InstrumentationScope,
    )
    from opentelemetry.semconv.schemas import (  # type: ignore[import-not-found,unused-ignore]
        Schemas,
    )
    from opentelemetry.trace import SpanContext, TraceFlags

    schema = Schemas.V1_43_0.value
    resource = Resource(_resource_attributes(), schema)
    scope = InstrumentationScope("signalcli", __version__, schema)
    trace_id = _trace_id(run)

    def context(key: str) -> SpanContext:
        flags = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(trace_id, _span_id(trace_id, key), is_remote=False, trace_flags=flags)

    return [
        ReadableSpan(
            span.name,
            context=context(span.key),
            parent=None if span.parent is None else context(span.parent),
            resource=resource,
            attributes=span.attributes,
            events=_events(run, span),
            status=_status(span),
            start_time=_unix_nanoseconds(run, span.begun),
            end_time=_unix_nanoseconds(run, span.ended),
            instrumentation_scope=scope,
        )
        for span in _spans(run, trace)
    ]


def _resource_attributes() -> dict[str, str]:
    from opentelemetry.sdk.version import (  # type: ignore[import-not-found,unused-ignore]
        __version__ as sdk_version,
    )

    return {
        "service.name": "signalcli",
        "service.version": __version__,
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": sdk_version,
    }


def _events(run: Run, span: _Span) -> "list[Event]":
    from opentelemetry.sdk.trace import Event

    if span.failure is None:
        return []
    attributes: Attributes = {
        "exception.type": span.failure.type,
        "exception.message": span.failure.message,
        **_place(span.failure.file, span.failure.line),
    }
    return [Event("exception", attributes, _unix_nanoseconds(run, span.ended))]


def _status(span: _Span) -> "Status":
    from opentelemetry.trace import Status, StatusCode

    if span.error is None:
        return Status(StatusCode.UNSET)
    return Status(StatusCode.ERROR, span.error)


def _trace_id(run: Run) -> int:
    identity = (run.number, run.begun.isoformat(), run.command_line, run.exit_code, run.seconds)
    return _digest(repr(identity), size=16)


def _span_id(trace_id: int, key: str) -> int:
    return _digest(f"{trace_id} {key}", size=8)


def _digest(text: str, size: int) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=size).digest(), "big")


def _unix_nanoseconds(run: Run, seconds: float) -> int:
    # Whole numbers: a float has no room for the nanoseconds of our century.
    begun = (run.begun.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
    return begun * 1000 + round(seconds * 1_000_000_000)
