"""The models of a recipe's values: strict records, and choices written as a word or as a word with options."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_serializer, model_validator


class Strict(BaseModel):
    """A record of a recipe: it never changes, has no other keys, and converts no types."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Choice(Strict):
    """One of the fields of a class: ``word``, or ``{word: {option: value}}``."""

    @model_validator(mode="before")
    @classmethod
    def _word(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {given: {}}
        if isinstance(given, dict) and len(given) == 1:
            return {key: {} if value is None else value for key, value in given.items()}
        return given

    @model_validator(mode="after")
    def _exactly_one(self) -> Choice:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"choose one of {', '.join(type(self).model_fields)}")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> Any:
        """One of the words, or a mapping from one of them to its options."""
        found = handler.resolve_ref_schema(handler(core_schema))
        options = {
            name: next(each for each in field["anyOf"] if each.get("type") != "null")
            for name, field in found["properties"].items()
        }
        mapping = {
            "type": "object",
            "properties": options,
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        }
        told = {key: found[key] for key in ("title", "description") if key in found}
        found.clear()
        found.update({**told, "anyOf": [{"enum": list(options)}, mapping]})
        return found

    @model_serializer
    def _plain(self) -> dict[str, Any]:
        return {self.word: self.options.model_dump()}

    @property
    def word(self) -> str:
        """The chosen field's name."""
        return next(iter(self.model_fields_set))

    @property
    def options(self) -> Any:
        """The options of what is chosen."""
        return getattr(self, self.word)
