"""The base of every settings model: unknown keys and impossible values are refused."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A frozen model that forbids unknown keys; `dropnorm.protocol` turns its errors into one clear line."""

    model_config = ConfigDict(extra="forbid", frozen=True)
