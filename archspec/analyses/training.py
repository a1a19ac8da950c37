"""Memory of a training step: the forward, the tensors that autograd saves, and the gradients in the backward."""

from __future__ import annotations

from collections.abc import Mapping

from archspec.analyses.live import Bytes, Live
from archspec.analyses.recomputing import Segment, again, enter
from archspec.analyses.schedule import Schedule
from archspec.graph import Node, Scope
from archspec.ops.common.memory import Saved
from archspec.sizes import Dim


class Training:
    """The peak of a training step."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.segments: dict[Scope, Segment] = {}
        """The checkpointed scopes, by the state of what is computed again."""
        self._summed: dict[int, Node] = {}
        """By layer that others reuse: the use whose gradients of its weights hold the sum so far."""
        self._tensors: list[int] = []
        """By node, the one that allocated its value: identities, and dropout that drops nothing, return their input."""
        for node, facts in zip(schedule.graph.nodes, schedule.facts, strict=True):
            handed = facts is not None and facts.hands_on
            self._tensors.append(self._tensors[node.inputs[0]] if handed else node.index)

    def run(self, live: Live) -> None:
        """Run a training step: the forward, then the backward from all outputs."""
        release = self.schedule.release(True)
        roots: dict[int, int] = {}
        kept: dict[int, list[object]] = {}
        nodes = [node for node in self.schedule.graph.nodes if self.schedule.runs(node, True)]
        needs = self._needs_gradient(nodes)
        for node in nodes:
            scope = self.schedule.recomputed.get(node.index)
            if scope is not None and scope not in self.segments:
                self.segments[scope] = enter(live, self.schedule, scope, roots)
            prepared = self.schedule.prepared(node)
            if prepared:
                live.mark(node.path, prepared)
                live.hold(("prepared", node.index), prepared)
            for index in release.get(2 * node.index, ()):
                live.release(roots[index])
            root = roots[node.index] = self.schedule.root(node, True)
            live.hold(root, self.schedule.stored(root))
            facts = self.schedule.facts[node.index]
            if facts is not None:
                saved = facts.saved
                kept[node.index] = self._keep(node, saved, roots, needs) if node.index in needs else []
                if scope is not None:
                    self._leave_out(live, scope, node, kept)
                for tensor in kept[node.index]:
                    live.hold(tensor, self.schedule.saved(node, tensor) or live.sizes.get(tensor, 0))
                whole = not saved.passing or ("passing", node.index) in kept[node.index]
                kept_too = saved.extra and whole and node.index in needs and scope is None
                live.mark(node.path, 0 if kept_too else self.schedule.scratch(node, True))
            if prepared:
                live.release(("prepared", node.index))
            for index in release.get(2 * node.index + 1, ()):
                live.release(roots[index])
        self._backward(live, nodes, needs, kept)

    def _leave_out(self, live: Live, scope: Scope, node: Node, kept: dict[int, list[object]]) -> None:
        """Do not keep what a node of a checkpointed scope would save."""
        facts = self.schedule.facts[node.index]
        assert facts is not None
        if kept[node.index]:
            self.segments[scope].saves[node.index] = kept[node.index]
            kept[node.index] = []
        live.mark(node.path, self.schedule.bytes((*facts.saved.extra, *facts.saved.passing)))

    def _keep(self, node: Node, saved: Saved, roots: Mapping[int, int], needs: set[int]) -> list[object]:
        """The tensors that autograd saves until a node's backward step has run."""
        assert node.op is not None
        held: list[object] = []
        for position in saved.inputs:
            if node.op.saves_for_others:
                others = (source for at, source in enumerate(node.inputs) if at != position)
                if not any(source in needs for source in others):
                    continue
            if position == 0 and self.schedule.prepared(node):
                held.append(("prepared", node.index))
            elif position < len(node.inputs):
                held.append(roots[node.inputs[position]])
        held += [roots[node.index]] if saved.output else []
        held += [("saved", node.index)] if saved.extra else []
        if saved.passing and any(source in needs for source in self._differentiated(node)):
            held.append(("passing", node.index))
        return held

    def _needs_gradient(self, nodes: list[Node]) -> set[int]:
        """Nodes whose backward step runs: they have parameters or come after parameters, and lead to an output.

        A reader that uses only a value's size passes no gradient back.
        """
        found: set[int] = set()
        for node in nodes:
            weighs = self.schedule.weights(node.reuse or node, True)
            if weighs or any(source in found for source in self._differentiated(node)):
                found.add(node.index)
        waiting = [self._tensors[self.schedule.flow.alias[output.node]] for output in self.schedule.graph.outputs]
        reached: set[int] = set()
        while waiting:
            index = waiting.pop()
            if index in found and index not in reached:
                reached.add(index)
                waiting += self._differentiated(self.schedule.graph.nodes[index])
        return reached

    def _differentiated(self, node: Node) -> list[int]:
        """The inputs of a node that receive a gradient."""
        facts = self.schedule.facts[node.index]
        if facts is None:
            return []
        reads = zip(self.schedule.flow.reads(node), facts.passes, strict=True)
        return [self._tensors[read] for read, passes in reads if passes]

    def _backward(self, live: Live, nodes: list[Node], needs: set[int], kept: dict[int, list[object]]) -> None:
        """Gradients flow back in the opposite order; each is alive until its step's backward has run.

        If a value has several readers, their gradients are added one after another.
        """
        gradients: dict[int, object] = {}
        for output in self.schedule.graph.outputs:
            index = self._tensors[self.schedule.flow.alias[output.node]]
            if index in needs and index not in gradients:
                gradients[index] = ("gradient", index)
                live.hold(("gradient", index), self.schedule.size(self.schedule.graph.nodes[index]))
        for node in reversed(nodes):
            own = gradients.pop(node.index, None)
            if own is None or node.op is None:
                for tensor in kept.get(node.index, ()):
                    live.release(tensor)
                continue
            segment = self._again(live, node)
            found = self._input_gradients(live, node, own, needs)
            for tensor in (own, *kept.get(node.index, ())):
                live.release(tensor)
            if segment is not None:
                for tensor in (segment.kept or {}).get(node.index, ()):
                    live.release(tensor)
                for tensor in segment.inputs if node.index == segment.first else ():
                    live.release(tensor)
            if found and self.schedule.padded(node):
                found[0] = self._unprepare(live, node, found[0])
            for source, new in found:
                old = gradients.get(source)
                if old is None:
                    gradients[source] = new
                    continue
                live.hold(("sum", source, new), self.schedule.size(self.schedule.graph.nodes[source]))
                gradients[source] = ("sum", source, new)
                live.mark(node.path)
                live.release(old)
                live.release(new)
            self._to_the_weights(live, node)

    def _to_the_weights(self, live: Live, node: Node) -> None:
        """The gradients go on to the weights: to those that a weight is made of, and into the sum over all uses."""
        facts = self.schedule.facts[node.index]
        assert facts is not None
        if facts.saved.weights:
            live.mark(node.path, self.schedule.bytes(facts.saved.weights))
        lender = node.reuse or node
        before = self._summed.get(lender.index)
        if before is None:
            self._summed[lender.index] = node
            return
        live.mark(node.path, self.schedule.largest(node))
        first = self.schedule.facts[before.index]
        fewer = first is not None and first.weights[True] < facts.weights[True]  # a transposed use has no bias
        self._summed[lender.index], gone = (node, before) if fewer else (before, node)
        live.release(("weights", gone.index))

    def _again(self, live: Live, node: Node) -> Segment | None:
        """The checkpointed scope of a node; its values are computed again when the first that was saved is needed."""
        scope = self.schedule.recomputed.get(node.index)
        segment = self.segments.get(scope) if scope is not None else None
        if segment is not None and segment.kept is None and node.index in segment.saves:
            again(live, self.schedule, segment)
        return segment

    def _input_gradients(self, live: Live, node: Node, own: object, needs: set[int]) -> list[tuple[int, object]]:
        """Allocate the gradients of a node's inputs and of its weights."""
        facts = self.schedule.facts[node.index]
        assert facts is not None
        found: list[tuple[int, object]] = []
        live.mark(node.path, self.schedule.bytes(facts.saved.backward) if facts.saved.backward else 0)
        repeated: Bytes = 0
        for position, read in enumerate(self.schedule.flow.reads(node)):
            source = self._tensors[read]
            passes = facts.passes[position] if source in needs else None
            if passes == "same":
                live.hold(own, live.sizes[own])
                found.append((source, own))
            elif passes == "new":
                size = self.schedule.size(self.schedule.graph.nodes[source])
                if facts.op.saves_for_others and self._given(node, position) != node.shape.dims:
                    repeated += self.schedule.size(node)  # before it is summed over the broadcast axes
                if position == 0:
                    size = self.schedule.padded(node) or size
                live.hold(("gradient", node.index, position), size)
                found.append((source, ("gradient", node.index, position)))
        live.hold(("weights", node.index), self.schedule.gradients(node))
        live.mark(node.path, repeated)
        return found

    def _given(self, node: Node, position: int) -> tuple[Dim, ...]:
        """The sizes of an input."""
        return self.schedule.graph.shapes_in(node)[position].dims

    def _unprepare(self, live: Live, node: Node, found: tuple[int, object]) -> tuple[int, object]:
        """The gradient of an input, from the gradient of its padded copy."""
        source, prepared = found
        facts = self.schedule.facts[node.index]
        live.mark(node.path, self.schedule.bytes(facts.saved.unpadding) if facts is not None else 0)
        gradient = ("gradient", node.index, "input")
        live.hold(gradient, self.schedule.size(self.schedule.graph.nodes[source]))
        live.mark(node.path)
        live.release(prepared)
        return source, gradient
