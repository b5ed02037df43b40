"""What every part of a flow file is: a table whose fields are known, and that is never changed."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of a flow file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
