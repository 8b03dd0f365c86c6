"""Which columns of a log are its customer, its time, its order and so on, by the names that shops give them."""

import re
from collections.abc import Collection, Mapping

PERSON = (
    r"customer|customer unique|cust|client|user|visitor|member|shopper|buyer|subscriber|household|player|account|card|"
    r"kunden?|客户|顾客|会员|用户|买家"
)
EVENT = (
    r"order|invoice|purchase|transaction|txn|trans|sale|basket|receipt|checkout|event|visit|view|session|created|action|"
    r"activity|bestell|rechnungs?|订单|下单|交易|购买|支付|发生|创建|访问|浏览"
)
KEY = r"id|no|nr|num|number|nummer|key|code|编号|号码?"
DAY = r"date ?time|date|time ?stamp|time|day|ts|at|on|datum|zeit|zeitpunkt|日期|时间"
SUM = r"amount|total|value|revenue|betrag|summe|金额|总额"
MONEY = r"dollars?|usd|euros?|eur|gbp|pounds?|chf|yen|jpy|cny|rmb|元"
NAMES: Mapping[str, tuple[str, ...]] = {  # by standard column the names that mean it, the likeliest first
    "customer": (rf"(?:{PERSON}) ?(?:{KEY})", PERSON),
    "time": (rf"(?:(?:{EVENT}) ?){{1,2}}(?:{DAY})", DAY),
    "order": (rf"(?:{EVENT}) ?(?:{KEY})",),
    "session": (rf"(?:session|visit|会话) ?(?:{KEY})?",),
    "quantity": (r"quantity|qty|units|menge|anzahl|数量|件数",),
    "price": (r"(?:unit|item|einzel|stück) ?(?:price|preis)|price(?: each)?|preis|单价|价格",),
    "amount": (
        rf"(?:{EVENT}|total|payment|paid|net|gross|gesamt|实付|总)s? ?(?:{SUM}|price)",
        rf"{SUM}|spend|spent|sales|sale|payment|paid|umsatz",
        rf"(?:{MONEY}) ?(?:{SUM}|sales|spent)?|(?:{SUM}|sales|spent) ?(?:in )?(?:{MONEY})",
    ),
    "action": (r"(?:event|action|interaction|activity)(?: ?(?:type|name))?|动作|行为|互动",),
    "since": (
        rf"(?:sign ?up|registration|register(?:ed)?|join(?:ed|ing)?|enrol?lment|注册|入会) ?(?:{DAY})?",
        r"(?:customer|member|user|kunde) (?:since|seit)",
    ),
}
NUMBERS = ("quantity", "price", "amount")
NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "U", "FLOAT", "DOUBLE", "DECIMAL")
TIMES = ("DATE", "TIMESTAMP")


def find_columns(kind: str, wanted: Collection[str], columns: Mapping[str, str]) -> dict[str, str]:
    """The columns that are meant by standard names, of those that can be told.

    Args:
        kind: of the log.
        wanted: standard names that are not given and that no column has.
        columns: types, as DuckDB writes them, by name, of the columns that may be meant.
    """
    words, found = {name: plain(name) for name in columns}, dict[str, str]()
    for standard in (name for name in NAMES if name in wanted):
        for pattern in NAMES[standard]:
            fits = [
                name
                for name, type_ in columns.items()
                if name not in found.values()
                and re.fullmatch(pattern, words[name])
                and (standard not in NUMBERS or type_.startswith(NUMERIC))
            ]
            if fits:
                found[standard] = min(fits, key=lambda name: "unique" not in words[name])
                break
    open_ = set(wanted) - set(found)
    keys = [name for name in columns if words[name] == "id"]
    if kind == "customers" and "customer" in open_ and keys:
        found["customer"] = keys[0]
    times = [name for name, type_ in columns.items() if type_.startswith(TIMES)]
    if "time" in open_ and len(times) == 1:
        found["time"] = times[0]
    return found


def plain(name: str) -> str:
    """A name in lower case, its words apart: "customer id" of "CustomerID" and "customer_id"."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return re.sub(r"[\W_]+", " ", apart).strip().lower()
