"""How something goes over time, whatever a few of its points say: Theil's and Sen's estimate.

P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, JASA 63 (1968): the
slope is the median of those between all pairs of points.  Up to 29 % of them may be anything.
"""

from collections.abc import Sequence
from itertools import combinations
from math import ceil, floor, sqrt
from statistics import median

from attrs import frozen

#: fewer points have no trend
LEAST_POINTS = 4
#: of the normal distribution, for 95 % in the middle
_Z_95 = 1.96


@frozen
class Trend:
    """
    @ivar slope: for each unit of time; 95 % of such points have one from C{least} to C{most}.
    """

    slope: float
    least: float
    most: float

    @property
    def is_proven(self) -> bool:
        """Whether it goes one way, and not only by chance."""
        return self.least > 0 or self.most < 0


def trend_of(points: Sequence[tuple[int, float]]) -> Trend | None:
    """
    The trend of values at different times, in any order; C{None} for too few.

    @raise ValueError: for two values at one time.
    """
    if len({at for at, _ in points}) != len(points):
        raise ValueError("one time has two values")
    count = len(points)
    if count < LEAST_POINTS:
        return None
    slopes = sorted((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2))
    # Sen's interval, from the variance of Kendall's statistic without ties
    spread = _Z_95 * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    least = max(0, floor((len(slopes) - spread) / 2))
    most = min(len(slopes) - 1, ceil((len(slopes) + spread) / 2))
    return Trend(median(slopes), slopes[least], slopes[most])
