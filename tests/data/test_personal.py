"""Personal data: which columns hold it, in several languages, and which do not; keep, fake, rare levels."""

import datetime as dt
import json
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.config.compose import compose
from gans.data.base import Source
from gans.data.detection import detect, normalise
from gans.data.embedded import Charity, Households, Loans
from gans.data.personal import patterns
from gans.data.personal.handling import Handling
from gans.data.personal.kinds import named_kind, plain_name
from gans.data.personal.lines import kept_lines, left_out_lines
from gans.data.schema import Column, Schema
from gans.errors import UserError

ROWS = 400
FIRST = ["James", "Mary", "Robert", "Linda", "Priya", "Wei", "Olu", "Emma", "Thomas", "Sarah", "Daniel", "Ingrid"]
LAST = ["Smith", "Johnson", "Brown", "O'Neil", "Garcia", "Patel", "Okafor", "Lee", "Taylor", "Clark", "Young", "King"]
VORNAMEN = ["Jürgen", "Heike", "Uwe", "Sabine", "Lukas", "Jörg", "Käthe", "Anke", "Björn", "Elke", "Nils", "Silke"]
NACHNAMEN = ["Müller", "Schmidt", "Weiß", "Großmann", "Jäger", "Köhler", "Vogt", "Brandt", "Franke", "Seidel", "Busch"]
CITIES = ["Springfield", "Austin", "San Jose", "Portland", "Dallas"]
SURNAMES, GIVEN = "王李张刘陈杨黄赵吴周徐孙", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超"


def luhn_digit(number: str) -> str:
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(number)))
    return str(-total % 10)


def iban(number: int) -> str:
    bban = f"37040044{number:010}"
    return f"DE{98 - int(bban + '131400') % 97:02}{bban}"


def steuer_id(number: int) -> int:
    digits, product = f"{number:010}", 10
    for digit in digits:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return int(f"{digits}{(11 - product) % 10}")


def resident_id(day: dt.date, order: int) -> str:
    digits = f"110105{day:%Y%m%d}{order:03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11]


def make_table() -> pa.Table:
    rng = np.random.default_rng(0)

    def pick(words: Any) -> list[Any]:
        return [words[place] for place in rng.integers(0, len(words), ROWS)]

    def numbers(low: int, high: int) -> list[int]:
        return (low + rng.choice(high - low, ROWS, replace=False)).tolist()

    days = [dt.date(1950, 1, 1) + dt.timedelta(days=int(day)) for day in rng.integers(0, 18_000, ROWS)]
    full = [f"{one} {other}" for one, other in zip(pick(FIRST), pick(LAST), strict=True)]
    columns: dict[str, Any] = {
        # English
        "contact": [f"{name.split()[0].lower()}{place}@mail.example" for place, name in enumerate(full)],
        "Customer Name": full,
        "phone": [f"({a}) 555-{b:04}" for a, b in zip(numbers(200, 900), numbers(0, 9999), strict=True)],
        "ssn": [f"{100 + a % 500}-{10 + a % 89}-{a:04}" for a in numbers(1000, 9999)],
        "paid_with": [(c := f"4{n:014}") + luhn_digit(c) for n in numbers(10**9, 10**9 + 9999)],
        "account": [iban(n) for n in numbers(0, 9_999_999)],
        "street": [
            f"{n} {w} {kind}"
            for n, w, kind in zip(numbers(1, 999), pick(LAST), pick(["St", "Ave", "Road"]), strict=True)
        ],
        "last_seen_from": [f"192.168.{n // 250}.{n % 250}" for n in numbers(0, 9999)],
        "device": [f"02:00:5e:{n // 65536:02x}:{n // 256 % 256:02x}:{n % 256:02x}" for n in numbers(0, 99_999)],
        "profile": [f"https://people.example/{n}" for n in numbers(0, 9999)],
        "lat": np.round(rng.uniform(40, 50, ROWS), 6),
        "lon": np.round(rng.uniform(5, 15, ROWS), 6),
        "user_name": [f"{name.split()[1].lower()}_{place % 350}" for place, name in enumerate(full)],
        "age": rng.integers(18, 90, ROWS),
        "income": np.round(rng.gamma(2, 2000, ROWS), 2),
        "city": pick(CITIES),
        "zip": pick([f"{n:05}" for n in range(10_000, 10_040)]),
        "phone_type": pick(["home", "mobile", "work"]),
        "product": pick(["Red Mug", "Blue Mug", "Rose Vase", "Oak Table", "Pine Chair", "Iron Lamp", "Wool Rug"]),
        "order_no": rng.integers(1000, 1150, ROWS),
        # German
        "Vorname": pick(VORNAMEN),
        "Nachname": pick(NACHNAMEN),
        "Telefonnummer": [f"+49 30 {n}" for n in numbers(100_000, 999_999)],
        "Wohnsitz": [
            f"{w}straße {n}" for w, n in zip(pick(["Linden", "Garten", "Bahnhof"]), numbers(1, 999), strict=True)
        ],
        "Nummer": [steuer_id(n) for n in numbers(1_000_000_000, 1_000_999_999)],
        "Geburtsdatum": days,
        "Umsatz": np.round(rng.gamma(2, 90, ROWS), 2),
        # Chinese
        "客户姓名": [a + b + c for a, b, c in zip(pick(SURNAMES), pick(GIVEN), pick(GIVEN), strict=True)],
        "手机": [13_800_000_000 + n for n in numbers(0, 99_999_999)],
        "证件": [resident_id(day, place % 1000) for place, day in enumerate(days)],
        "住址": [f"上海市浦东新区南京路{n}号" for n in numbers(1, 9999)],
        "城市": pick(["北京", "上海", "黄山", "石家庄", "马鞍山", "江门", "郑州", "温州", "杭州", "武汉"]),
    }
    return normalise(pa.table(columns))


FOUND = {
    "contact": "email",
    "Customer Name": "name",
    "phone": "phone",
    "ssn": "national_id",
    "paid_with": "card",
    "account": "iban",
    "street": "address",
    "last_seen_from": "ip",
    "device": "mac",
    "profile": "url",
    "lat": "coordinates",
    "lon": "coordinates",
    "user_name": "user_name",
    "Vorname": "first_name",
    "Nachname": "last_name",
    "Telefonnummer": "phone",
    "Wohnsitz": "address",
    "Nummer": "national_id",
    "Geburtsdatum": "birth",
    "客户姓名": "name",
    "手机": "phone",
    "证件": "national_id",
    "住址": "address",
}
LEARNED = ["age", "income", "city", "zip", "phone_type", "product", "order_no", "Umsatz", "城市"]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return make_table()


@pytest.fixture(scope="module")
def schema(table: pa.Table) -> Schema:
    return detect(table)


def test_the_kinds_of_32_columns_in_three_languages(schema: Schema) -> None:
    assert len(schema.columns) == 32
    assert {column.name: column.personal for column in schema.columns if column.personal} == FOUND
    assert [column.name for column in schema.features] == [
        column.name for column in schema.columns if column.name in [*LEARNED, "Geburtsdatum"]
    ]


def test_the_reason_names_the_kind_and_both_keys(schema: Schema) -> None:
    assert schema["contact"].reason == (
        "personal data: e-mail addresses (data.keep=[contact] keeps it, data.fake=[contact] makes it up)"
    )
    assert schema["lat"].reason == "personal data: coordinates of places (data.keep=[lat] keeps it)"
    assert "national ids, Steuer-ID" in schema["Nummer"].reason
    said = "\n".join(left_out_lines(schema))
    assert "PERSONAL DATA left out: contact (e-mail addresses), Customer Name (names of people)" in said
    assert "learned: Geburtsdatum (dates of birth). data.drop=[COLUMN]" in said
    assert kept_lines(schema) == []


def test_the_schema_holds_no_value_of_what_is_left_out(schema: Schema) -> None:
    left_out = [column for column in schema.columns if column.role == "dropped"]
    assert {"手机", "Nummer", "lat"} <= {column.name for column in left_out}
    assert all(column.bounds is None and column.categories is None for column in left_out)


@pytest.mark.parametrize("source", [Households(), Charity(), Loans()])
def test_no_false_alarm_in_embedded_tables(source: Source) -> None:
    assert [column.name for column in detect(normalise(source.read())).columns if column.personal] == []


RNG = np.random.default_rng(1)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("phone", RNG.integers(0, 2, ROWS)),
        ("phone_calls", RNG.integers(0, 90, ROWS)),
        ("phone", pa.array(["yes", "no"] * (ROWS // 2))),
        ("email", pa.array(["opened", "clicked", "ignored", "none"] * (ROWS // 4))),
        ("balance", RNG.integers(10_000_000_000, 99_999_999_999, ROWS)),
        ("turnover", RNG.integers(10**15, 10**16, ROWS)),
        ("item", pa.array([f"00{n:08}" for n in RNG.integers(0, 40, ROWS)])),
        ("day", pa.array([f"2024-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(ROWS)])),
        ("release", pa.array([f"{n}.0.{n * 37}.{n}" for n in RNG.integers(10, 60, ROWS)])),
        ("lat", np.round(RNG.uniform(40, 50, ROWS), 1)),
        ("score", np.round(RNG.uniform(-90, 90, ROWS), 6)),
        ("name", pa.array(["Espresso Grande", "Caffe Latte", "Green Tea", "Hot Chocolate"] * (ROWS // 4))),
        ("address", pa.array(["home", "work"] * (ROWS // 2))),
        ("latency", np.round(RNG.uniform(0, 1, ROWS), 6)),
        ("card", pa.array(["visa", "master", "none", "amex"] * (ROWS // 4))),
    ],
)
def test_what_only_looks_alike_is_learned(name: str, values: Any) -> None:
    column = detect(normalise(pa.table({name: values, "y": RNG.normal(size=ROWS)})))[name]
    assert (column.personal, column.role) == ("", "feature")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("E-Mail-Adresse", "email"),
        ("userEmail", "email"),
        ("Téléphone portable", "phone"),
        ("número de teléfono movil", "phone"),
        ("Straße", "address"),
        ("codiceFiscale", "national_id"),
        ("prénom", "first_name"),
        ("apellidos", "last_name"),
        ("cognome", "last_name"),
        ("nome completo", "name"),
        ("CARD_NUMBER", "card"),
        ("IPAddress", "ip"),
        ("Geburtstag", "birth"),
        ("电子邮箱", "email"),
        ("氏名", "name"),
        ("電話番号", "phone"),
        ("description", ""),
        ("discount_card_level", ""),
        ("platform", ""),
        ("telemetry", ""),
        ("product_name", ""),
        ("strategy", ""),
    ],
)
def test_names_of_columns(name: str, kind: str) -> None:
    assert named_kind(name)[0] == kind


def test_plain_names() -> None:
    assert plain_name("Kunden-E_Mail") == "kunden e mail"
    assert plain_name("IPAddress Größe") == "ip address grosse"


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("Steuer-ID", "86095742719", "86095742718"),
        ("resident id", "11010519491231002X", "110105194912310021"),
        ("NIR", "255081416802538", "255081416802539"),
        ("DNI or NIE", "12345678Z", "12345678A"),
        ("DNI or NIE", "X1234567L", "X1234567M"),
        ("CPF", "529.982.247-25", "529.982.247-26"),
        ("NINO", "AB 12 34 56 C", "DB 12 34 56 C"),
        ("codice fiscale", "RSSMRA85T10A562S", "RSSMRA85Z10A562S"),
    ],
)
def test_check_digits_of_national_ids(kind: str, right: str, wrong: str) -> None:
    _, pattern, check = patterns.NATIONAL_IDS[kind]
    assert patterns.checked(pa.array([right, wrong, ""]), pattern, check).tolist() == [True, False, False]


def test_check_digits_of_cards_and_ibans() -> None:
    cards = pa.array(["4111 1111 1111 1111", "378282246310005", "4111111111111112", "1234567812345670", None])
    assert patterns.cards(cards).tolist() == [True, True, False, False, False]
    ibans = pa.array(["DE89 3704 0044 0532 0130 00", "gb82WEST12345698765432", "DE89370400440532013001"])
    assert patterns.ibans(ibans).tolist() == [True, True, False]


def test_text_of_which_most_levels_occur_once_or_twice_is_left_out() -> None:
    texts = pa.array([f"ticket {n // 2 if n < 300 else 0}" for n in range(ROWS)])
    column = detect(normalise(pa.table({"x": texts, "y": RNG.normal(size=ROWS)})))["x"]
    assert (column.role, column.personal) == ("dropped", "near_unique")
    assert column.reason == (
        "nearly unique text: 298 of 400 rows hold a value of at most 2 rows (data.keep=[x] keeps it)"
    )


# data.keep and data.personal


def test_what_is_kept_is_learned_and_warned_of(table: pa.Table) -> None:
    schema = detect(table, personal=Handling(keep=["contact", "手机", "lat"]))
    kept = [(schema[name].kind, schema[name].role, schema[name].personal) for name in ("contact", "手机", "lat")]
    assert kept == [
        ("category", "feature", "email"),
        ("integer", "feature", "phone"),
        ("numeric", "feature", "coordinates"),
    ]
    assert kept_lines(schema) == [
        "PERSONAL DATA is learned, as data.keep says: contact (e-mail addresses), lat (coordinates of places), "
        "手机 (phone numbers). Sampled rows may contain real values."
    ]


def test_declared_kinds_are_keys_of_the_config() -> None:
    run = compose(["+experiment=vanilla", "data=table", "data.personal.contact=email", "data.keep=[mail]"])
    assert (run.data.personal, run.data.keep) == ({"contact": "email"}, ["mail"])


def test_a_declared_kind_goes_before_what_is_found(table: pa.Table) -> None:
    schema = detect(table, personal=Handling(declared={"contact": "none", "city": "address", "zip": "other"}))
    assert schema["contact"].reason == "nearly every value is distinct"
    assert [schema[name].personal for name in ("contact", "city", "zip")] == ["", "address", "other"]
    assert "values of single people (data.keep=[zip] keeps it)" in schema["zip"].reason


@pytest.mark.parametrize(
    ("handling", "said"),
    [
        ({"keep": ["emial"]}, "data.keep: column 'emial' is not in the table"),
        ({"fake": ["agee"]}, "data.fake: column 'agee' .*Did you mean 'age'"),
        ({"keep": ["phone"], "fake": ["phone"]}, "data.keep and data.fake both name column 'phone'"),
        ({"fake": ["age"]}, "data.fake: column 'age' is found to hold no personal data; .*data.personal.age=KIND"),
        ({"fake": ["lat"]}, "column 'lat' is found to hold coordinates of places"),
        ({"fake": ["phone"], "fake_key": "contact"}, "data.fake_key=contact: the column is not learned"),
        ({"fake_key": "age"}, "data.fake_key=age: it goes with data.fake"),
        ({"fake": ["phone"], "fake_locale": "de-DE"}, "data.fake_locale=de-DE: allowed are .*Did you mean 'de_DE'"),
        ({"declared": {"age": "emial"}}, "data.personal.age=emial: allowed are email.*Did you mean 'email'"),
    ],
)
def test_keys_that_do_not_fit(table: pa.Table, handling: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        detect(table, personal=Handling(**handling))


def test_what_is_dropped_is_not_kept(table: pa.Table) -> None:
    with pytest.raises(UserError, match=r"data.drop and data.keep both name column 'phone'"):
        detect(table, drop=["phone"], personal=Handling(keep=["phone"]))


# data.fake


def fake(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "locale": "en_US", "levels": 0, "missing": 0.0, "key": ""} | more


def test_a_faked_column_is_stored_with_how_it_is_made_up(table: pa.Table) -> None:
    missing = table["phone"].to_pylist()[:300] + [None] * 100
    table = table.set_column(table.column_names.index("phone"), "phone", pa.array(missing))
    schema = detect(table, personal=Handling(fake=["phone", "Vorname", "客户姓名", "手机"], fake_key="age"))
    assert (schema["phone"].role, schema["手机"].bounds) == ("faked", None)
    assert schema["phone"].fake == fake("phone", missing=0.25, key="age")
    assert schema["Vorname"].fake == fake("first_name", locale="de_DE", levels=len(VORNAMEN), key="age")
    assert [(schema[name].fake or {})["locale"] for name in ("客户姓名", "手机")] == ["zh_CN", "zh_CN"]
    assert "phone" in [column.name for column in schema.sampled]
    assert "phone" not in [column.name for column in schema.kept]


def test_without_faker_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch, table: pa.Table) -> None:
    monkeypatch.setitem(sys.modules, "faker.config", None)
    with pytest.raises(UserError, match=r'data\.fake needs what is not installed: python -m pip install "faker'):
        detect(table, personal=Handling(fake=["phone"]))


def test_schemas_of_older_runs_are_read(tmp_path: Any) -> None:
    old = Schema([Column(name="x", kind="category", type="string")])
    old.write(tmp_path / "schema.json")
    stored = json.loads((tmp_path / "schema.json").read_text())
    for column in stored["columns"]:
        for name in ("personal", "fake", "written", "frame"):
            del column[name]
    (tmp_path / "schema.json").write_text(json.dumps(stored))
    assert Schema.read(tmp_path / "schema.json").columns == old.columns
