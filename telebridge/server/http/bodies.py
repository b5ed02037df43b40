"""The models that every API has: the base of requests and responses, and the problem document."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class RequestModel(BaseModel):
    """The base of bodies and queries. Types are strict: "5" is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False, defer_build=True)


class ResponseModel(BaseModel):
    """The base of responses and their parts."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Nothing(RequestModel):
    """No fields: leave the body away, or send {}."""


class FieldProblemResponse(ResponseModel):
    """One field that is wrong."""

    field: str
    problem: str
    hint: str


class ProblemResponse(ResponseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(examples=["urn:telebridge:problem:call-over"])
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, Field(min_length=1)]
    errors: list[FieldProblemResponse] | None = None
