"""Which texts look like names of people: their shape, and frequent names of several countries."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.personal.patterns import matches

pc: Any = pyarrow.compute  # its functions are made at run time

FIRST_NAMES = (
    "james mary michael patricia robert jennifer john linda david elizabeth william barbara richard susan joseph "
    "jessica thomas karen christopher sarah charles lisa daniel nancy matthew sandra anthony betty mark ashley "
    "donald emily steven kimberly andrew margaret paul donna joshua michelle kenneth carol kevin amanda brian "
    "melissa timothy deborah ronald stephanie george rebecca jason sharon edward laura jeffrey cynthia ryan "
    "dorothy jacob amy gary kathleen nicholas angela eric shirley jonathan emma stephen brenda larry pamela "
    "justin nicole scott anna brandon samantha benjamin katherine samuel christine gregory helen alexander debra "
    "patrick rachel frank carolyn raymond janet jack olivia noah ava liam sophia mason isabella ethan mia harry "
    "amelia oliver grace peter alice hans ursula klaus monika jurgen petra wolfgang sabine dieter renate werner "
    "karin uwe brigitte stefan claudia markus julia jan katharina lukas lena felix marie leon hannah finn lea "
    "jonas lara maximilian paula sebastian martina tobias nina florian sophie philipp johanna heike andreas "
    "birgit jens ingrid gisela matthias christa holger helga horst gerhard heinz manfred otto fritz karl greta "
    "anke anja katja ralf bernd jorg sven ulrich jean pierre michel philippe alain nathalie isabelle sylvie "
    "catherine francoise martine jacques christophe nicolas celine camille chloe manon louis hugo lucas antoine "
    "julien aurelie claire luc jose antonio maria carmen manuel francisco ana juan isabel javier dolores carlos "
    "pilar miguel teresa luis rosa angel cristina pedro lucia rafael marta fernando elena pablo alejandro sergio "
    "giuseppe giovanni mario luigi giovanna andrea marco giulia francesco francesca alessandro chiara lorenzo "
    "paolo matteo roberto stefano luca giorgia joao beatriz tiago ines rui rita paulo fernanda marcos juliana "
    "gustavo thiago mariana jansen pieter johannes willem kees anneke sanne daan mohammed ahmed fatima ali omar "
    "aisha "
)
SURNAMES = (
    "smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson "
    "anderson thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis "
    "robinson walker young allen king wright scott torres nguyen hill flores green adams nelson baker hall rivera "
    "campbell mitchell carter roberts evans hughes edwards turner wood cooper murphy kelly patel muller schmidt "
    "schneider fischer weber meyer wagner becker schulz hoffmann schafer koch bauer richter klein wolf schroder "
    "neumann schwarz zimmermann braun kruger hofmann hartmann lange schmitt werner schmitz krause meier lehmann "
    "schmid schulze maier kohler herrmann konig walter mayer huber kaiser fuchs peters lang scholz moller weiss "
    "jung bernard dubois durand moreau laurent simon lefebvre leroy roux fournier girard bonnet dupont lambert "
    "fontaine fernandez gomez diaz alvarez romero ruiz munoz rossi russo ferrari esposito bianchi romano colombo "
    "ricci marino greco bruno gallo conti silva santos ferreira pereira oliveira costa rodrigues martins sousa "
    "almeida souza lima "
)
CHINESE = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑谢罗梁宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪"
    "范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
JAPANESE = (
    "佐藤|鈴木|高橋|田中|伊藤|渡辺|山本|中村|小林|加藤|吉田|山田|佐々木|"
    "山口|松本|井上|木村|斎藤|清水|山崎|林|森|池田|橋本"
)
WORD = r"\p{Lu}[\p{L}'’.\-]*"
LETTERS = r"^[\p{L}][\p{L}'’.\- ]*$"
FULL = rf"^({WORD},? )+((de|da|di|van|von|der|den|dos|del|la|le|zu|y) )*{WORD}$|^{WORD}, ?{WORD}( {WORD})*$"
CHINESE_NAME = rf"^[{CHINESE}]\p{{Han}}{{1,2}}$"
JAPANESE_NAME = rf"^({JAPANESE})[ 　]?[\p{{Han}}\p{{Hiragana}}\p{{Katakana}}]{{1,4}}$"


def plain_text(values: Any) -> Any:
    """Texts in lower case without accents, as the lists of names are."""
    plain = pc.utf8_lower(pc.utf8_normalize(values, form="NFKD"))
    return pc.replace_substring_regex(plain, r"\p{Mn}", "")


def share(fits: np.ndarray) -> float:
    """The share of values that fit; 0 of none."""
    return float(fits.mean()) if len(fits) else 0.0


def letters_only(values: Any) -> float:
    """The share of texts that are letters with the signs of names, at most four words."""
    few = pc.less(pc.count_substring(values, " "), 4).to_numpy(zero_copy_only=False)
    return share(matches(values, LETTERS) & few)


def full_names(values: Any) -> float:
    """The share of texts that have the shape of a full name: two capitalised words or more."""
    few = pc.less(pc.count_substring(values, " "), 5).to_numpy(zero_copy_only=False)
    return share(matches(values, FULL) & few & ~matches(values, r"\d"))


def known_names(values: Any) -> float:
    """The share of texts whose first or last word is a frequent name."""
    words, known = (
        pc.split_pattern_regex(plain_text(values), r"[ ,]+"),
        pa.array(sorted({*FIRST_NAMES.split(), *SURNAMES.split()})),
    )
    offsets, flat = words.offsets.to_numpy(), words.flatten()
    hits = pc.is_in(flat, value_set=known).to_numpy(zero_copy_only=False)
    return share(hits[offsets[:-1]] | hits[offsets[1:] - 1]) if len(hits) else 0.0


def asian_names(values: Any) -> tuple[float, str]:
    """The share of texts as long as a name that begin with a frequent Chinese or Japanese surname; the language."""
    chinese, japanese = share(matches(values, CHINESE_NAME)), share(matches(values, JAPANESE_NAME))
    return (chinese, "zh") if chinese >= japanese else (japanese, "ja")


def surnames_used(values: Any) -> int:
    """How many Chinese surnames the texts begin with."""
    return len(pc.unique(pc.utf8_slice_codeunits(values, 0, 1)))
