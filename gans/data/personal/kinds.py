"""Kinds of personal data, and the words that name such columns in several languages."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Kind:
    """A kind of personal data.

    Attributes:
        label: in words, plural.
        words: by language the regular expressions that find such a column by its plain name (see `plain_name`).
        not_words: what a name must not hold in spite of that.
    """

    label: str
    words: Mapping[str, str] = field(default_factory=dict)
    not_words: str = "(?!)"


OTHER, RARE, NONE = "other", "near_unique", "none"
"""Personal data of another kind, text that singles out rows without being of a known kind, and no personal data."""

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "email": Kind(
            "e-mail addresses",
            {
                "en": r"e ?mail|\bmail\b",
                "fr": r"\bcourriel|\bmel\b",
                "es": r"\bcorreo",
                "it": r"posta elettronica",
                "zh": "邮箱|邮件|电邮",
                "ja": "メール",
            },
        ),
        "ip": Kind("IP addresses", {"en": r"\bip(v[46])?\b", "de": r"\bip ?adresse", "zh": "ip地址"}),
        "mac": Kind("MAC addresses", {"en": r"\bmac( ?addr(ess)?|adresse)?\b"}),
        "url": Kind("web addresses", {"en": r"\b(url|web ?site|homepage|profile link)\b", "zh": "网址|网站|主页"}),
        "iban": Kind("IBANs", {"en": r"\biban\b"}),
        "card": Kind(
            "card numbers",
            {
                "en": r"\b(credit|debit|payment|bank) ?card|\bcard (no|num|number)\b|\bpan\b|\bcc ?(no|num|number)\b",
                "de": "kreditkarte|kartennummer",
                "fr": r"carte (bancaire|de credit|bleue)",
                "es": r"\btarjeta",
                "it": r"carta di credito",
                "pt": r"\bcartao",
                "zh": "银行卡|信用卡|卡号",
                "ja": "カード番号",
            },
        ),
        "national_id": Kind(
            "national ids",
            {
                "en": (
                    r"\bni ?(no|num|number)\b|"
                    r"\b(ssn|nino|social security|national (id|insurance)|passport|tax ?(id|payer)|"
                    r"driv(er|ing)s? licen[cs]e)"
                ),
                "de": r"steuer ?id|\bidnr\b|sozialversicherungs|personalausweis|ausweisnummer|reisepass|fuhrerschein",
                "fr": r"\bnir\b|securite sociale|numero fiscal|passeport",
                "es": r"\b(dni|nie|nif|curp|pasaporte|seguridad social)\b",
                "it": r"codice ?fiscale|passaporto|carta d ?identita",
                "pt": r"\b(cpf|nif|contribuinte|passaporte|bilhete de identidade|rg)\b",
                "nl": r"\b(bsn|burgerservicenummer)\b",
                "zh": "身份证|护照|证件号",
                "ja": "マイナンバー|個人番号|旅券|免許証",
            },
        ),
        "phone": Kind(
            "phone numbers",
            {
                "en": r"\b(tele)?phone|\bmobile( ?(no|num|number|phone))?$|\bcell ?phone|\b(tel|fax|gsm|msisdn)\b",
                "de": r"telefon|\bhandy|rufnummer|mobilnummer|\bmobil\b",
                "fr": r"\bportable\b",
                "es": r"\bmovil\b|\bcelular\b",
                "it": r"\bcellulare\b",
                "pt": r"telemovel|telefone",
                "zh": "电话|手机|座机|联系方式",
                "ja": "電話|携帯",
            },
            r"phone (service|type|model|brand|calls?|lines?|plan|minutes)|mobile (app|plan|service)|"
            r"calls|minutes|anruf|dauer|duration",
        ),
        "address": Kind(
            "postal addresses",
            {
                "en": r"\baddress(es)?( ?(line)? ?\d)?\b|\bstreet\b|\baddr\b|house ?(no|number)\b",
                "de": r"\badresse\b|anschrift|strasse\b|stra(ss|ß)e\b|\bstr\b|hausnummer|hausnr",
                "fr": r"\badresse\b|\brue\b|\bvoie\b",
                "es": r"\bdireccion\b|\bdomicilio\b|\bcalle\b",
                "it": r"\bindirizzo\b|\bvia\b|\bresidenza\b",
                "pt": r"\bendereco\b|\bmorada\b|\brua\b",
                "zh": "地址|住址|街道",
                "ja": "住所|番地",
            },
            r"type|typ\b|count|anzahl|类型|类别",
        ),
        "coordinates": Kind(
            "coordinates of places",
            {
                "en": r"\b(lat|latitude|lon|lng|long|longitude|gps|coordinates?)\b",
                "de": r"breitengrad|langengrad|\bkoordinate",
                "fr": r"\bcoordonnees?\b",
                "es": r"\b(latitud|longitud)\b",
                "it": r"\b(latitudine|longitudine)\b",
                "zh": "纬度|经度|坐标",
                "ja": "緯度|経度",
            },
        ),
        "user_name": Kind(
            "user names",
            {
                "en": r"\b(user ?name|login( ?name)?|screen ?name|nick ?name|handle)\b",
                "de": "benutzername|nutzername|anmeldename",
                "fr": r"\bpseudo|\bidentifiant\b",
                "es": r"nombre de usuario",
                "it": r"nome utente",
                "pt": r"nome de usuario|utilizador",
                "zh": "用户名|昵称|微信号|qq号",
                "ja": "ユーザー名|ログイン",
            },
        ),
        "plate": Kind(
            "licence plates",
            {
                "en": r"\b(licen[cs]e plate|plate (no|number)|number plate|vin)\b",
                "de": "kennzeichen$|fahrgestellnummer",
                "fr": r"immatriculation",
                "es": r"\bmatricula\b",
                "it": r"\btarga\b",
                "zh": "车牌",
                "ja": "ナンバープレート",
            },
        ),
        "birth": Kind(
            "dates of birth",
            {
                "en": r"\b(dob|birth ?da(te|y)|date of birth|born( on)?)\b",
                "de": r"geburtsdatum|geburtstag|\bgeboren",
                "fr": r"naissance",
                "es": r"nacimiento",
                "it": r"nascita",
                "pt": r"nascimento",
                "zh": "出生日期|生日|出生年月",
                "ja": "生年月日|誕生日",
            },
        ),
        "name": Kind(
            "names of people",
            {
                "en": (
                    r"\b(full|customer|client|person|patient|employee|member|contact|holder|owner|cardholder|"
                    r"account holder|passenger|guest|applicant|user|donor|driver|student) ?names?\b"
                ),
                "de": (
                    r"(kunden|personen|patienten|mitarbeiter|inhaber|ansprech\w*|spender|gast|halter)name|"
                    r"vollstandiger name"
                ),
                "fr": r"\bnom (complet|du client|et prenom)\b|\bnom prenom\b",
                "es": r"\bnombre (completo|y apellidos?|del? cliente)\b",
                "it": r"\bnome (completo|e cognome|del? cliente)\b|\bnominativo\b",
                "pt": r"\bnome (completo|do cliente)\b",
                "zh": "姓名|客户名|联系人|持卡人|收件人|收货人",
                "ja": "氏名|お名前|顧客名",
            },
        ),
        "first_name": Kind(
            "first names",
            {
                "en": r"\b(first|given|fore|middle) ?names?\b",
                "de": "vorname",
                "fr": r"\bprenoms?\b",
                "es": r"\bnombre de pila\b|\bprimer nombre\b",
                "pt": r"\bprimeiro nome\b",
                "zh": "^名$",
            },
        ),
        "last_name": Kind(
            "surnames",
            {
                "en": r"\b(last|family|sur|maiden) ?names?\b",
                "de": "nachname|familienname|zuname",
                "fr": r"\bnom de famille\b",
                "es": r"\bapellidos?\b",
                "it": r"\bcognome\b",
                "pt": r"\bsobrenome\b|\bapelido\b",
                "zh": "姓氏|^姓$",
                "ja": "苗字|名字",
            },
        ),
        OTHER: Kind("values of single people"),
        RARE: Kind("nearly unique values"),
    }
)

SHORT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "en": r"^(names?|customer|client|person|patient|employee|contact|passenger|guest|owner|holder)$",
        "de": r"^(kunde|kundin|person|mitarbeiter|inhaber|ansprechpartner)$",
        "fr": r"^nom$",
        "es": r"^(nombre|cliente)$",
        "it": r"^nome$",
        "pt": r"^nome$",
        "zh": "^(名字|客户|用户)$",
        "ja": "^(名前|顧客)$",
    }
)
"""Names of columns that hold people only where the values look like it, by language."""


def label(kind: str) -> str:
    """A kind in words, plural."""
    return KINDS[kind].label if kind in KINDS else kind


def plain_name(name: str) -> str:
    """The name of a column in lower case without accents, words parted by single spaces: "kunden e mail"."""
    name = re.sub(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    letters = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    if letters.isascii() or re.search(r"[a-zA-Z]", letters):  # an accent of kana is part of its letter
        name = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", name).lower()).split())


def language_of(patterns: Mapping[str, str], plain: str) -> str:
    """The first language whose pattern fits a plain name; "" for none."""
    return next((language for language, pattern in patterns.items() if re.search(pattern, plain)), "")


def named_kind(name: str) -> tuple[str, str]:
    """The kind of personal data that the name of a column speaks of and its language; two empty texts for none."""
    plain = plain_name(name)
    for kind, about in KINDS.items():
        if (language := language_of(about.words, plain)) and not re.search(about.not_words, plain):
            return kind, language
    return "", ""


def may_name_people(name: str) -> str:
    """The language of a column's name that people may stand under, such as "customer"; "" for other names."""
    return language_of(SHORT_NAMES, plain_name(name))
