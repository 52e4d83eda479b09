"""Labelled posts: ours (lexicons/posts), a company's own file in the same form, and MobASA beside the labels of `need`.

A post is judged for its brand: the handles and the name that the corpus tells are masked as the brand's, as at work a lexicon's
`brands` do.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple
from xml.etree import ElementTree

import msgspec

from lexicons.model.acts import To
from records.errors import HilferufError

POSTS = Path(__file__).parent.parent / "posts"
_OWN_PAGE = frozenset(("comment", "wall", "review"))


class Labelled(NamedTuple):
    """A post with its labels. domain: industry or corpus; handles: the brand's, folded; stars: 0 = no review."""

    text: str
    domain: str
    language: str
    to: To
    handles: frozenset[str]
    names: tuple[str, ...]
    stars: int
    need: int
    urgency: int
    anger: int


def posts(folder: Path = POSTS) -> list[Labelled]:
    """Our invented posts but the locked ones, in the order of the files."""
    return [each for file in sorted(folder.glob("*.*.ndjson")) for each in read_posts(file, *file.name.split(".")[:2])]


def locked(folder: Path = POSTS) -> list[Labelled]:
    """The posts that nothing may be fitted on."""
    return list(read_posts(folder / "locked.ndjson"))


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of lexicons/posts/README.md."""

    text: str
    need: Literal[0, 1]
    source: str = ""
    to: Literal["handle", "own_page", "name", "none", "direct_message"] = "none"
    brand: str | None = None
    handles: tuple[Annotated[str, msgspec.Meta(pattern="^[@\uff20]")], ...] = ()
    stars: Annotated[int, msgspec.Meta(ge=0, le=5)] = 0
    urgency: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0
    anger: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0
    industry: str | None = None
    language: str | None = None


def read_posts(file: Path, domain: str = "", language: str = "de") -> Iterator[Labelled]:
    """Posts of one NDJSON file, form as in lexicons/posts/README.md. Raises HilferufError with file, line and field."""
    decode = msgspec.json.Decoder(_Row).decode
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield _post(decode(line), domain, language)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise HilferufError(f"{file}:{number}: {error}; form: lexicons/posts/README.md") from error


def _post(row: _Row, domain: str, language: str) -> Labelled:
    to: To = row.to
    if row.source == "message":
        to = "direct_message"
    elif to == "none" and row.source in _OWN_PAGE:
        to = "own_page"
    return Labelled(
        text=row.text,
        domain=row.industry or domain,
        language=row.language or language,
        to=to,
        handles=frozenset(handle.lower() for handle in row.handles),
        names=(row.brand,) if row.brand else (),
        stars=row.stars,
        need=row.need,
        urgency=row.urgency,
        anger=row.anger,
    )


# Accounts of operators, by how such accounts are called; bots that quote announcements and the police are none.
_OPERATOR = re.compile(
    r"@(?!pro_?bahn|bahnansagen|polizei)(?:\w*(?:bahn(?!hof)|verkehr|linien|oebb|railservice|streckenagent|busund|mobilo|wings"
    r"|lufthansa|airport|drivenow|rnv|netinera|stadtwerke|metronom)\w*"
    r"|(?:db|bvg|vbb|mvg|hvv|kvb|vrr|vag|regio|ssb|vgn|mvv|rmv|vvs|swm|sbb|lvb|dvb|uestra|vhh|vgf|avg|abellio|nationalexpress|moia"
    r"|flix|nwb|kvv|sob|wlb|viz|vip|nvv|vvo|mdv|rsag|bogestra|dsw|wsw|stoag|evag|asv|go_ahead|agilis|erixx|odeg|neb|vlexx|transdev"
    r"|hsb|vab)(?:_?\w*)?(?![a-z]))",
    re.IGNORECASE,
)
# "Bahn" and "S-Bahn" alone are the thing more often than the company.
_OPERATORS = ("Deutsche Bahn", "Deutschen Bahn", "DB", "BVG", "VBB", "MVG", "HVV", "KVB", "VRR", "Rheinbahn", "VAG")
_NAMED = re.compile(r"\b(?:" + "|".join(_OPERATORS) + r")\b", re.IGNORECASE)


def transport(xml: list[Path], labels: Path, domain: str) -> list[Labelled]:
    """A corpus about railways and buses in GermEval-2017 XML with a table of labels (id, need, urgency, anger)."""
    texts = {
        document.get("id"): document.findtext("text") or ""
        for file in xml
        for document in ElementTree.parse(file).getroot()  # noqa: S314 - corpora that one has chosen to train on
    }
    with labels.open(encoding="utf-8") as rows:
        return [_about_transport(texts[row["id"]], row, domain) for row in csv.DictReader(rows, delimiter="\t")]


def _about_transport(text: str, row: dict[str, str], domain: str) -> Labelled:
    handles = frozenset(handle.lower() for handle in _OPERATOR.findall(text))
    return Labelled(
        text=text,
        domain=domain,
        language="de",
        to="handle" if handles else "name" if _NAMED.search(text) else "none",
        handles=handles,
        names=_OPERATORS,
        stars=0,
        need=int(row["need"]),
        urgency=int(row["urgency"]),
        anger=int(row["anger"]),
    )


def mobasa(shared: Path) -> list[Labelled]:
    """MobASA (CC BY 4.0), 7,795 posts with our labels; may train what ships."""
    return transport(sorted((shared / "mobasa").glob("*.xml")), shared / "need" / "mobasa.tsv", "mobasa")


def germeval(shared: Path) -> list[Labelled]:
    """GermEval 2017, development set (CC BY-NC): for measuring only."""
    return transport(
        sorted((shared / "germeval2017").glob("*.xml")), shared / "need" / "germeval2017-dev.tsv", "germeval2017"
    )


def airline(shared: Path) -> list[Labelled]:
    """Twitter US Airline Sentiment, the labelled sample (CC BY-NC-SA): for measuring only."""
    with (shared / "airline" / "Tweets.csv").open(encoding="utf-8") as rows:
        texts = {row["tweet_id"]: row["text"] for row in csv.DictReader(rows)}
    airlines = frozenset(("@virginamerica", "@united", "@southwestair", "@jetblue", "@usairways", "@americanair"))
    with (shared / "need" / "airline.tsv").open(encoding="utf-8") as rows:
        return [
            Labelled(
                texts[row["id"]],
                "us-airlines",
                "en",
                "handle",
                airlines,
                (),
                0,
                *(int(row[name]) for name in ("need", "urgency", "anger")),
            )
            for row in csv.DictReader(rows, delimiter="\t")
        ]
