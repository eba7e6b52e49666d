"""Runs the prediction graph without Dask: each node once, in an order that is worked out once per target."""

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent, GraphNode, GraphNodeHook, GraphSchema
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.storage import ModelStorage


class PlainGraphRunner(GraphRunner):
    """Drop-in for `DaskGraphRunner` at prediction time; an error of a node passes through."""

    def __init__(self, schema: GraphSchema, nodes: dict[str, GraphNode]) -> None:
        self._schema = schema
        self._nodes = nodes
        self._plans: dict[tuple[str, ...], list[tuple[GraphNode, tuple[str, ...]]]] = {}

    @property
    def components(self) -> list[GraphComponent]:
        """All components of the graph, loaded."""
        return [node._component for node in self._nodes.values()]

    @classmethod
    def create(
        cls,
        graph_schema: GraphSchema,
        model_storage: ModelStorage,
        execution_context: ExecutionContext,
        hooks: list[GraphNodeHook] | None = None,
    ) -> "PlainGraphRunner":
        nodes = {
            name: GraphNode.from_schema_node(name, node, model_storage, execution_context, hooks)
            for name, node in graph_schema.nodes.items()
        }
        return cls(graph_schema, nodes)

    def run(self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None) -> dict[str, Any]:
        """The outputs of `targets` by name; without targets, those that the schema marks."""
        wanted = tuple(targets or self._schema.target_names)
        results: dict[str, Any] = dict(inputs or {})
        for node, needs in self._plan(wanted):
            name, output = node(*((need, results[need]) for need in needs))
            results[name] = output
        return {name: results[name] for name in wanted}

    def _plan(self, targets: tuple[str, ...]) -> list[tuple[GraphNode, tuple[str, ...]]]:
        if targets not in self._plans:
            self._plans[targets] = [
                (self._nodes[name], tuple(self._schema.nodes[name].needs.values()))
                for name in self._order(targets)
            ]
        return self._plans[targets]

    def _order(self, targets: tuple[str, ...]) -> list[str]:
        order: list[str] = []

        def visit(name: str) -> None:
            if name in order or name not in self._schema.nodes:
                return  # an input such as the message is no node
            for need in self._schema.nodes[name].needs.values():
                visit(need)
            order.append(name)

        for target in targets:
            visit(target)
        return order
