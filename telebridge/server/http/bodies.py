"""The bodies that every API has: what a request and a response are, and what a problem says."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Asked(BaseModel):
    """A body or query: its types are meant literally, so that "5" is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)


class Told(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Asked):
    """No fields: leave the body away, or send {}."""


class FieldProblemTold(Told):
    """One field that is wrong."""

    field: str
    problem: str
    hint: str


class ProblemTold(Told):
    """A problem document (RFC 9457)."""

    type: str = Field(examples=["urn:telebridge:problem:call-over"])
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, Field(min_length=1)]
    errors: list[FieldProblemTold] | None = None
