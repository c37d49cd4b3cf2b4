"""Which versions score whom: what the registry says of it, put into the folder that everything scores from.

The registry is asked by people, the folder by engines, scoring servers and dbt: they need neither MLflow nor a lock. A
change is made in the registry first; the folder follows in one step, and `deploy` puts it there again at any time.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from riskwave.errors import RiskwaveError
from riskwave.scoring.registry import Registry, Version
from riskwave.scoring.routes import Routes, Served, read_routes, routes_path, write_routes, write_whole

#: The registered model's tag with what is tried beside the version online.
TAG = "rollout"


@dataclass(frozen=True)
class Beside:
    """What is tried beside the version online: a canary with its share of the cards, shadows, and a vote.

    vote: versions that score together, with their weights; empty where the version online scores alone.
    """

    canary: str | None = None
    share: float = 0.0
    shadows: tuple[str, ...] = ()
    vote: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()


def beside(registry: Registry, name: str) -> Beside:
    """What the registry says is tried beside the version online."""
    said = registry.told(name, TAG)
    if said is None:
        return Beside()
    kept = json.loads(said)
    for key in ("shadows", "vote", "weights"):
        kept[key] = tuple(kept[key])
    return Beside(**kept)


def parts(registry: Registry, name: str) -> dict[str, str]:
    """What each version of a model does beside its state, in words; those that do nothing are left out."""
    now = beside(registry, name)
    told = dict.fromkeys(now.shadows, "shadow")
    told |= {version: f"votes by {weight:g}" for version, weight in zip(now.vote, now.weights, strict=True)}
    return told | ({now.canary: f"canary {now.share:.1%}"} if now.canary else {})


class Rollout:
    """Changes of what scores, each kept in the registry and deployed to the folder."""

    def __init__(self, registry: Registry, folder: Path | None = None) -> None:
        """folder: of the models online, by default `online` beside the registry's files."""
        self.registry = registry
        self.folder = folder or registry.artifacts / "online"

    def canary(self, name: str, version: str, share: float) -> Routes:
        """Let a version of state test score a share of the cards, 0 to 1, in place of what is online; 0 ends it."""
        with self._changing():
            now = beside(self.registry, name)
            if share == 0:
                return self._say(name, replace(now, canary=None, share=0.0))
            if not 0 < share < 1:
                raise RiskwaveError(f"share {share}: expected a part of the cards, such as 10%")
            found = self._tried(name, version)
            if found.state == "online":
                raise RiskwaveError(f"model {name} {found.version} is online already; a canary is another version")
            return self._say(name, replace(now, canary=found.version, share=share))

    def shadow(self, name: str, version: str, *, on: bool = True) -> Routes:
        """Let a version score every event and act on none; several may. on=False ends it."""
        with self._changing():
            now = beside(self.registry, name)
            if not on:
                ended = version if version in now.shadows else self.registry.get(name, version).version
                if ended not in now.shadows:
                    there = f"those that are: {', '.join(now.shadows)}" if now.shadows else "none is"
                    raise RiskwaveError(f"model {name} {ended} is not in the shadow; {there}")
                return self._say(name, replace(now, shadows=tuple(v for v in now.shadows if v != ended)))
            found = self._tried(name, version)
            return self._say(name, replace(now, shadows=tuple(dict.fromkeys([*now.shadows, found.version]))))

    def vote(self, name: str, versions: Sequence[str], weights: Sequence[float] = ()) -> Routes:
        """Let several versions score together: the mean of their scores by weights, equal ones by default.

        One version, or none, ends it: the version online scores alone.
        """
        with self._changing():
            now = beside(self.registry, name)
            if len(versions) < 2:
                return self._say(name, replace(now, vote=(), weights=()))
            found = [self._tried(name, version).version for version in versions]
            each = tuple(float(weight) for weight in weights) or (1.0,) * len(found)
            asked = f"a vote of {', '.join(found)} with weights {', '.join(f'{weight:g}' for weight in each)}"
            fits = all(0 <= weight < float("inf") for weight in each)
            if len(set(found)) < len(found) or len(each) != len(found) or not fits:
                raise RiskwaveError(f"{asked}: expected different versions, and a weight of 0 or more for each")
            if not any(each):
                raise RiskwaveError(f"{asked}: not all weights may be 0; give one version at least a weight above it")
            return self._say(name, replace(now, vote=tuple(found), weights=each))

    def promote(self, name: str, version: str) -> Version:
        """A version goes online for all cards; a canary or vote ends, shadows go on, itself left out."""
        with self._changing():
            found = self.registry.promote(name, version)
            shadows = tuple(one for one in beside(self.registry, name).shadows if one != found.version)
            self._say(name, Beside(shadows=shadows))
            return found

    def rollback(self, name: str) -> Version:
        """End a canary or a vote, the version online scores all again; without one, the version before goes online."""
        with self._changing():
            now = beside(self.registry, name)
            if now.canary or now.vote:
                self._say(name, Beside(shadows=now.shadows))
                return self.registry.get(name, "online")
            found = self.registry.rollback(name)
            self._say(name, now)
            return found

    def retire(self, name: str, version: str) -> Version:
        """From any state but online to retired. Raises RiskwaveError for one that scores, in the shadow too."""
        with self._changing():
            found = self.registry.get(name, version)
            now = beside(self.registry, name)
            for does, who, end in (
                ("is the canary", (now.canary,), "canary 0"),
                ("votes", now.vote, "vote --end"),
                ("is in the shadow", now.shadows, f"shadow {found.version} --end"),
            ):
                if found.version in who:
                    raise RiskwaveError(
                        f"model {name} {found.version} {does}; end that first: riskwave models {end} --name {name}"
                    )
            return self.registry.retire(name, found.version)

    def deploy(self, name: str) -> Routes:
        """Put what the registry says into the folder."""
        with self._changing():
            return self._deploy(name)

    # -- inside -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One at a time: whoever changes something deploys it before the next one reads."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise RiskwaveError(
                f"{self.folder}: the models online cannot be put there ({error.strerror or error}); expected a folder "
                "that may be made or written to, such as --online models/online"
            ) from error

    def _tried(self, name: str, version: str) -> Version:
        found = self.registry.get(name, version)
        self.registry.published(found)
        self.registry.check(found)
        return found

    def _say(self, name: str, wanted: Beside) -> Routes:
        if wanted != Beside() and not any(one.state == "online" for one in self.registry.versions(name)):
            raise RiskwaveError(f"model {name} has no version online yet; promote one first: riskwave models promote")
        self.registry.tell(name, TAG, json.dumps(asdict(wanted)))
        return self._deploy(name)

    def _deploy(self, name: str) -> Routes:
        now = beside(self.registry, name)
        known = {version.version: version for version in self.registry.versions(name)}
        online = [version.version for version in known.values() if version.state == "online"]
        before = read_routes(self.folder, name) if routes_path(self.folder, name).exists() else None
        routes = Routes(
            name=name,
            revision=before.revision + 1 if before else 1,
            changed=datetime.now(UTC).isoformat(timespec="milliseconds"),
            online=now.vote or tuple(online),
            weights=now.weights or (1.0,) * len(online),
            canary=now.canary,
            share=now.share,
            shadows=now.shadows,
        )
        routes = replace(routes, versions=tuple(self._put(known[version]) for version in routes.active))
        write_routes(self.folder, routes)
        return routes

    def _put(self, version: Version) -> Served:
        try:
            content = version.file.read_bytes()
        except OSError as error:
            raise RiskwaveError(
                f"{version.file}: the registry's file of {version.name} {version.version} cannot be read "
                f"({error.strerror}); put it back, or train it anew"
            ) from error
        digest = hashlib.sha256(content).hexdigest()
        file = f"{version.name}-{version.version}-{digest[:12]}.onnx"
        # One that is there may be damaged: it is put back.
        if not (self.folder / file).is_file() or (self.folder / file).read_bytes() != content:
            write_whole(self.folder / file, content)
        return Served(version.version, file, digest, version.threshold)
