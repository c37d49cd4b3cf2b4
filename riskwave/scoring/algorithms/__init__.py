"""The algorithms, by the names that `riskwave models train --algorithm` takes."""

from riskwave.scoring.algorithms.base import Algorithm
from riskwave.scoring.algorithms.voting import MEMBERS, Voting

ALGORITHMS: dict[str, type[Algorithm]] = {**MEMBERS, Voting.name: Voting}
