"""The algorithms, by the names that `riskwave models train --algorithm` takes."""

from riskwave.scoring.algorithms.base import Algorithm
from riskwave.scoring.algorithms.boosting import Boosting

ALGORITHMS: dict[str, type[Algorithm]] = {kind.name: kind for kind in (Boosting,)}
