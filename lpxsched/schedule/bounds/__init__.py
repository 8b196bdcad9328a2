"""Lower bounds: no schedule of an `Instance` is shorter.

That of a layer is a walk over its operators and demands. Those of a collective hold for any routes (longer ones and
relays included), waiting, cutting into slots, copies made anywhere, and sums made anywhere. Each module is one family
of bounds and proves it in its docstring.
"""

from lpxsched.schedule.bounds.best import lower_bound, period_bound

__all__ = ["lower_bound", "period_bound"]
