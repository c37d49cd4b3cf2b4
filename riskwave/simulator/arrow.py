"""pyarrow as it is, where its published types are narrower than the library."""

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

#: Compute functions take arrays and plain values side by side.
pc: Any = pyarrow.compute
#: An Arrow array of any type.
Column: TypeAlias = Any


def positions(numbers: NDArray[Any]) -> Column:
    """Row positions for take(); a negative one gives null."""
    index = np.asarray(numbers, np.int32)
    return pa.array(index, mask=index < 0)
