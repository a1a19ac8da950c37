"""``expect:``: a paper's claims, compared with the computed values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archspec.analyses.report import Report
from archspec.analyses.step_names import StepNames, values
from archspec.diagnostics import Diagnostic, Span, did_you_mean, printable
from archspec.sizes import Size, text
from archspec.syntax import Items, Mapping, Node, Scalar, plain

CLAIMS = ("parameters", "multiply_adds", "shapes", "receptive_field", "valid_sizes")


def failures(report: Report, expect: dict[str, Any]) -> Iterator[Diagnostic]:
    """A diagnostic for each claim that does not hold or is not valid."""
    for name, node in expect.items():
        if name == "parameters":
            yield from _number(node, report.parameters, "parameters")
        elif name == "multiply_adds":
            yield from _number(node, report.total.multiply_adds, "multiply-adds")
        elif name == "shapes":
            yield from _shapes(report, node)
        elif name == "receptive_field":
            yield from _fields(report, node)
        elif name == "valid_sizes":
            yield from _valid(report, node)
        else:
            hint = did_you_mean(name, CLAIMS) or f"claims are {', '.join(CLAIMS)}"
            yield Diagnostic("unknown-key", f"`expect` has no claim `{printable(name)}`", node.span, hint)


def _claimed(node: Node) -> tuple[float, float] | None:
    """The claimed number and its relative tolerance: ``569`` or ``{is: 569e6, within: 0.01}``."""
    tolerance = 0.0
    if isinstance(node, Mapping):
        given = plain(node)
        if set(given) - {"is", "within"} or not isinstance(given.get("within", 0), (int, float)):
            return None
        tolerance = float(given.get("within", 0))
        number = given.get("is")
    else:
        number = node.value if isinstance(node, Scalar) else None
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return None
    return number, tolerance


def _number(node: Node, found: float | None, what: str) -> Iterator[Diagnostic]:
    claim = _claimed(node)
    if claim is None:
        hint = "write a number, or {is: 569e6, within: 0.01}"
        yield Diagnostic("wrong-type", f"the claim about {what} must be a number", node.span, hint)
        return
    number, tolerance = claim
    if found is None:
        yield Diagnostic("no-size", f"{what} can only be counted with `sizes`", node.span)
    elif abs(found - number) > tolerance * abs(number):
        off = f", off by {abs(found - number) / abs(number):.2%}" if number else ""
        within = f" within {tolerance:.3g}" if tolerance else ""
        yield Diagnostic(
            "claim-failed", f"{what}: {number:,} expected{within}, {found:,} found{off}".replace(".0 ", " "), node.span
        )


def _shapes(report: Report, node: Node) -> Iterator[Diagnostic]:
    if not isinstance(node, Mapping):
        yield Diagnostic("wrong-type", "write expected shapes as {step: [64, 56, 56]}", node.span)
        return
    names = values(report.graph)
    for key, value in node.entries:
        index = names.found.get(str(key.text))
        if index is None:
            yield _unknown(str(key.text), key.span, names)
            continue
        shape = report.graph.nodes[index].shape
        found = report.shapes_at.get(report.graph.nodes[index].path)
        claimed = tuple(plain(value)) if isinstance(value, Items) else None
        if claimed is None or found is None:
            yield Diagnostic("wrong-type", "an expected shape must be a list: [64, 56, 56]", value.span)
        elif claimed != found:
            shown = " × ".join(map(str, found))
            formula = f"  ({' × '.join(map(text, shape.dims))})" if any(isinstance(d, Size) for d in shape.dims) else ""
            claim = " × ".join(map(str, claimed))
            yield Diagnostic(
                "claim-failed",
                f"`{key.text}`: {claim} expected, {shown} found",
                value.span,
                details=(formula,) if formula else (),
            )


def _fields(report: Report, node: Node) -> Iterator[Diagnostic]:
    names = values(report.graph)
    main = next(output for output in report.graph.outputs if not output.training)
    claims = [(main.name, node, main.node)]
    if isinstance(node, Mapping) and "is" not in node:
        claims = []
        for key, value in node.entries:
            index = names.found.get(str(key.text))
            if index is None:
                yield _unknown(str(key.text), key.span, names)
            else:
                claims.append((str(key.text), value, index))
    for name, value, index in claims:
        field = report.receptive_fields.get(report.graph.nodes[index].path)
        sizes = field.sizes if field is not None else ()
        if isinstance(value, Items):
            claimed = tuple(plain(value))
            if claimed != tuple(sizes):
                found = " × ".join(map(str, sizes))
                yield Diagnostic("claim-failed", f"receptive field of `{name}`: {found} found", value.span)
            continue
        for size in sorted(set(sizes)) or [0]:
            yield from _number(value, size, f"receptive field of `{name}`")


def _valid(report: Report, node: Node) -> Iterator[Diagnostic]:
    if not isinstance(node, Mapping):
        yield Diagnostic("wrong-type", "write expected valid sizes as {H: text}", node.span)
        return
    for key, value in node.entries:
        solution = report.valid_sizes.get(str(key.text))
        claimed = value.value if isinstance(value, Scalar) else None
        if solution is None:
            name = str(key.text)
            hint = did_you_mean(name, report.valid_sizes)
            yield Diagnostic("unknown-name", f"the network has no size `{printable(name)}`", key.span, hint)
        elif claimed != solution.describe():
            yield Diagnostic("claim-failed", f"valid sizes: {solution.describe()} found", value.span)


def _unknown(name: str, span: Span, names: StepNames[int]) -> Diagnostic:
    message, hint = names.complaint(name)
    return Diagnostic("unknown-name", message, span, hint)
