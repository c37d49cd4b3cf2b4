"""Which versions of a model score whom: a small file that is replaced whole, so that nobody reads half of one."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from riskwave.errors import RiskwaveError
from riskwave.scoring.values import Flags

log = logging.getLogger("riskwave")

FORMAT = 1
#: Where models online are looked for when nobody says, and the variable that says.
DEFAULT, VARIABLE = Path("riskwave.models") / "online", "RISKWAVE_MODELS"


@dataclass(frozen=True)
class Served:
    """The file of a version, and from which score on it flags an event."""

    version: str
    file: str
    digest: str
    threshold: float


@dataclass(frozen=True)
class Routes:
    """Who scores.

    online: the version that scores, or several that vote: their scores' mean by `weights`; canary: the version that
    scores a share of the cards in their place; shadows: versions whose scores are recorded and act on nothing.
    revision grows with each change.
    """

    name: str
    revision: int
    changed: str
    online: tuple[str, ...]
    weights: tuple[float, ...]
    canary: str | None = None
    share: float = 0.0
    shadows: tuple[str, ...] = ()
    versions: tuple[Served, ...] = field(default=(), repr=False)

    def served(self, version: str) -> Served:
        """A version's file. Raises RiskwaveError when it is none of those served."""
        for one in self.versions:
            if one.version == version:
                return one
        raise RiskwaveError(f"model {self.name}: version {version} is not among those served")

    @property
    def label(self) -> str:
        """What decisions name as the model and version that scored them."""
        return f"{self.name} {'+'.join(self.online)}"

    @property
    def canary_label(self) -> str:
        """The same of the canary."""
        return f"{self.name} {self.canary}"

    @property
    def active(self) -> tuple[str, ...]:
        """All versions that score something, each once."""
        named = (*self.online, *([self.canary] if self.canary else []), *self.shadows)
        return tuple(dict.fromkeys(named))

    def takes(self, card: str | None) -> bool:
        """Whether the canary scores the card's events: by its hash, so that one card sees one version."""
        if self.canary is None or card is None:
            return False
        digest = hashlib.md5(f"{self.canary_label}/{card}".encode(), usedforsecurity=False).digest()
        return int.from_bytes(digest[:4], "big") < self.share * 2**32

    def canaries(self, cards: Sequence[str | None]) -> Flags:
        """`takes` of many cards."""
        return np.fromiter((self.takes(card) for card in cards), bool, len(cards))


def routes_path(folder: Path, name: str) -> Path:
    """The file of a model's routes."""
    return folder / f"{name}.json"


def models_folder() -> Path:
    """Where the models online are: what RISKWAVE_MODELS says, else riskwave.models/online here."""
    return Path(os.environ.get(VARIABLE) or DEFAULT)


def models_there() -> Path:
    """The same for who scores by it. Raises RiskwaveError when RISKWAVE_MODELS names a folder that is not there.

    `online` beside a registry that is yet to come is no fault: the first version that is promoted makes it, and is then
    taken up. It is said all the same, for until then nothing is scored.
    """
    folder = models_folder()
    if os.environ.get(VARIABLE) and not folder.is_dir():
        said = f"{VARIABLE}={folder}: no such folder"
        if folder.name != DEFAULT.name or not folder.absolute().parent.parent.is_dir():
            raise RiskwaveError(
                f"{said}; expected the one of the models online: `riskwave models deploy --online {folder}` makes it, "
                f"and without {VARIABLE} it is {DEFAULT} here"
            )
        log.warning("%s yet: nothing is scored until `riskwave models promote` or `deploy` makes it", said)
    return folder


def read_routes(folder: Path, name: str) -> Routes | None:
    """A model's routes; None where none was ever online. Raises RiskwaveError for a file of another format."""
    path = routes_path(folder, name)
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if said.pop("format") != FORMAT:
            raise ValueError(f"expected format {FORMAT}")
        said["versions"] = tuple(Served(**one) for one in said["versions"])
        for key in ("online", "weights", "shadows"):
            said[key] = tuple(said[key])
        return Routes(**said)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RiskwaveError(
            f"{path}: cannot be read as a model's routes ({error}); `riskwave models deploy` writes it anew"
        ) from error


def write_routes(folder: Path, routes: Routes) -> None:
    """Put routes in the place of those there are, in one step."""
    text = json.dumps({"format": FORMAT, **asdict(routes)}, indent=2)
    write_whole(routes_path(folder, routes.name), text.encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that others read at any time: they see the one before or this one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
