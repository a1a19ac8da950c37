"""Making an op from its arguments; each wrong argument is reported at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from archspec.diagnostics import Fault, Span, printable
from archspec.elaborate.defaults import varies
from archspec.elaborate.places import Use
from archspec.elaborate.values import Text, listed_arguments, other_argument
from archspec.ops import Op
from archspec.schema import Step
from archspec.syntax import Mapping as YamlMapping


class Making:
    """Makes ops, and caches them."""

    def __init__(self, ops: dict[tuple[type[Op], str], Op] | None = None) -> None:
        """``ops`` are those that were made before."""
        self._ops: dict[tuple[type[Op], str], Op] = {} if ops is None else ops
        self._constant: dict[Step, bool] = {}

    def make(
        self,
        kind: type[Op],
        given: Mapping[str, tuple[Any, Span]],
        defaults: Mapping[str, tuple[Any, Span]],
        step: Step,
        report: Callable[[Fault], None],
    ) -> Op:
        """Make an op from its arguments.

        All wrong arguments are reported: the last as the Fault raised, those before it through ``report``.
        """
        values = {name: value for name, (value, _) in defaults.items()}
        values.update((name, value) for name, (value, _) in given.items())
        key = (kind, repr(values))
        found = self._ops.get(key)
        if found is not None:
            return found
        try:
            made = kind.model_validate(_plain(values))
        except ValidationError as failure:
            *others, last = _argument_faults(kind, failure, given, defaults, step)
            for other in others:
                report(other)
            raise last from None
        self._ops[key] = made
        return made

    def is_constant(self, step: Step, use: Use) -> bool:
        """Whether a step's arguments are the same in all uses of its block."""
        found = self._constant.get(step)
        if found is None:
            defaults = use.file.model.defaults
            found = not (
                varies(step.body) or varies(step.init) or "$" in step.what or any(map(varies, defaults.values()))
            )
            self._constant[step] = found
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _argument_faults(
    kind: type[Op],
    failure: ValidationError,
    given: Mapping[str, tuple[Any, Span]],
    defaults: Mapping[str, tuple[Any, Span]],
    step: Step,
) -> Iterator[Fault]:
    """pydantic's errors as faults at the arguments concerned.

    Missing arguments are reported only if there is no unknown one, which may be a misspelling.
    """
    op = kind.keyword
    errors = failure.errors(include_url=False)
    missing = [str(error["loc"][0]) for error in errors if error["type"] == "missing"]
    errors.sort(key=lambda error: error["type"] != "extra_forbidden")
    for error in errors:
        name = str(error["loc"][0]) if error["loc"] else ""
        place = given.get(name) or defaults.get(name)
        span = place[1] if place else step.what_span
        message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
        hint = str(error.get("ctx", {}).get("hint", "")) or None
        if error["type"] == "extra_forbidden":
            span = _key_span(step, name) or span
            hint = other_argument(name, kind.model_fields) or listed_arguments(kind.model_fields)
            yield Fault("unknown-argument", f"`{op}` has no argument `{printable(name)}`", span, hint)
        elif not name:
            yield Fault("wrong-value", f"`{op}`: {message}", step.what_span, hint)
        elif error["type"] != "missing":
            yield Fault("wrong-value", f"`{name}` of `{op}`: {printable(message)}", span, hint)
    if missing and errors[0]["type"] != "extra_forbidden":
        wanted = " and ".join(f"`{name}`" for name in missing)
        example = ", ".join(f"{name}: …" for name in missing)
        yield Fault("missing-argument", f"`{op}` needs {wanted}", step.what_span, f"write `{op}: {{{example}}}`")


def _key_span(step: Step, name: str) -> Span | None:
    if not isinstance(step.body, YamlMapping):
        return None
    key = step.body.key(name)
    return key.span if key is not None else None
