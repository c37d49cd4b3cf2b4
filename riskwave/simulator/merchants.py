"""The merchants: a few sell to everybody, most to few. Shops stand in a city; online ones sell everywhere."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskwave.simulator.categories import categories
from riskwave.simulator.draws import Floats, Ints, pick, stream, zipf_rank
from riskwave.simulator.world import world


@dataclass(frozen=True)
class Merchants:
    """Columns over merchants, sorted by group: shops of one city and category, or online of one category."""

    category: Ints
    city: Ints
    is_online: NDArray[np.bool_]
    latitude: Floats
    longitude: Floats
    acquirer: Ints  # number of the acquirer in its country
    terminals: Ints
    group_start: Ints
    group_size: Ints

    def __len__(self) -> int:
        return len(self.category)

    def shop_group(self, city: NDArray[np.integer], category: NDArray[np.integer]) -> Ints:
        """Group of the shops in these cities of these categories."""
        return np.asarray(city * len(categories().mcc) + category, np.int64)

    def online_group(self, category: NDArray[np.integer]) -> Ints:
        """Group of the online merchants of these categories."""
        return np.asarray(len(world().city) * len(categories().mcc) + category, np.int64)

    def choose(self, group: Ints, u: Floats) -> Ints:
        """A merchant of each group: the first ones far more often, by uniform `u`."""
        return self.group_start[group] + zipf_rank(u, self.group_size[group])


def open_merchants(cards: int, seed: int) -> Merchants:
    """Merchants for a bank of `cards` cards."""
    rng, w, c = stream(seed, 2), world(), categories()
    kinds, cities = len(c.mcc), len(w.city)
    share = (w.residents + 0.15 * w.visitors) / w.residents.sum()
    shops = cards * 0.9 * share[:, None] * (c.weight * (1 - c.online_share) / c.weight.sum())[None, :]
    online = 4 + cards * 0.25 * c.weight * c.online_share / c.weight.sum()
    sizes = np.ceil(np.r_[np.maximum(shops, 1).ravel(), online]).astype(np.int64)
    group = np.repeat(np.arange(len(sizes)), sizes)
    rows = len(group)
    is_online = group >= cities * kinds
    hubs = np.sqrt(w.residents) + 0.25 * np.sqrt(w.visitors)
    city = np.where(is_online, pick(rng, hubs, rows), group // kinds)
    start = np.cumsum(sizes) - sizes
    rank = np.arange(rows) - start[group]
    return Merchants(
        category=group % kinds,
        city=city,
        is_online=is_online,
        latitude=w.latitude[city] + rng.normal(0, 0.05, rows),
        longitude=w.longitude[city] + rng.normal(0, 0.07, rows),
        acquirer=rng.integers(1, 5, rows),
        terminals=np.where(is_online, 1, 1 + 12 // (1 + rank) + rng.integers(0, 3, rows)),
        group_start=start,
        group_size=sizes,
    )
