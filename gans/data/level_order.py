"""The order in which people expect levels: days of the week, months, and levels that begin with a number."""

import re
from collections.abc import Iterable

_DAYS = (
    "monday tuesday wednesday thursday friday saturday sunday",
    "mon tue wed thu fri sat sun",
    "周一 周二 周三 周四 周五 周六 周日",
    "星期一 星期二 星期三 星期四 星期五 星期六 星期日",
)
_MONTHS = (
    "january february march april may june july august september october november december",
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月",
)
_CALENDARS = [{name: place for place, name in enumerate(names.split())} for names in (*_DAYS, *_MONTHS)]
_NUMBER = re.compile(r"\s*[<>=≤≥]*\s*(-?\d+(?:\.\d+)?)")


def in_order(levels: Iterable[str]) -> list[str]:
    """The levels as a calendar or their leading numbers order them; as they came where neither fits all of them."""
    given = list(levels)
    for calendar in _CALENDARS:
        if given and all(level.strip().lower() in calendar for level in given):
            return sorted(given, key=lambda level: calendar[level.strip().lower()])
    leading = {level: found for level in given if (found := _NUMBER.match(level))}
    numbers = {level: float(found[1]) for level, found in leading.items()}
    if given and len(set(numbers.values())) == len(given):
        return sorted(given, key=lambda level: numbers[level])
    return given
