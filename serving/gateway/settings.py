"""What the gateway has to be told, from flags or environment variables."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Final

import pydantic
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from schemas.errors import ConfigError

PREFIX: Final = "GOALPATH_"
SHORTEST_KEY: Final = 16


class GatewaySettings(BaseSettings):
    """Every setting; `GOALPATH_<NAME>` in the environment, unless passed in.

    Attributes:
      out: folder of `goalpath run`.
      model_name: of the served model; None: the one there is.
      host: address to listen at; other than loopback only with `api_keys`.
      port: to listen at.
      model_server: `host:port` of the model server's gRPC.
      model_timeout_seconds: for a request to it, retries included.
      batch_timeout_seconds: likewise, for one about many students.
      model_config_file: a configuration of the model server that the gateway keeps, so that
        it serves the versions that are wanted; None: others do.
      store_url: of posted events: `sqlite:///PATH` or `postgresql://...`; None: SQLite in
        `work_dir`.
      work_dir: for what the gateway keeps; None: `OUT/gateway`.
      api_keys: `name:key`, separated by commas; none: whoever is on this machine may ask.
      requests_a_minute: of one client; 0: no limit.
      burst: requests of one client at once.
      body_bytes: largest body of a request.
      batch_students: most students in a request.
      batch_pairs: most pairs of student and engagement in a request.
      batch_events: most events in a request.
      poll_seconds: between looks for new versions.
      clock_skew_seconds: how far ahead of the gateway's clock an event may be.
      neighbours: students that the fallback goes by.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    out: Path
    model_name: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, pydantic.Field(ge=0, le=65535)] = 8080
    model_server: str = "127.0.0.1:8500"
    model_timeout_seconds: Annotated[float, pydantic.Field(gt=0)] = 2.0
    batch_timeout_seconds: Annotated[float, pydantic.Field(gt=0)] = 30.0
    model_config_file: Path | None = None
    store_url: pydantic.SecretStr | None = None
    work_dir: Path | None = None
    api_keys: Annotated[dict[str, pydantic.SecretStr], NoDecode] = {}
    requests_a_minute: Annotated[int, pydantic.Field(ge=0)] = 0
    burst: Annotated[int, pydantic.Field(ge=1)] = 100
    body_bytes: Annotated[int, pydantic.Field(ge=1024)] = 1 << 20
    batch_students: Annotated[int, pydantic.Field(ge=1)] = 5000
    batch_pairs: Annotated[int, pydantic.Field(ge=1)] = 20_000
    batch_events: Annotated[int, pydantic.Field(ge=1)] = 1000
    poll_seconds: Annotated[float, pydantic.Field(gt=0)] = 1.0
    clock_skew_seconds: Annotated[float, pydantic.Field(ge=0)] = 300.0
    neighbours: Annotated[int, pydantic.Field(ge=1)] = 10

    @pydantic.field_validator("api_keys", mode="before")
    @classmethod
    def _named_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        keys: dict[str, str] = {}
        for place, part in enumerate(filter(None, map(str.strip, value.split(","))), start=1):
            name, separator, key = part.partition(":")
            if not separator or not name or len(key) < SHORTEST_KEY:
                raise ValueError(
                    f"key {place} is not name:key with a key of {SHORTEST_KEY} characters or more"
                )
            if name in keys:
                raise ValueError(f"the name {name} is given twice")
            keys[name] = key
        return keys

    @pydantic.model_validator(mode="after")
    def _loopback_without_keys(self) -> GatewaySettings:
        if not self.api_keys and not is_loopback(self.host):
            raise ValueError(
                f"host {self.host} can be reached from other machines, and no API keys are set: "
                f"set {PREFIX}API_KEYS=name:key, or listen at 127.0.0.1"
            )
        return self

    @property
    def folder(self) -> Path:
        """What the gateway keeps is here."""
        return self.work_dir or self.out / "gateway"

    @property
    def events_url(self) -> str:
        """Of the store of posted events."""
        if self.store_url is not None:
            return self.store_url.get_secret_value()
        return f"sqlite:///{(self.folder / 'events.sqlite').absolute()}"


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_settings(**given: object) -> GatewaySettings:
    """The settings; what is given here counts more than the environment.

    Raises:
      ConfigError: a value cannot be used; the message names the variable.
    """
    try:
        return GatewaySettings(**{k: v for k, v in given.items() if v is not None})  # type: ignore[arg-type]
    except pydantic.ValidationError as error:
        faults = [_fault(each["loc"], each["msg"]) for each in error.errors(include_input=False)]
        raise ConfigError(
            "the gateway needs settings that it can use.",
            where=", ".join(sorted({where for where, _ in faults})),
            received="; ".join(text for _, text in faults),
            remedy="docs/gateway.md has every setting.",
        ) from error


def _fault(loc: tuple[int | str, ...], message: str) -> tuple[str, str]:
    name = f"{PREFIX}{str(loc[0]).upper()}" if loc else "settings"
    return name, message.removeprefix("Value error, ")
