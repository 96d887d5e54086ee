"""Traces and answers as JSON documents."""

from typing import Any

from signalcli.log.runs import Run
from signalcli.render.text import CONTROL
from signalcli.trace.records import (
    Dispatch,
    Failure,
    Injection,
    Response,
    SideBySide,
    Trace,
    strict_json,
)


def dumps(document: dict[str, Any], encoding: str = "utf-8", indent: int | None = None) -> str:
    """A document as text in strict JSON, in ASCII where the encoding cannot carry it.

    Numbers that JSON has not stand there as texts. Characters that a terminal would obey instead of
    showing them are escaped.

    Arguments:
        document: the document.
        encoding: that of the stream.
        indent: by how much each level is indented; on one line, where this is None.
    """
    try:
        text = strict_json(document, ensure_ascii=False, indent=indent)
        text.encode(encoding)
    except UnicodeEncodeError:
        return strict_json(document, indent=indent)
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def document_of(run: Run, trace: Trace) -> dict[str, Any]:
    """The document of a run and its trace."""
    return document(
        run.command,
        run=run.number,
        result=run.result,
        dispatches=dispatches_of(trace),
        error=None if run.error_code is None else (run.error_code, run.error_message or ""),
    )


def document(
    command: str | None,
    *,
    run: int | None,
    result: Any,
    dispatches: list[dict[str, Any]],
    error: tuple[str, str] | None,
) -> dict[str, Any]:
    """The document of any command.

    Arguments:
        command: the command's name; None where the command line names none.
        run: the run's number in the signal log, if it has one.
        result: the command's answer.
        dispatches: see :func:`dispatches_of`.
        error: the code and the message of the error, or None.
    """
    return {
        "ok": error is None,
        "command": command,
        "run": run,
        "result": result,
        "dispatches": dispatches,
        "error": error and dict(zip(("code", "message"), error, strict=True)),
    }


def dispatches_of(trace: Trace) -> list[dict[str, Any]]:
    """Every dispatch of a trace, in the order in which they began."""
    side_by_side = SideBySide()
    return [_dispatch(dispatch, side_by_side) for dispatch in trace.dispatches]


def _dispatch(dispatch: Dispatch, side_by_side: SideBySide) -> dict[str, Any]:
    parent = dispatch.parent
    concurrent = side_by_side.responses_of(dispatch)
    return {
        "seq": dispatch.seq,
        "parent": parent and {"seq": parent.dispatch.seq, "receiver": parent.receiver},
        "signal": dispatch.signal,
        "signal_path": dispatch.signal_path,
        "sender": dispatch.sender,
        "robust": dispatch.robust,
        "muted": dispatch.muted,
        "arguments": dispatch.arguments,
        "begun_ms": milliseconds(dispatch.begun),
        "duration_ms": milliseconds(dispatch.seconds),
        "responses": [
            _response(response, is_concurrent=response in concurrent)
            for response in dispatch.responses
        ],
        "not_called": list(dispatch.not_called),
        "output_before": dispatch.output_before,
    }


def _response(response: Response, *, is_concurrent: bool) -> dict[str, Any]:
    return {
        "receiver": response.receiver,
        "place": response.place or None,
        "ok": response.failure is None and response.seconds is not None,
        "value": response.value,
        "error": response.failure and _failure(response.failure),
        "output": response.output,
        "output_omitted": response.omitted,
        "injected": response.injected and _injection(response.injected),
        "concurrent": is_concurrent,
        "begun_ms": milliseconds(response.begun),
        "duration_ms": milliseconds(response.seconds),
    }


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "type": failure.type,
        "message": failure.message,
        "place": failure.place or None,
        "on_commit": failure.function or None,
    }


def _injection(injection: Injection) -> dict[str, Any]:
    return {"failure": injection.failure, "delay_ms": milliseconds(injection.delay)}


def milliseconds(seconds: float | None) -> float | None:
    """A duration in seconds as milliseconds, for programs."""
    return None if seconds is None else round(seconds * 1000, 3)
