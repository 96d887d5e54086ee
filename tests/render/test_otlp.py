"""Runs as OpenTelemetry's spans: what OTLP/JSON demands, and what its own messages make of it."""

import base64
import contextvars
import json
import os
import pkgutil
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import opentelemetry.semconv._incubating.attributes
import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status, TracesData
from opentelemetry.sdk.resources import Resource

from signalcli import __version__
from signalcli.dispatch import Signal
from signalcli.log.runs import Run
from signalcli.render.exports import export
from signalcli.trace import Dispatch, Faults, Recorder, Response, Trace, injected, record
from tests import processes
from tests.render.random import Case, texts, traces

unhurried = settings(deadline=None)

BEGUN = datetime(2026, 11, 22, 21, 20, 19, 654321)
RUN = Run(
    number=7,
    begun=BEGUN,
    command="register",
    command_line="signalcli register xyz --email xyz@mail.com",
    exit_code=0,
    seconds=1.5,
    message="Registered xyz",
    users=("xyz",),
)
FAILED = replace(RUN, exit_code=1, error_code="receiver_failed", error_message="relay failed: no")

IDS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}
LONG_NUMBERS = {"startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "intValue"}
ENUMS = {"kind", "code"}

outer = Signal()
inner = Signal()

runs = st.builds(
    Run,
    number=st.none() | st.integers(1, 2**53),
    begun=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)),
    command=texts,
    command_line=texts,
    exit_code=st.integers(0, 255),
    seconds=st.floats(0, 1e6),
    is_rolled_back=st.booleans(),
    message=texts,
    error_code=st.none() | texts,
    error_message=st.none() | texts,
    users=st.lists(texts, max_size=3).map(tuple),
)


def relay(**kwargs: Any) -> str:
    print("on its way")
    inner.send_robust("deep", created=True, names=["a", None, 1, 0.5], using=None)
    return "sent"


def fail(**kwargs: Any) -> None:
    raise LookupError("gone")


@pytest.fixture
def nested() -> Trace:
    """A dispatch whose receiver sends another one, which a receiver fails."""
    recorder = Recorder()
    with outer.connected_to(relay), inner.connected_to(fail), record(recorder):
        outer.send(None)
    return recorder.trace


def line_of(run: Run, trace: Trace) -> str:
    text = export("otlp", run, trace)
    assert text.endswith("\n")
    (line,) = text.encode().splitlines()
    return line.decode()


def document_of(run: Run, trace: Trace) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(line_of(run, trace), parse_constant=_refuse)
    return document


def _refuse(constant: str) -> None:
    raise AssertionError(constant)


def with_ids(value: Any, turned: Any) -> Any:
    """A document with its ids turned into another notation."""
    if isinstance(value, list):
        return [with_ids(item, turned) for item in value]
    if isinstance(value, dict):
        return {
            key: turned(item) if key in IDS else with_ids(item, turned)
            for key, item in value.items()
        }
    return value


def base64_of(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def hexadecimal_of(text: str) -> str:
    return base64.b64decode(text, validate=True).hex()


def parsed(document: dict[str, Any], message: Any) -> Any:
    """A protobuf message; fails where it does not know a field."""
    return json_format.Parse(json.dumps(with_ids(document, base64_of)), message)


def spans_of(run: Run, trace: Trace) -> list[Any]:
    data = parsed(document_of(run, trace), TracesData())
    (of_resource,) = data.resource_spans
    (of_scope,) = of_resource.scope_spans
    return list(of_scope.spans)


def plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    return None if kind is None else getattr(value, kind)


def attributes_of(owner: Any) -> dict[str, Any]:
    attributes = {attribute.key: plain(attribute.value) for attribute in owner.attributes}
    assert len(attributes) == len(owner.attributes)
    return attributes


def items_of(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key of a document, at any depth, with its value."""
    if isinstance(value, list):
        for item in value:
            yield from items_of(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key, item
            yield from items_of(item)


def records_of(trace: Trace) -> list[Dispatch | Response]:
    """The records in the order of their spans."""
    records: list[Dispatch | Response] = []
    for dispatch in trace.dispatches:
        records += [dispatch, *dispatch.responses]
    return records


class TestEncoding:
    @unhurried
    @given(runs, traces())
    def test_whatever_happened_is_encoded_by_the_rules(self, run: Run, case: Case) -> None:
        document = document_of(run, case.recorder.trace)
        assert list(document) == ["resourceSpans"]
        for key, value in items_of(document):
            assert re.fullmatch("[a-z]+([A-Z][a-z]+)*", key)
            assert value is not None
            if key in IDS:
                assert re.fullmatch("[0-9a-f]+", value)
                assert len(value) == 2 * IDS[key]
                assert set(value) != {"0"}
            if key in LONG_NUMBERS:
                assert isinstance(value, str)
                assert re.fullmatch("0|-?[1-9][0-9]*", value)
            if key in ENUMS:
                assert type(value) is int

    @unhurried
    @given(runs, traces())
    def test_the_real_messages_keep_all_of_it(self, run: Run, case: Case) -> None:
        document = document_of(run, case.recorder.trace)
        for message in (TracesData(), ExportTraceServiceRequest()):
            parsed(document, message)
            again = type(message).FromString(message.SerializeToString())
            written = json_format.MessageToDict(again, use_integers_for_enums=True)
            assert with_ids(written, hexadecimal_of) == document

    @unhurried
    @given(runs, traces())
    def test_nothing_that_a_trace_says_is_lost(self, run: Run, case: Case) -> None:
        root, *spans = spans_of(run, case.recorder.trace)
        assert attributes_of(root)["process.exit.code"] == run.exit_code
        for span, kept in zip(spans, records_of(case.recorder.trace), strict=True):
            attributes = attributes_of(span)
            if isinstance(kept, Dispatch):
                assert span.name == f"send {kept.signal}"
                assert attributes["signalcli.signal.path"] == kept.signal_path
                assert attributes.get("signalcli.sender") == kept.sender
                assert attributes["signalcli.dispatch.robust"] == kept.robust
                prefix = "signalcli.argument."
                arguments = {
                    key.removeprefix(prefix): value
                    for key, value in attributes.items()
                    if key.startswith(prefix)
                }
                assert arguments == kept.arguments
            else:
                assert span.name == kept.short_receiver
                assert attributes["code.function.name"] == kept.receiver
                assert attributes.get("signalcli.response.output", "") == kept.output
                is_done = kept.failure is None and kept.seconds is not None
                assert ("signalcli.response.value" in attributes) == is_done
                assert attributes.get("signalcli.response.value") == kept.value

    def test_text_is_ascii_and_on_one_line(self) -> None:
        recorder = Recorder()
        with record(recorder):
            outer.send("Zoë\n\u2028😀\udcff")
        line = line_of(RUN, recorder.trace)
        assert line.isascii()
        span = spans_of(RUN, recorder.trace)[1]
        assert attributes_of(span)["signalcli.sender"] == "Zoë\n\u2028😀\\udcff"

    def test_what_no_file_could_hold_is_spelled_out(self) -> None:
        odd = "\udcff"
        run = replace(
            RUN,
            command=odd,
            command_line=odd,
            message=odd,
            error_code=odd,
            error_message=odd,
            users=(odd,),
        )
        (span,) = spans_of(run, Trace())
        attributes = attributes_of(span)
        assert {
            span.name,
            span.status.message,
            attributes["process.command_line"],
            attributes["signalcli.run.message"],
            attributes["error.type"],
            *attributes["signalcli.run.users"],
        } == {"\\udcff"}

    def test_values_keep_their_types(self, nested: Trace) -> None:
        attributes = attributes_of(spans_of(RUN, nested)[3])
        assert attributes["signalcli.argument.created"] is True
        assert attributes["signalcli.argument.names"] == ["a", None, 1, 0.5]
        assert attributes["signalcli.argument.using"] is None

    def test_numbers_have_64_bits_or_are_text(self) -> None:
        recorder = Recorder()
        with record(recorder):
            outer.send(None, most=2**63 - 1, more=2**63, least=-(2**63) + 1, nan=float("nan"))
        attributes = attributes_of(spans_of(RUN, recorder.trace)[1])
        assert attributes["signalcli.argument.most"] == 2**63 - 1
        assert attributes["signalcli.argument.more"] == str(2**63)
        assert attributes["signalcli.argument.least"] == -(2**63) + 1
        assert attributes["signalcli.argument.nan"] == "nan"


class TestTree:
    def test_spans_hang_together_as_the_trace_does(self, nested: Trace) -> None:
        spans = spans_of(RUN, nested)
        names = {span.span_id: span.name for span in spans} | {b"": None}
        assert [(span.name, names[span.parent_span_id]) for span in spans] == [
            ("register", None),
            ("send outer", "register"),
            ("relay", "send outer"),
            ("send inner", "relay"),
            ("fail", "send inner"),
        ]

    @unhurried
    @given(runs, traces())
    def test_any_tree_keeps_its_shape_in_one_trace(self, run: Run, case: Case) -> None:
        root, *spans = spans_of(run, case.recorder.trace)
        assert len({span.span_id for span in [root, *spans]}) == len(spans) + 1
        assert {span.trace_id for span in spans} <= {root.trace_id}
        assert root.parent_span_id == b""
        records = records_of(case.recorder.trace)
        ids = {kept: span.span_id for kept, span in zip(records, spans, strict=True)}
        for kept, span in zip(records, spans, strict=True):
            parent = kept.parent if isinstance(kept, Dispatch) else kept.dispatch
            assert span.parent_span_id == (root.span_id if parent is None else ids[parent])

    def test_every_span_is_internal_and_knows_that_its_parent_is_no_remote_one(
        self, nested: Trace
    ) -> None:
        for span in spans_of(RUN, nested):
            assert span.kind == Span.SPAN_KIND_INTERNAL
            assert span.flags & 0x300 == 0x100

    def test_a_dispatch_whose_cause_is_of_another_trace_is_a_child_of_the_run(
        self, nested: Trace
    ) -> None:
        part = Trace(dispatches=nested.dispatches[1:], ended=nested.ended)
        root, dispatch, _ = spans_of(RUN, part)
        assert dispatch.parent_span_id == root.span_id

    def test_a_run_without_dispatches_is_one_span(self) -> None:
        (span,) = spans_of(RUN, Trace())
        assert (span.name, span.parent_span_id) == ("register", b"")
        assert span.end_time_unix_nano - span.start_time_unix_nano == 1_500_000_000


class TestTime:
    def test_the_run_begins_when_it_began_to_the_microsecond(self) -> None:
        span = spans_of(RUN, Trace())[0]
        assert span.start_time_unix_nano == 1795382419_654321_000

    def test_times_nest(self, nested: Trace) -> None:
        spans = spans_of(RUN, nested)
        by_id = {span.span_id: span for span in spans}
        for span in spans:
            assert span.start_time_unix_nano <= span.end_time_unix_nano
            if span.parent_span_id:
                parent = by_id[span.parent_span_id]
                assert parent.start_time_unix_nano <= span.start_time_unix_nano
                assert span.end_time_unix_nano <= parent.end_time_unix_nano

    def test_a_record_begins_and_ends_where_the_clock_says(self, nested: Trace) -> None:
        root, *spans = spans_of(RUN, nested)
        for span, kept in zip(spans, records_of(nested), strict=True):
            assert kept.seconds is not None
            begun = span.start_time_unix_nano - root.start_time_unix_nano
            ended = span.end_time_unix_nano - root.start_time_unix_nano
            assert begun == pytest.approx(kept.begun * 1e9, abs=1)
            assert ended == pytest.approx((kept.begun + kept.seconds) * 1e9, abs=1)

    def test_the_root_ends_with_the_run(self, nested: Trace) -> None:
        root = spans_of(RUN, nested)[0]
        assert root.end_time_unix_nano - root.start_time_unix_nano == 1_500_000_000

    def test_the_root_ends_no_earlier_than_the_trace(self, nested: Trace) -> None:
        root, first, *_ = spans_of(replace(RUN, seconds=0.0), nested)
        assert root.end_time_unix_nano >= first.end_time_unix_nano


class TestUnfinished:
    @staticmethod
    def unfinished() -> Recorder:
        recorder = Recorder()
        dispatch = recorder.dispatch_begun(
            signal="s", signal_path="a.s", sender=None, arguments={}, robust=False
        )
        contextvars.copy_context().run(recorder.response_begun, dispatch, "a.r")
        return recorder

    def test_what_goes_on_ends_with_the_trace_and_says_so(self) -> None:
        recorder = self.unfinished()
        recorder.ended()
        ended = recorder.trace.ended
        assert ended is not None
        root, *spans = spans_of(RUN, recorder.trace)
        for span in spans:
            assert attributes_of(span)["signalcli.unfinished"] is True
            assert "signalcli.response.value" not in attributes_of(span)
            assert span.status.code == Status.STATUS_CODE_UNSET
            lasted = span.end_time_unix_nano - root.start_time_unix_nano
            assert lasted == pytest.approx(ended * 1e9, abs=1)

    def test_as_long_as_the_trace_goes_on_it_ends_with_the_run(self) -> None:
        root, *spans = spans_of(RUN, self.unfinished().trace)
        assert {span.end_time_unix_nano for span in spans} == {root.end_time_unix_nano}

    def test_what_began_after_the_end_lasts_no_time(self) -> None:
        recorder = Recorder()
        recorder.ended()
        recorder.dispatch_begun(
            signal="s", signal_path="a.s", sender=None, arguments={}, robust=False
        )
        span = spans_of(RUN, recorder.trace)[1]
        assert span.start_time_unix_nano == span.end_time_unix_nano

    def test_a_receiver_that_still_runs_in_a_thread_is_exported(self) -> None:
        recorder, goes_on, may_end = Recorder(), threading.Event(), threading.Event()

        def wait(**kwargs: Any) -> None:
            goes_on.set()
            may_end.wait()

        with outer.connected_to(wait):
            with record(recorder):
                thread = threading.Thread(target=outer.send, args=("thread",))
                thread.start()
                goes_on.wait()
            spans = spans_of(RUN, recorder.trace)
            may_end.set()
            thread.join()
        assert [span.name for span in spans] == ["register", "send outer", "wait"]
        assert all(attributes_of(span)["signalcli.unfinished"] for span in spans[1:])
        after = spans_of(RUN, recorder.trace)
        assert not any("signalcli.unfinished" in attributes_of(span) for span in after)

    def test_what_is_finished_does_not_say_that_it_is_not(self, nested: Trace) -> None:
        for span in spans_of(RUN, nested):
            assert "signalcli.unfinished" not in attributes_of(span)


class TestOutcome:
    def test_a_failed_response_has_a_status_and_an_exception(self, nested: Trace) -> None:
        span = spans_of(RUN, nested)[4]
        assert span.status.code == Status.STATUS_CODE_ERROR
        assert span.status.message == "LookupError: gone"
        (event,) = span.events
        assert (event.name, event.time_unix_nano) == ("exception", span.end_time_unix_nano)
        attributes = attributes_of(event)
        line = fail.__code__.co_firstlineno
        assert attributes == {
            "exception.type": "LookupError",
            "exception.message": "gone",
            "code.file.path": __file__,
            "code.line.number": line + 1,
        }
        assert attributes_of(span) == {
            "code.function.name": f"{__name__}.fail",
            "code.file.path": __file__,
            "code.line.number": line,
            "error.type": "LookupError",
        }

    def test_a_robust_dispatch_is_no_error(self, nested: Trace) -> None:
        span = spans_of(RUN, nested)[3]
        assert attributes_of(span)["signalcli.dispatch.robust"] is True
        assert span.status.code == Status.STATUS_CODE_UNSET

    def test_a_dispatch_that_raised_is_an_error_without_an_event_of_its_own(self) -> None:
        recorder = Recorder()
        with outer.connected_to(fail), record(recorder), pytest.raises(LookupError):
            outer.send(None)
        span = spans_of(FAILED, recorder.trace)[1]
        assert (span.status.code, span.status.message) == (
            Status.STATUS_CODE_ERROR,
            "LookupError: gone",
        )
        assert attributes_of(span)["error.type"] == "LookupError"
        assert not span.events

    def test_a_response_says_what_came_back_and_what_it_printed(self, nested: Trace) -> None:
        span = spans_of(RUN, nested)[2]
        assert span.status.code == Status.STATUS_CODE_UNSET
        assert not span.events
        attributes = attributes_of(span)
        assert attributes["signalcli.response.value"] == "sent"
        assert attributes["signalcli.response.output"] == "on its way\n"
        assert "signalcli.response.output_omitted" not in attributes

    def test_none_is_an_answer(self) -> None:
        recorder = Recorder()
        with outer.connected_to(lambda **kwargs: None), record(recorder):
            outer.send(None)
        attributes = attributes_of(spans_of(RUN, recorder.trace)[2])
        assert attributes["signalcli.response.value"] is None

    def test_how_much_of_the_output_is_not_there(self) -> None:
        recorder = Recorder()
        with outer.connected_to(lambda **kwargs: print("x" * 5000)), record(recorder):
            outer.send(None)
        attributes = attributes_of(spans_of(RUN, recorder.trace)[2])
        assert attributes["signalcli.response.output"] == "x" * 4096
        assert attributes["signalcli.response.output_omitted"] == 5001 - 4096

    def test_faults_on_purpose_are_said(self) -> None:
        recorder = Recorder()
        with (
            outer.connected_to(relay),
            record(recorder),
            injected(Faults(fail=["relay"], delay={"relay": 0.001})),
        ):
            outer.send_robust(None)
        with record(recorder), injected(Faults(mute=["outer"])):
            outer.send(None)
        _, sent, failed, muted = map(attributes_of, spans_of(RUN, recorder.trace))
        assert failed["signalcli.response.injected.failure"] is True
        assert failed["signalcli.response.injected.delay"] == 0.001
        assert failed["error.type"] == "InjectedFault"
        assert "signalcli.dispatch.muted" not in sent
        assert muted["signalcli.dispatch.muted"] is True

    def test_a_run_that_did_it_is_no_error(self) -> None:
        (span,) = spans_of(RUN, Trace())
        assert span.status.code == Status.STATUS_CODE_UNSET
        assert attributes_of(span) == {
            "process.command_line": "signalcli register xyz --email xyz@mail.com",
            "process.exit.code": 0,
            "signalcli.run.number": 7,
            "signalcli.run.rolled_back": False,
            "signalcli.run.message": "Registered xyz",
            "signalcli.run.users": ["xyz"],
        }

    def test_a_run_that_failed_says_why(self) -> None:
        (span,) = spans_of(FAILED, Trace())
        assert span.status.code == Status.STATUS_CODE_ERROR
        assert span.status.message == "relay failed: no"
        assert attributes_of(span)["error.type"] == "receiver_failed"

    def test_an_error_code_alone_makes_an_error(self) -> None:
        (span,) = spans_of(replace(FAILED, exit_code=0), Trace())
        assert span.status.code == Status.STATUS_CODE_ERROR

    def test_an_exit_code_alone_makes_an_error(self) -> None:
        (span,) = spans_of(replace(RUN, number=None, exit_code=130), Trace())
        assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "")
        assert attributes_of(span)["error.type"] == "130"
        assert "signalcli.run.number" not in attributes_of(span)


def conventional_names() -> set[str]:
    """Every attribute of OpenTelemetry's semantic conventions, deprecated or not."""
    folder = opentelemetry.semconv._incubating.attributes
    names = set()
    for module in pkgutil.iter_modules(folder.__path__):
        constants = vars(import_module(f"{folder.__name__}.{module.name}"))
        names |= {value for value in constants.values() if isinstance(value, str)}
    return names


class TestNames:
    def test_an_attribute_is_conventional_or_of_our_namespace(self, nested: Trace) -> None:
        known = conventional_names()
        data = parsed(document_of(FAILED, nested), TracesData())
        (of_resource,) = data.resource_spans
        spans = of_resource.scope_spans[0].spans
        events = [event for span in spans for event in span.events]
        for owner in [of_resource.resource, *spans, *events]:
            for key in attributes_of(owner):
                assert key in known or key.startswith("signalcli.")

    def test_no_name_is_also_a_namespace(self, nested: Trace) -> None:
        names = {key for span in spans_of(FAILED, nested) for key in attributes_of(span)}
        assert not [name for name in names if any(other.startswith(f"{name}.") for other in names)]

    def test_the_resource_is_ours_and_made_with_the_sdk(self) -> None:
        data = parsed(document_of(RUN, Trace()), TracesData())
        (of_resource,) = data.resource_spans
        attributes = attributes_of(of_resource.resource)
        assert attributes.pop("service.name") == "signalcli"
        assert attributes.pop("service.version") == __version__
        sdk = {
            key: value
            for key, value in Resource.create().attributes.items()
            if key.startswith("telemetry.sdk.")
        }
        assert attributes == sdk
        (of_scope,) = of_resource.scope_spans
        assert (of_scope.scope.name, of_scope.scope.version) == ("signalcli", __version__)
        assert of_resource.schema_url == of_scope.schema_url
        assert of_scope.schema_url.startswith("https://opentelemetry.io/schemas/")


class TestIdentity:
    def test_twice_is_the_same(self, nested: Trace) -> None:
        assert line_of(RUN, nested) == line_of(replace(RUN), nested)

    @pytest.mark.parametrize(
        "other",
        [
            {"number": 8},
            {"number": None},
            {"begun": BEGUN + timedelta(microseconds=1)},
            {"command_line": "signalcli register abc"},
            {"seconds": 1.25},
            {"exit_code": 1},
        ],
        ids=lambda other: next(iter(other)),
    )
    def test_another_run_shares_no_id(self, nested: Trace, other: dict[str, Any]) -> None:
        spans = spans_of(RUN, nested)
        others = spans_of(replace(RUN, **other), nested)
        assert spans[0].trace_id != others[0].trace_id
        assert not {span.span_id for span in spans} & {span.span_id for span in others}

    def test_neither_the_process_nor_its_environment_matters(self) -> None:
        code = (
            "import datetime\n"
            "from signalcli.render.exports import export\n"
            "from signalcli.trace import Trace\n"
            "from signalcli.log.runs import Run\n"
            f"print(export('otlp', {RUN!r}, Trace()), end='')\n"
        )
        settings_of_others = {
            "OTEL_SERVICE_NAME": "other",
            "OTEL_RESOURCE_ATTRIBUTES": "host.name=secret,service.instance.id=1",
            "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process,host,os",
            "OTEL_SDK_DISABLED": "true",
            "OTEL_TRACES_SAMPLER": "always_off",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1",
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "3",
            "OTEL_SPAN_EVENT_COUNT_LIMIT": "0",
            "TZ": "Pacific/Apia",
            "PYTHONHASHSEED": "7",
        }
        printed = {
            processes.run(
                [sys.executable, "-c", code], check=True, env={**os.environ, **extra}
            ).stdout
            for extra in [{}, settings_of_others]
        }
        assert printed == {export("otlp", RUN, Trace())}


class TestPackages:
    @pytest.mark.parametrize(
        "missing",
        ["opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.json.file"],
    )
    def test_a_process_without_them_can_load_the_format_and_use_others(self, missing: str) -> None:
        code = (
            f"import sys; sys.modules[{missing!r}] = None\n"
            "import datetime\n"
            "from signalcli.render.exports import MissingExtra, export, formats, otlp\n"
            "from signalcli.trace import Trace\n"
            "from signalcli.log.runs import Run\n"
            f"run = {RUN!r}\n"
            "assert 'otlp' in formats()\n"
            "export('json', run, Trace())\n"
            "try:\n"
            "    export('otlp', run, Trace())\n"
            "except MissingExtra as missing:\n"
            "    print(missing)\n"
        )
        done = processes.run([sys.executable, "-c", code])
        assert re.search(r"install them with: .*install .*\[otlp\]", done.stdout)
        assert (done.returncode, done.stderr) == (0, "")

    def test_who_does_not_export_does_not_load_them(self) -> None:
        code = (
            "import sys; import signalcli.render.exports.otlp\n"
            "print(*(name for name in sys.modules if name.startswith('opentelemetry')))"
        )
        done = processes.run([sys.executable, "-c", code], check=True)
        assert done.stdout.split() == []
