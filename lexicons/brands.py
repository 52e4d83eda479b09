"""Which brand is meant, how it is spoken to, and which accounts are the company's own."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from lexicons.format import Brand, Product, Source
from lexicons.inflection import spellings
from lexicons.matcher import Matcher, Place, Places
from lexicons.phrase import Phrase, PhraseError, Slot, in_a_row, parse_phrase
from lexicons.text import Text, cut, fold
from records.mention import Mention
from records.paths import Path


class OwnAccount(NamedTuple):
    """An account of the company: author id and handle on a channel, either may be unknown; brand None = not told."""

    channel: str
    id: str | None = None
    handle: str | None = None
    brand: str | None = None


class NameHit(NamedTuple):
    """A name or hashtag of a brand, or of its product, in a text, first to last word."""

    brand: str
    first: int
    last: int
    product: str | None = None


class _Name(NamedTuple):
    """Whose name a phrase is. sure: it needs no context."""

    brand: str
    product: str | None
    sure: bool = True


_Entry = tuple[str, str | None]  # brand, and product or None
NEAR_SENTENCES = 1  # a trigger belongs to a name in its own sentence or the one beside it …
NEAR_WORDS = 25  # … or within so many words of it


def is_near(place: Place, name: NameHit, places: Places) -> bool:
    """Whether a hit stands near a name."""
    words_between = max(name.first - place[1], place[0] - name.last) - 1
    if words_between <= NEAR_WORDS:
        return True
    return abs(places.sentence(place[0]) - places.sentence(name.first)) <= NEAR_SENTENCES


class BrandIndex:
    """All brands of a lexicon with the own accounts of the settings. Brands of one id in several files are one brand."""

    def __init__(self, sources: Sequence[Source], accounts: Sequence[OwnAccount] = ()) -> None:
        self.ids: list[str] = []
        self.products: dict[str, str] = {}  # product -> brand
        self.handles: dict[str, str] = {}  # folded, with @ -> brand
        self._hashtags: dict[str, _Name] = {}
        self._accounts: dict[str, str | None] = {}  # channel:id -> brand
        self._own_handles: dict[str, str | None] = {}
        self._named: dict[int, _Name] = {}  # by phrase
        self._excluding: dict[int, _Entry] = {}
        self._contexts: dict[_Entry, list[int]] = {}
        self._phrases: list[Phrase] = []
        for source in sources:
            for place, brand in enumerate(source.content.brands):
                path: Path = ("brands", place)
                if brand.id not in self.ids:
                    self.ids.append(brand.id)
                for handle in brand.handles:
                    self.handles[fold_handle(handle)] = brand.id
                    self._own_handles[fold_handle(handle)] = brand.id
                self._accounts.update(dict.fromkeys(brand.accounts, brand.id))
                self._add(source, path, (brand.id, None), brand)
                for index, product in enumerate(brand.products):
                    owner = self.products.setdefault(product.id, brand.id)
                    if owner != brand.id or product.id in self.ids:
                        other = f"a product of `{owner}`" if owner != brand.id else "a brand"
                        raise source.document.error(
                            f"`{product.id}` is already {other}",
                            (*path, "products", index, "id"),
                            "give it an id of its own",
                        )
                    self._add(source, (*path, "products", index), (brand.id, product.id), product)
        for account in accounts:
            if account.id:
                self._accounts[f"{account.channel}:{account.id}"] = account.brand
            if account.handle:
                self._own_handles[fold_handle(account.handle)] = account.brand
                if account.brand in self.ids:
                    self.handles[fold_handle(account.handle)] = account.brand or ""
        self._matcher = Matcher(self._phrases, typos=False)

    def _add(self, source: Source, path: Path, entry: _Entry, named: Brand | Product) -> None:
        """Takes in the names of a brand or product."""
        tags = (*named.hashtags, *("#" + "".join(name.split()) for name in named.names))
        self._hashtags.update(dict.fromkeys((fold(tag).replace(" ", "") for tag in tags), _Name(*entry)))
        for index, text in enumerate(named.names):
            self._named[len(self._phrases)] = _Name(*entry)
            self._phrases.append(_name(source, (*path, "names", index), text))
        for index, text in enumerate(named.aliases):
            self._named[len(self._phrases)] = _Name(*entry, sure=False)
            self._phrases.append(_name(source, (*path, "aliases", index), text))
        for index, text in enumerate(named.contexts):
            self._contexts.setdefault(entry, []).append(len(self._phrases))
            self._phrases.append(_phrase(source, (*path, "contexts", index), text, source.content.language))
        for index, text in enumerate(named.exclusions):
            self._excluding[len(self._phrases)] = entry
            self._phrases.append(_phrase(source, (*path, "exclusions", index), text, "any"))

    @property
    def configured(self) -> bool:
        """Whether any brand is; without one the brand condition is off."""
        return bool(self.ids)

    def is_own(self, mention: Mention) -> bool:
        """Whether the company itself wrote this."""
        author = mention.author
        if mention.direction == "outbound" or author.is_account or self._is_asset(mention, author.id):
            return True
        ids = (author.id, *author.alt_ids) if author.id else author.alt_ids
        if any(f"{mention.channel}:{each}" in self._accounts for each in ids):
            return True
        return bool(author.handle) and fold_handle(author.handle or "") in self._own_handles

    def _is_asset(self, mention: Mention, author_id: str | None) -> bool:
        """Whether this author is the very account that heard the mention, such as our page."""
        return author_id is not None and author_id == mention.account.id

    def answers_us(self, mention: Mention) -> tuple[bool, str | None]:
        """Whether the mention replies to a post of the company, and of which brand."""
        parent = mention.thread.parent_author_id
        if self._is_asset(mention, parent):
            return True, mention.account.brand
        return self.account_brand(mention.channel, parent)

    def account_brand(self, channel: str, author_id: str | None) -> tuple[bool, str | None]:
        """Whether this author id is an own account, and of which brand."""
        key = f"{channel}:{author_id}"
        return (True, self._accounts[key]) if author_id and key in self._accounts else (False, None)

    def handle_in(self, text: Text, mention: Mention) -> tuple[bool, str | None]:
        """Whether an own handle stands in the text or among its entities, and of which brand."""
        for word in text.words:
            if word[:1] == "@" and word in self._own_handles:
                return True, self._own_handles[word]
        for entity in mention.entities:
            if entity.type != "mention":
                continue
            own, brand = self.account_brand(mention.channel, entity.id)
            if own:
                return True, brand
            if entity.text and fold_handle(entity.text) in self._own_handles:
                return True, self._own_handles[fold_handle(entity.text)]
        return False, None

    @property
    def own_handles(self) -> Collection[str]:
        """Own handles, folded, with @."""
        return self._own_handles.keys()

    @property
    def knows_handles(self) -> bool:
        """Whether any own handle is known, so that another handle is surely somebody else's."""
        return bool(self._own_handles)

    def speaks_to_other(self, text: Text) -> bool:
        """Whether the text begins with a handle that is not ours; a dot may stand before it."""
        first = next((word for word in text.words[:2] if word not in ".,"), "")
        return self.knows_handles and first[:1] == "@" and first not in self._own_handles

    def names_in(self, text: Text) -> tuple[list[NameHit], bool]:
        """Names and hashtags of brands and products in the text, and whether an exclusion took one away."""
        hits: list[NameHit] = []
        if self._hashtags and ("#" in text.original or "\uff03" in text.original):
            for word, first, last in text.hashtags():
                if word in self._hashtags:
                    brand, product, _ = self._hashtags[word]
                    hits.append(NameHit(brand, first, last, product))
        places = self._matcher.places(text)
        candidates = places.candidates()
        if not candidates:
            return hits, False
        in_context: dict[_Entry, bool] = {}
        for index in sorted(candidates & self._named.keys()):
            brand, product, sure = self._named[index]
            contexts = self._contexts.get((brand, product), ())
            if not sure and contexts:
                if (brand, product) not in in_context:
                    in_context[brand, product] = any(
                        next(places.find(context), None) is not None for context in contexts if context in candidates
                    )
                if not in_context[brand, product]:
                    continue
            hits += [NameHit(brand, first, last, product) for first, last in places.find(index)]
        excluded: dict[_Entry, set[int]] = {}
        for index in candidates & self._excluding.keys():
            words = excluded.setdefault(self._excluding[index], set())
            for first, last in places.find(index):
                words.update(range(first, last + 1))
        kept = {
            hit
            for hit in hits
            if excluded.get((hit.brand, hit.product), set()).isdisjoint(range(hit.first, hit.last + 1))
        }
        return sorted(kept, key=lambda hit: (hit.first, hit.last, hit.brand, hit.product or "")), len(kept) < len(
            set(hits)
        )


def fold_handle(handle: str) -> str:
    """A handle as it stands in a cut text: `@`, no case. Also takes one without its @."""
    words = cut("@" + handle.strip().lstrip("@\uff20")).words
    return words[0] if words else ""


def _word(tag: str) -> str:
    words = cut(tag).words
    return words[0] if words else ""


def _name(source: Source, path: Path, text: str) -> Phrase:
    """A name is matched as written; only its last word may take a genitive s."""
    cleaned = [raw for raw, word in zip(*cut(text)[1:], strict=True) if word and word not in ".,"]
    if not cleaned:
        raise source.document.error(f"`{text}` has no word in it", path)
    slots = [Slot(frozenset(_word(each) for each in spellings(raw))) for raw in cleaned]
    last = slots[-1].words
    slots[-1] = Slot(last | {word + "s" for word in last})
    return in_a_row(slots)


def _phrase(source: Source, path: Path, text: str, language: str) -> Phrase:
    try:
        return parse_phrase(text, language)
    except PhraseError as error:
        raise source.document.error(f"phrase `{text}`: {error}", path) from error
