"""Runs a module on meta tensors and records every call it makes.

A ``torch.overrides.TorchFunctionMode`` intercepts each function call, and modules are intercepted where ``nn.Module``
calls their forward.  Meta tensors have sizes and no data, so a run takes milliseconds and no memory, and stops where
the module needs a number.
"""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from archspec.diagnostics import Diagnostic, SpecError, printable
from archspec.importers.network import Frame
from archspec.importers.torch_module.layers import is_layer
from archspec.importers.torch_module.trace import Call, Constant, Trace, Value, Weight, tensors

if TYPE_CHECKING:
    import torch
    from torch import nn

_OURS = str(Path(__file__).parent.parent.parent).replace("\\", "/") + "/"
SIZES = frozenset(("torch.Tensor.shape.__get__", "torch.Tensor.size"))
"""Functions that read a tensor's size."""
MOST_CALLS = 200_000
"""The most calls: no network makes more, so the module may be in an endless loop."""


def on_meta(module: nn.Module) -> nn.Module:
    """A copy of a module on the meta device; the module itself is unchanged."""
    import torch

    memo: dict[int, Any] = {}
    for tensor in [*module.parameters(), *module.buffers()]:
        empty = torch.empty_like(tensor, device="meta")
        memo[id(tensor)] = torch.nn.Parameter(empty, tensor.requires_grad) if _is_parameter(tensor) else empty
    try:
        return copy.deepcopy(module, memo)
    except Exception as error:
        raise _refused(f"the module cannot be copied: {error}") from None


def capture(module: nn.Module, shapes: Mapping[str, tuple[int, ...]], batch: int, training: bool) -> Trace:
    """The calls of a module on the meta device for inputs of some shapes, each by its name in the module's forward.

    An input without a name is passed by its position.  Raises :class:`SpecError` if the module fails, or needs a number
    that a meta tensor does not have.
    """
    import torch

    module.train(training)
    recorder = _Recorder(module)
    inputs = {name: torch.empty((batch, *shape), device="meta") for name, shape in shapes.items()}
    recorder.trace.inputs = [recorder.new(tensor).number for tensor in inputs.values()]
    unnamed = [tensor for name, tensor in inputs.items() if not name]
    with torch.no_grad(), recorder.watching():
        try:
            given = module(*unnamed, **{name: tensor for name, tensor in inputs.items() if name})
        except SpecError:
            raise
        except Exception as error:
            raise _refused(_words(error), recorder.place(error), recorder.where()) from None
    recorder.trace.outputs = list(_named(recorder, given))
    return recorder.trace


def said_of(kind: type) -> str:
    """The first line of a class's docstring; empty for torch's own."""
    if kind.__module__.startswith("torch."):
        return ""
    said = kind.__dict__.get("__doc__")
    return printable(said.strip().split("\n")[0], 200) if isinstance(said, str) else ""


def _kind(module: nn.Module) -> str:
    """The name of a module's class; of a part of an exported program that of the class it was exported from."""
    kind = type(module)
    named: Any = getattr(module, "type_name", None) if kind.__module__ == "torch.export.unflatten" else None
    return printable(str(named() or kind.__name__), 200) if named is not None else kind.__name__


def _is_parameter(tensor: torch.Tensor) -> bool:
    import torch

    return isinstance(tensor, torch.nn.Parameter)


def _words(error: Exception) -> str:
    said = printable(str(error).split("\n")[0], 200) or type(error).__name__
    if "meta" in said.lower() or "item()" in said:
        return "the module reads the values of a tensor, so its steps do not follow from the sizes alone"
    return f"the module fails on this input: {said}"


def _refused(message: str, place: str = "", path: str = "") -> SpecError:
    at = f"in `{path}`: " if path else ""
    return SpecError([Diagnostic("not-importable", f"{at}{message}", details=(place,) if place else ())])


def _named(recorder: _Recorder, given: Any, name: str = "output") -> Iterator[tuple[str, Any]]:
    """The tensors that a module returns, by names of fields, keys, or numbers."""
    if given is None:
        return
    if isinstance(given, Mapping):
        for key, value in given.items():
            yield from _named(recorder, value, str(key))
    elif is_dataclass(given):
        for field in fields(given):
            yield from _named(recorder, getattr(given, field.name), field.name)
    elif isinstance(given, tuple) and type(given) is not tuple and "_fields" in vars(type(given)):
        for key, value in zip(vars(type(given))["_fields"], given, strict=True):
            yield from _named(recorder, value, str(key))
    elif isinstance(given, tuple | list):
        for index, value in enumerate(given):
            yield from _named(recorder, value, f"{name}{index}" if len(given) > 1 else name)
    else:
        yield name, recorder.told(given)


class _Recorder:
    """Records the trace, and maps tensors to values."""

    def __init__(self, module: nn.Module) -> None:
        self.trace = Trace()
        self._values: dict[int, tuple[Any, int, Value]] = {}
        """By the id of a tensor, which is kept alive here: the tensor, its version, and its value."""
        self._weights: dict[int, Weight] = {}
        self._paths: dict[int, str] = {}
        for path, tensor in [*module.named_parameters(), *module.named_buffers()]:
            self._weights[id(tensor)] = Weight(path, tuple(tensor.shape))
        for path, part in module.named_modules():
            self._paths[id(part)] = path
        self._frame: Frame | None = None
        self._slices: dict[tuple[str, Frame | None], Frame] = {}
        self._quiet = 0

    # -- tensors -------------------------------------------------------------------------------------------------------

    def new(self, tensor: Any) -> Value:
        """A new value for a tensor, which replaces its earlier one."""
        value = Value(len(self.trace.shapes))
        self.trace.shapes.append(tuple(tensor.shape))
        self.trace.strides.append(tuple(tensor.stride()))
        self._values[id(tensor)] = (tensor, tensor._version, value)
        return value

    def told(self, argument: Any) -> Any:
        """An argument with its tensors replaced by values, weights or constants."""
        import torch

        if isinstance(argument, torch.Tensor):
            weight = self._weights.get(id(argument))
            if weight is not None:
                return weight
            known = self._values.get(id(argument))
            if known is None:
                return Constant(tuple(argument.shape))
            if known[1] != argument._version:
                raise _refused(
                    "a tensor is read after another name for its memory was changed in place",
                    self.place(),
                    self.where(),
                )
            return known[2]
        if isinstance(argument, list | tuple):
            return tuple(self.told(item) for item in argument)
        if isinstance(argument, Mapping):
            return {key: self.told(item) for key, item in argument.items()}
        return argument

    def given(self, result: Any) -> Any:
        """A result with its tensors replaced by new values."""
        import torch

        if isinstance(result, torch.Tensor):
            return self._weights.get(id(result)) or self.new(result)
        if isinstance(result, list | tuple):
            return tuple(self.given(item) for item in result)
        if isinstance(result, Mapping):
            return {key: self.given(item) for key, item in result.items()}
        return result

    # -- calls ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def watching(self) -> Iterator[None]:
        """A context that records every call made inside."""
        import torch
        from torch.overrides import TorchFunctionMode, resolve_name

        recorder = self

        class Mode(TorchFunctionMode):
            def __torch_function__(
                self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
            ) -> Any:
                if recorder._quiet:
                    return func(*args, **(kwargs or {}))
                return recorder.function(func, resolve_name(func) or str(func), args, kwargs or {})

        plain = torch.nn.Module._call_impl

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            return recorder.module(plain, module, args, kwargs)

        with patch.object(torch.nn.Module, "_call_impl", call), Mode():
            yield

    def function(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run and record one call of a function."""
        arguments, keywords = self.told(args), self.told(kwargs)
        result = func(*args, **kwargs)
        if name in SIZES and isinstance(arguments[0], Value):
            self.trace.asked.append(arguments[0].number)
        results = self.given(args[0] if name == "torch.Tensor.__setitem__" else result)
        if any(True for _ in tensors(results)):
            self._add(Call(name, None, "", self._around(), arguments, keywords, results, self.place()))
        return result

    def module(
        self, plain: Callable[..., Any], module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run one call of a module: record a layer, or record the calls inside."""
        import torch

        if self._quiet:
            return plain(module, *args, **kwargs)
        path = self._paths.get(id(module))
        if path is None and any(id(tensor) not in self._weights for tensor in module.parameters()):
            raise _refused("a module outside the network is called", self.place(), self.where())
        if is_layer(module):
            self._quiet += 1
            try:
                arguments, keywords = self.told(args), self.told(kwargs)
                result = plain(module, *args, **kwargs)
                if isinstance(result, torch.Tensor) and any(result is one for one in args):
                    known = self._values.get(id(result))
                    if known is not None and known[1] == result._version:  # such as dropout in evaluation
                        result = result.view_as(result)
                results = self.given(result)
            finally:
                self._quiet -= 1
            kind = f"{type(module).__module__}.{type(module).__qualname__}"
            self._add(Call(kind, module, path or "", self._around(), arguments, keywords, results, self.place()))
            return result
        outer = self._frame
        kind = _kind(module)
        chain = type(module).forward is torch.nn.Sequential.forward or kind == "torch.nn.modules.container.Sequential"
        if path is not None:
            given = {} if chain else self._inputs(module, args, kwargs)
            self._frame = Frame(path, kind.rpartition(".")[2], outer, chain, said_of(type(module)), inputs=given)
        elif chain:
            self._frame = self._slice(module)
        result = plain(module, *args, **kwargs)
        self._frame = outer
        return result

    def _inputs(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[int, str]:
        """The names of the tensors that a module is given, as its forward calls them; those of a list are numbered."""
        import torch

        if len(args) + len(kwargs) == 1 and args and isinstance(args[0], torch.Tensor):
            return {}
        try:
            bound = inspect.signature(module.forward).bind(*args, **kwargs).arguments
        except (TypeError, ValueError):  # a forward without a signature
            return {}
        found: dict[int, str] = {}
        for name, given in bound.items():
            several = isinstance(given, list | tuple)
            for index, one in enumerate(given if several else (given,)):
                known = self._values.get(id(one))
                if known is not None and isinstance(one, torch.Tensor):
                    found.setdefault(known[2].number, f"{name}{index}" if several else name)
        return found

    def _slice(self, module: nn.Module) -> Frame | None:
        """The frame of a chain made while running, such as ``features[:5]``: that of the chain it is a part of."""
        owners = {self._paths.get(id(child), "").rpartition(".")[0] for child in module.children()}
        around = self._frame
        if len(owners) != 1 or around is None:
            return around
        (owner,) = owners
        inside = f"{around.path}." if around.path else ""
        if owner == around.path or not owner.startswith(inside):
            return around
        return self._slices.setdefault((owner, around), Frame(owner, "Sequential", around, True))

    def _add(self, call: Call) -> None:
        call.asked = len(self.trace.asked)
        if len(self.trace.calls) >= MOST_CALLS:
            raise _refused(f"the module makes more than {MOST_CALLS:,} calls")
        self.trace.calls.append(call)

    def _around(self) -> Frame:
        assert self._frame is not None
        return self._frame

    def where(self) -> str:
        """The path of the running module."""
        return self._frame.path if self._frame is not None else ""

    @staticmethod
    def place(error: Exception | None = None) -> str:
        """The line of source outside torch and archspec that makes the call, or at which an error was raised."""
        if error is not None:
            found, step = "", error.__traceback__
            while step is not None:
                if not _inner(step.tb_frame.f_code.co_filename):
                    found = f"{step.tb_frame.f_code.co_filename}:{step.tb_lineno}"
                step = step.tb_next
            return found
        frame = sys._getframe(1)
        while frame is not None and _inner(frame.f_code.co_filename):
            frame = frame.f_back
        return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""


def _inner(file: str) -> bool:
    """Whether a file belongs to torch or archspec."""
    parts = file.replace("\\", "/")
    return "/torch/" in parts or parts.startswith(_OURS) or "/contextlib.py" in parts
