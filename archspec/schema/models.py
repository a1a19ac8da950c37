"""pydantic models of a spec file and of a block: the keys they may have.

Values that may contain expressions stay located YAML nodes.  Elaboration, which knows ops and blocks, checks them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from archspec.syntax import Items, Mapping, Scalar

Located = Annotated[Any, Field(description="any value; may hold expressions")]


def _word(value: Any) -> Any:
    return value.value if isinstance(value, Scalar) else value


def _names_to_nodes(value: Any) -> Any:
    """A mapping as a dict of located nodes; null gives an empty dict."""
    if isinstance(value, Mapping):
        return {str(key.text): node for key, node in value.entries}
    if isinstance(value, Scalar) and value.value is None:
        return {}
    return value


def _list_of_nodes(value: Any) -> Any:
    return list(value.items) if isinstance(value, Items) else value


Word = Annotated[str, BeforeValidator(_word), Field(strict=True)]
Nodes = Annotated[dict[str, Any], BeforeValidator(_names_to_nodes)]
NodeList = Annotated[list[Any], BeforeValidator(_list_of_nodes)]


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", arbitrary_types_allowed=True, frozen=True, populate_by_name=True, defer_build=True
    )


class BlockModel(_Model):
    """A block: a list of steps from inputs to outputs, with parameters."""

    doc: Word | None = Field(None, description="A description of the block, in one line.")
    params: Nodes = Field(
        default_factory=dict, description="Parameters with their defaults; a parameter without a value is required."
    )
    let: Nodes = Field(default_factory=dict, description="Derived values, evaluated in order.")
    inputs: Nodes | None = Field(None, description="Names of the inputs, if there are several.")
    steps: NodeList = Field(description="The steps, in execution order.")
    outputs: Nodes | None = Field(None, description="Named outputs. Default: the last step is the output.")
    example: Located = Field(None, description="A use of the block and its input shape, run by the tests.")
    source: Word | None = Field(None, description="URL of the paper.")


class SpecModel(_Model):
    """A spec file: a network or a single block, and the blocks it defines."""

    archspec: Literal[1] = Field(description="Language version.")
    name: Word | None = Field(None, description="Name of the network and of the emitted class.")
    doc: Word | None = Field(None, description="A description of the network, in a line or two.")
    source: Word | None = Field(None, description="URL of the paper.")
    task: Word | None = Field(None, description="classification or segmentation.")
    loss: Located = Field(None, description="The loss, if not the default of the task.")
    extends: Located = Field(None, description="The spec that this one is a variant of.")
    imports: Located = Field(None, alias="import", description="Specs and block files to use here.")
    rewrite: NodeList = Field(default_factory=list, description="Rewrites applied to the extended spec, in order.")
    params: Nodes = Field(
        default_factory=dict, description="Parameters with their defaults; a parameter without a value is required."
    )
    let: Nodes = Field(default_factory=dict, description="Derived values, evaluated in order.")
    inputs: Nodes | None = Field(None, description="Inputs and their shapes, channels first: image: [3, H, W].")
    sizes: Nodes = Field(default_factory=dict, description="A number for each symbol, used where a number is needed.")
    defaults: Nodes = Field(
        default_factory=dict, description="Default arguments for each op and block that this file uses."
    )
    blocks: Nodes = Field(default_factory=dict, description="Blocks of this file.")
    steps: NodeList | None = Field(None, description="The steps, in execution order.")
    outputs: Nodes | None = Field(None, description="Named outputs. Default: the last step is the output.")
    expect: Nodes = Field(default_factory=dict, description="Claims that `archspec check` verifies.")
    example: Located = Field(None, description="A use of the block and its input shape, run by the tests.")
