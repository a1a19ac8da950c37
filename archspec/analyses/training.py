"""Memory of a training step: the forward, the tensors that autograd saves, and the gradients in the backward."""

from __future__ import annotations

from archspec.analyses.live import Bytes, Live, Tensor
from archspec.analyses.recomputing import Segment, again, enter
from archspec.analyses.schedule import Schedule
from archspec.graph import Node, Scope


class Training:
    """The peak of a training step."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.segments: dict[Scope, Segment] = {}
        """The checkpointed scopes, by the state of what is computed again."""
        self._summed: dict[int, Tensor] = {}
        """By layer that others reuse: the gradients of its weights that hold the sum so far."""
        self._gradients: dict[int, Tensor] = {}
        """By node, the gradients of the weights that it uses, until they go on."""
        self._values: dict[int, Tensor] = {}
        """By node, the tensor that its output lies in."""
        self._prepared: dict[int, Tensor] = {}
        """By node, the input that it has prepared."""
        nodes, alias = schedule.graph.nodes, schedule.flow.alias
        tensors: list[int] = []
        """By node, the one that allocated its value: identities, and dropout that drops nothing, return their input."""
        for node, facts in zip(nodes, schedule.facts, strict=True):
            tensors.append(tensors[node.inputs[0]] if facts is not None and facts.hands_on else node.index)
        self._nodes = [node for node in nodes if schedule.runs(node, True)]
        self._made = [tensors[index] for index in alias]
        """By node, the one whose gradient a gradient of its value is added to."""
        self._needs = self._needs_gradient()

    def run(self, live: Live) -> None:
        """Run a training step: the forward, then the backward from all outputs."""
        schedule, values, needs = self.schedule, self._values, self._needs
        (before, after), roots, recomputed = schedule.released(True), schedule.roots(True), schedule.recomputed
        every = schedule.amounts
        kept: dict[int, list[Tensor]] = {}
        for node in self._nodes:
            index = node.index
            amounts = every[index]
            scope = recomputed.get(index) if recomputed else None
            if scope is not None and scope not in self.segments:
                self.segments[scope] = enter(live, schedule, scope, values)
            if amounts.prepared:
                live.mark(node.path, amounts.prepared)
                prepared = self._prepared[index] = Tensor("prepared", index, amounts.prepared)
                live.hold(prepared)
            for freed in before[index]:
                live.release(values[freed])
            root = roots[index]
            value = values.get(root)
            if value is None:
                value = values[root] = Tensor("value", root, every[root].stored)
            values[index] = value
            live.hold(value)
            if amounts.facts is not None:
                saves = needs[index]
                held = self._keep(node, value) if saves else []
                if scope is not None:
                    self._leave_out(live, scope, node, held)
                    held = []
                kept[index] = held
                for tensor in held:
                    live.hold(tensor)
                whole = not amounts.passing or any(tensor.kind == "passing" for tensor in held)
                kept_too = amounts.extra and whole and saves and scope is None
                live.mark(node.path, 0 if kept_too else schedule.scratch(node, True))
            if amounts.prepared:
                live.release(self._prepared[index])
            for freed in after[index]:
                live.release(values[freed])
        self._backward(live, kept)

    def _leave_out(self, live: Live, scope: Scope, node: Node, held: list[Tensor]) -> None:
        """Do not keep what a node of a checkpointed scope would save."""
        if held:
            self.segments[scope].saves[node.index] = held
        amounts = self.schedule.amounts[node.index]
        live.mark(node.path, amounts.extra + amounts.passing)

    def _keep(self, node: Node, value: Tensor) -> list[Tensor]:
        """The tensors that autograd saves until a node's backward step has run."""
        amounts = self.schedule.amounts[node.index]
        assert amounts.facts is not None
        saved, op = amounts.facts.saved, amounts.facts.op
        held: list[Tensor] = []
        inputs = self.schedule.flow.reads(node) if saved.inputs else ()
        for position in saved.inputs:
            if op.saves_for_others and not any(
                self._needs[self._made[source]] for at, source in enumerate(inputs) if at != position
            ):
                continue
            if position == 0 and amounts.prepared:
                held.append(self._prepared[node.index])
            elif position < len(inputs):
                held.append(self._values[inputs[position]])
        if saved.output:
            held.append(value)
        if saved.extra:
            held.append(Tensor("saved", node.index, amounts.extra))
        if saved.passing and any(self._needs[self._made[source]] for source in self._differentiated(node)):
            held.append(Tensor("passing", node.index, amounts.passing))
        return held

    def _needs_gradient(self) -> list[bool]:
        """By node, whether its backward step runs: it has parameters or comes after parameters, and leads to an output.

        A reader that uses only a value's size passes no gradient back.
        """
        schedule, made = self.schedule, self._made
        nodes = schedule.graph.nodes
        found, reached = [False] * len(nodes), [False] * len(nodes)
        for node in self._nodes:
            if schedule.amounts[(node.reuse or node).index].weights or any(
                found[made[source]] for source in self._differentiated(node)
            ):
                found[node.index] = True
        for output in schedule.graph.outputs:
            reached[made[output.node]] = found[made[output.node]]
        for node in reversed(self._nodes):
            if reached[node.index]:
                for source in self._differentiated(node):
                    reached[made[source]] = reached[made[source]] or found[made[source]]
        return reached

    def _differentiated(self, node: Node) -> tuple[int, ...] | list[int]:
        """The inputs of a node that receive a gradient."""
        facts = self.schedule.facts[node.index]
        if facts is None or facts.passes_all:
            return node.inputs
        return [read for read, passes in zip(node.inputs, facts.passes, strict=True) if passes]

    def _backward(self, live: Live, kept: dict[int, list[Tensor]]) -> None:
        """Gradients flow back in the opposite order; each is alive until its step's backward has run.

        If a value has several readers, their gradients are added one after another.
        """
        amounts, made = self.schedule.amounts, self._made
        gradients: dict[int, Tensor] = {}
        for output in self.schedule.graph.outputs:
            index = made[output.node]
            if self._needs[index] and index not in gradients:
                gradient = gradients[index] = Tensor("gradient", index, amounts[index].output)
                live.hold(gradient)
        for node in reversed(self._nodes):
            own = gradients.pop(node.index, None)
            if own is None or node.op is None:
                for tensor in kept.get(node.index, ()):
                    live.release(tensor)
                continue
            segment = self._again(live, node) if self.segments else None
            found = self._input_gradients(live, node, own)
            live.release(own)
            for tensor in kept[node.index]:
                live.release(tensor)
            if segment is not None:
                for tensor in (segment.kept or {}).get(node.index, ()):
                    live.release(tensor)
                for tensor in segment.inputs if node.index == segment.first else ():
                    live.release(tensor)
            if found and amounts[node.index].padded:
                found[0] = self._unprepare(live, node, found[0])
            for source, new in found:
                old = gradients.get(source)
                if old is None:
                    gradients[source] = new
                    continue
                total = gradients[source] = Tensor("sum", source, amounts[source].output)
                live.hold(total)
                live.mark(node.path)
                live.release(old)
                live.release(new)
            self._to_the_weights(live, node)

    def _to_the_weights(self, live: Live, node: Node) -> None:
        """The gradients go on to the weights: to those that a weight is made of, and into the sum over all uses."""
        amounts = self.schedule.amounts[node.index]
        if amounts.made:
            live.mark(node.path, amounts.made)
        own = self._gradients.pop(node.index, None)
        if own is None:
            return
        lender = (node.reuse or node).index
        before = self._summed.get(lender)
        if before is None:
            self._summed[lender] = own
            return
        live.mark(node.path, amounts.largest)
        first, second = self.schedule.facts[before.step], amounts.facts
        fewer = first is not None and second is not None and first.weights[True] < second.weights[True]
        self._summed[lender], gone = (own, before) if fewer else (before, own)  # a transposed use has no bias
        live.release(gone)

    def _again(self, live: Live, node: Node) -> Segment | None:
        """The checkpointed scope of a node; its values are computed again when the first that was saved is needed."""
        scope = self.schedule.recomputed.get(node.index)
        segment = self.segments.get(scope) if scope is not None else None
        if segment is not None and segment.kept is None and node.index in segment.saves:
            again(live, self.schedule, segment, self._values)
        return segment

    def _input_gradients(self, live: Live, node: Node, own: Tensor) -> list[tuple[int, Tensor]]:
        """Allocate the gradients of a node's inputs and of its weights."""
        every, needs, made = self.schedule.amounts, self._needs, self._made
        amounts = every[node.index]
        facts = amounts.facts
        assert facts is not None
        found: list[tuple[int, Tensor]] = []
        if amounts.backward:
            live.mark(node.path, amounts.backward)
        repeated: Bytes = 0
        for position, passes in enumerate(facts.passes):
            source = made[node.inputs[position]]
            if passes is None or not needs[source]:
                continue
            if passes == "same":
                live.hold(own)
                found.append((source, own))
                continue
            size = every[source].output
            if facts.op.saves_for_others and self.schedule.graph.shapes_in(node)[position].dims != facts.output.dims:
                repeated += amounts.output  # before it is summed over the broadcast axes
            if position == 0:
                size = amounts.padded or size
            gradient = Tensor("input gradient", node.index, size)
            live.hold(gradient)
            found.append((source, gradient))
        if amounts.weights:
            weights = self._gradients[node.index] = Tensor("weights", node.index, amounts.weights)
            live.hold(weights)
        live.mark(node.path, repeated)
        return found

    def _unprepare(self, live: Live, node: Node, found: tuple[int, Tensor]) -> tuple[int, Tensor]:
        """The gradient of an input, from the gradient of its padded copy."""
        source, prepared = found
        live.mark(node.path, self.schedule.amounts[node.index].unpadding)
        gradient = Tensor("input gradient", node.index, self.schedule.amounts[source].output)
        live.hold(gradient)
        live.mark(node.path)
        live.release(prepared)
        return source, gradient
