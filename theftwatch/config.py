"""All settings, read once from the environment (`THEFTWATCH_*`)."""

import os
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

import theftwatch
from theftwatch.errors import UsageError
from theftwatch.interval import read_time

#: Name of the demo's database, which is always on the embedded Postgres.
DEMO_DATABASE = "theftwatch_demo"
#: What THEFTWATCH_DESCRIPTOR may be beside the path of a file
NAMED_DESCRIPTORS = ("distilled", "full", "off")
_LIVE_DELAY_MIN_S = 1.0


def _default_data_dir() -> Path:
    """Return `.data` beside the nearest scrapy.cfg, so that a checkout keeps to itself; else the user's data folder."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "scrapy.cfg").is_file():
            return folder / ".data"
    return platformdirs.user_data_path("theftwatch")


class Settings(BaseSettings):
    """The settings of one process."""

    # what a setting was given may be a secret, and has no place in a traceback
    model_config = SettingsConfigDict(env_prefix="THEFTWATCH_", frozen=True, hide_input_in_errors=True)

    dsn: SecretStr | None = Field(None, description="Postgres to use in place of the embedded one")
    reader_dsn: SecretStr | None = Field(None, description="Read-only account on the Postgres of THEFTWATCH_DSN")
    postgres_bin: Path | None = Field(
        None, description="Folder of the programs that the embedded Postgres runs, in place of the packaged ones"
    )
    data_dir: Path = Field(
        default_factory=_default_data_dir, description="Folder of the embedded Postgres and of the image files"
    )
    database: str = Field(
        "theftwatch",
        pattern="^[a-z][a-z0-9_]{0,62}$",
        description="Name of the database on the embedded Postgres and of the folder with its files",
    )
    files: str | None = Field(
        None, description="Image store: a folder, or `s3://bucket/prefix`; a folder in the data folder where unset"
    )
    contact: str | None = Field(None, description="Mail or web address that goes into the user agent of a live crawl")
    etsy_api_key: SecretStr | None = Field(None, description="`keystring:shared_secret` of Etsy's Open API v3")
    flickr_api_key: SecretStr | None = Field(None, description="key of Flickr's API, for the dates of photos there")
    host_map: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict,
        description="`host=address:port` pairs, separated by commas; `*.host` covers all hosts below it",
    )
    delay_s: float = Field(3.0, ge=0, description="Seconds between two pages of one host")
    browser: bool = Field(False, description="Whether pages that need scripts are opened in Chromium")
    chromium: Path | None = Field(None, description="Chromium to start; looked for on PATH where unset")
    descriptor: str = Field(
        "distilled",
        description="Network that finds candidates: `distilled`, `full`, `off`, or the path of an ONNX file",
    )
    public_url: str | None = Field(
        None,
        pattern="^https?://[^/]+/?$",
        description="Address under which people reach the review page, such as `https://review.example.org`",
    )
    timestamp_url: str | None = Field(
        None,
        pattern="^https?://[^/@]+(/|$)",
        description="Address of an authority (RFC 3161) that dates artisans' photos and captures",
    )
    timestamp_certificate: Path | None = Field(
        None, description="PEM file with the root certificate that the authority's timestamps lead to"
    )
    smtp_url: SecretStr | None = Field(
        None, description="Mail server for notices: `smtps://user:password@host:465`, or `smtp://…:587` with STARTTLS"
    )
    mail_from: str | None = Field(
        None, description="Sender of notices, `Name <address>`; answers and requests to stop go there"
    )
    operator_url: SecretStr | None = Field(
        None, description="Where the operator's digest goes, as Apprise writes addresses, such as `mailtos://…`"
    )
    nodes: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Addresses of scrapyd, separated by commas, such as `http://10.0.0.5:6800`"
    )
    node_username: str | None = Field(None, description="User that all of THEFTWATCH_NODES ask for")
    node_password: SecretStr | None = Field(None, description="Password of that user")
    expected: Annotated[dict[str, timedelta], NoDecode] = Field(
        default_factory=dict,
        description="How often each spider is to run: `spider=time` pairs, separated by commas, such as `alibaba=1d`",
    )
    heartbeat_url: SecretStr | None = Field(
        None, description="Address of a monitor that `theftwatch status --check` asks for when nothing is wrong"
    )
    trail_steps: int = Field(
        3, ge=0, le=3, description="How far a match leads: to the vendor's shop, siblings' shops, showrooms; 0: nowhere"
    )
    trail_targets: int = Field(50, ge=1, description="The most targets that one match may lead to")
    keep_photos: Annotated[timedelta | None, NoDecode] = Field(
        None, description="How long photos of vendors are kept that matched nothing, once no listing shows them"
    )
    keep_captures: Annotated[timedelta | None, NoDecode] = Field(
        None, description="How long captures are kept that no case needs"
    )
    keep_pages: Annotated[timedelta | None, NoDecode] = Field(
        None, description="How long pages are kept that could not be read"
    )
    # One more than cores, as a thread now and then waits for the interpreter
    workers: int = Field(
        default_factory=lambda: min(4, os.cpu_count() or 1) + 1,
        ge=1,
        description="Threads, or processes of a scan, that fingerprint and verify",
    )

    @field_validator("database")
    @classmethod
    def _not_postgres(cls, value: str) -> str:
        if value in ("postgres", "template0", "template1"):
            raise ValueError(f"{value!r} is a database that Postgres needs for itself; give another name")
        return value

    @field_validator("descriptor")
    @classmethod
    def _known_network(cls, value: str) -> str:
        if value not in NAMED_DESCRIPTORS and not Path(value).is_file():
            raise ValueError(f"{value!r} is neither distilled, full nor off, and no file has this path")
        return value

    @field_validator("host_map", mode="before")
    @classmethod
    def _split_host_map(cls, value: Any) -> Any:
        return _pairs(value, "host=address:port") if isinstance(value, str) else value

    @field_validator("expected", mode="before")
    @classmethod
    def _split_expected(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return {spider: read_time(time) for spider, time in _pairs(value, "spider=time").items()}
        except UsageError as exc:
            raise ValueError(str(exc)) from exc

    @field_validator("keep_photos", "keep_captures", "keep_pages", mode="before")
    @classmethod
    def _read_time(cls, value: Any) -> Any:
        try:
            return read_time(value) if isinstance(value, str) else value
        except UsageError as exc:
            raise ValueError(str(exc)) from exc

    @field_validator("heartbeat_url")
    @classmethod
    def _web_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("it has to begin with https:// or http://")
        return value

    @field_validator("nodes", mode="before")
    @classmethod
    def _split_nodes(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        urls = [url.strip().rstrip("/") for url in value.split(",") if url.strip()]
        for url in urls:
            if "@" in url:
                # the address is printed, and a password in it would be too
                raise ValueError("an address names a user; give THEFTWATCH_NODE_USERNAME and THEFTWATCH_NODE_PASSWORD")
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"{url!r} is no address of scrapyd, such as http://10.0.0.5:6800")
        return tuple(dict.fromkeys(urls))

    @property
    def user_agent(self) -> str:
        """Who we are and how to reach us, as hosts see it."""
        return f"TheftWatch/{theftwatch.__version__} (+{self.contact or 'no contact given'})"

    def mapped(self, host: str) -> str | None:
        """Return the address that stands in for a host; None for a host that is itself."""
        if host in self.host_map:
            return self.host_map[host]
        parents = host.split(".")[1:]
        names = (".".join(["*", *parents[start:]]) for start in range(len(parents)))
        return next((self.host_map[name] for name in names if name in self.host_map), None)

    @property
    def files_dir(self) -> Path:
        """Folder of what waits on this machine, and of the image store if it is nowhere else; one per database."""
        return self.data_dir / self.database


def _pairs(text: str, form: str) -> dict[str, str]:
    """Return the names and values of `name=value` pairs that commas separate."""
    pairs = [pair.strip() for pair in text.split(",") if pair.strip()]
    if bad := [pair for pair in pairs if not all(pair.partition("="))]:
        raise ValueError(f"{bad[0]!r} is not {form}")
    return dict(pair.split("=", 1) for pair in pairs)


@cache
def settings() -> Settings:
    """Return the settings of this process.

    Raises UsageError for a value that cannot be used.
    """
    try:
        return Settings()
    except ValidationError as exc:
        first = exc.errors()[0]
        name = "THEFTWATCH_" + "_".join(str(part) for part in first["loc"]).upper()
        raise UsageError(f"{name}: {first['msg'].removeprefix('Value error, ')}; see docs/settings.md") from exc


def check_live(own: Settings) -> None:
    """Check that whatever asks live hosts does so politely.

    Raises UsageError.
    """
    if not own.contact:
        raise UsageError(
            "THEFTWATCH_CONTACT is not set; a live crawl names someone to write to: give a mail or web address"
        )
    if own.delay_s < _LIVE_DELAY_MIN_S:
        raise UsageError(
            f"THEFTWATCH_DELAY_S={own.delay_s:g}: a live crawl waits {_LIVE_DELAY_MIN_S:g} s or more; give that"
        )
