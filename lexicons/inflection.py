"""Inflected forms of a lexicon's word, so that nobody lists them: `kaputt` also finds kaputte, kaputtes, kaputter.

Forms are made from the lexicon's word, never by cutting the text's words down: what is matched stays exact, a made-up form
simply never occurs, and the cost is paid once, when a lexicon is loaded. In German a capital letter says noun (plural, case),
a small one verb or adjective. Umlauts stand for all their spellings: `Störung` is Störung, Stoerung, Storung; `Stoerung` is the
same. A plain vowel in a lexicon stays plain: `schon` never finds schön.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import islice, product

from lexicons.text import cut


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Short words, and words whose forms follow no ending. Dialect spellings are Austrian and Swiss.
_IRREGULAR_DE: dict[str, str] = {
    "nicht": "nicht nich ned net nit nid nöd nöt",
    "nichts": "nichts nix nüt nüüt nichz",
    "kein": "kein keine keinen keinem keiner keines keins koa koane koan kan ka kei keis",
    "mein": "mein meine meinen meinem meiner meines mei mis mini meim",
    "euer": "euer eure euren eurem eurer eures",
    "ist": "ist is isch sin sind war waren wär wäre",
    "habe": "hab habe haben habt hat hast hatte hatten ham han hend hani häsch hät",
    "geht": "geh gehe gehen geht gehts ging gehn geits gaht goht",
    "kann": "kann ka chan cha kannst können könnt konnte konnten könnte könnten",
    "wird": "wird werde werden wurde wurden",
    "helfen": "helf helfe helfen helft helfts hilf hilft hilfst geholfen hälfe hälfed",
    "gebe": "geb gebe geben gebt gib gibt gibts gab gegeben",
    "komme": "komm komme kommen kommt kommst kam kamen gekommen kumm kummt kum chum chunnt chume",
    "bekomme": "bekomm bekomme bekommen bekommt bekommst bekam bekamen",
    "weiß": "weiß weiss wissen wisst weißt",
    "brennt": "brennt brennen brannte brannten",
    "brauche": "brauch brauche brauchen braucht brauchst brauchte brauchten gebraucht bruch bruche",
    "paket": "paket pakets pakete paketen packerl päckli",
    "internet": "internet internets inet",
    "niemand": "niemand niemanden niemandem kaner koana neamd",
    "jemand": "jemand jemanden jemandem öpper",
}
# Strong verbs, by infinitive, as they are written in separable verbs (an/kommen).
_STRONG_DE: dict[str, str] = {
    "kommen": "komm komme kommen kommt kommst kam kamen kamst gekommen kummt chunnt",
    "gehen": "geh gehe gehen geht gehst ging gingen gegangen",
    "fallen": "fall falle fallen fällt fällst fiel fielen gefallen",
    "brechen": "breche brechen bricht brichst brach brachen gebrochen",
    "nehmen": "nehme nehmen nimmt nimmst nahm nahmen genommen",
    "geben": "geb gebe geben gebt gibt gibst gab gaben gegeben",
    "schmieren": "schmiere schmieren schmiert schmierte geschmiert",
    "laden": "lade laden lädt lud luden geladen",
    "fahren": "fahre fahren fahrt fährt fuhr fuhren gefahren",
    "laufen": "laufe laufen lauft läuft lief liefen gelaufen",
    "rufen": "ruf rufe rufen ruft rufst rief riefen gerufen",
    "heben": "hebe heben hebt hebst hob hoben gehoben",
    "bieten": "biete bieten bietet bot boten geboten",
    "ziehen": "ziehe ziehen zieht zog zogen gezogen",
    "schließen": "schließe schließen schließt schloss schlossen geschlossen",
    "fliegen": "fliege fliegen fliegt flog flogen geflogen",
    "treten": "trete treten tritt trat traten getreten",
    "stehen": "stehe stehen steht stand standen gestanden",
    "halten": "halte halten hält hielt hielten gehalten",
}
_FIXED_DE = _words(
    "sie ihr wir ich was wer wie der die das den dem seit schon immer noch wann warum wieso weshalb mehr auch aber "
    "euch eich ihnen jetzt heute gestern morgen bitte niemand einfach wieder endlich dass denn damit dafür hier dort "
    "nach oder über unter ohne beim sehr viel"
)
_NOUN_DE = ("", "e", "en", "er", "ern", "es", "n", "s")
_VERB_DE = ("", "e", "en", "em", "er", "es", "n", "st", "t", "et", "est", "te", "ten", "tet", "ete", "eten")
_PARTICIPLE_DE = ("t", "et", "en", "te", "ten", "ter", "tes")
_FIXED_EN = _words(
    "this that with your have been from does will would when what where still since after again please help me my you"
    " the and not for are was were is it to of in on at"
)
_UMLAUTS = {"ä": ("ä", "a", "ae"), "ö": ("ö", "o", "oe"), "ü": ("ü", "u", "ue")}
_SPELT_OUT = re.compile("ae|oe|(?<![aeouq])ue")  # not in "neue", "Quelle"


@lru_cache(maxsize=20_000)
def forms(word: str, language: str) -> frozenset[str]:
    """Folded forms of one word in a language; a language without rules gives the word itself."""
    written = {word}
    if language == "de":
        written = _german(word)
    elif language == "en":
        written = _english(word.lower())
    return _spelt(written)


def spellings(word: str) -> list[str]:
    """A word with each umlaut as ä/a/ae, ö/o/oe, ü/u/ue, and with ae, oe, ue as umlauts; at most 28 of them."""
    lower = unicodedata.normalize("NFC", word).lower()
    parts = re.split("([äöü])", lower)
    found = ["".join(choice) for choice in islice(product(*(_UMLAUTS.get(part, (part,)) for part in parts)), 27)]
    if len(parts) == 1 and _SPELT_OUT.search(lower):
        found.append(_SPELT_OUT.sub(lambda match: "äöü"["aou".index(match[0][0])], lower))
    return found


def separable_forms(particle: str, verb: str) -> tuple[frozenset[str], frozenset[str]]:
    """Folded forms of a German separable verb: as one word (ankommt, angekommen, anzukommen), and the verb alone (kommt)."""
    infinitive = verb.lower()
    made = set(_STRONG_DE[infinitive].split()) if infinitive in _STRONG_DE else _german(infinitive)
    participles = set() if infinitive.startswith("ge") else {form for form in made if form.startswith("ge")}
    joined = {particle.lower() + form for form in made | {"zu" + infinitive}}
    return _spelt(joined), _spelt((made - participles) or made)


def _spelt(words: set[str]) -> frozenset[str]:
    return frozenset(folded for word in words for spelling in spellings(word) if (folded := _fold(spelling)))


def _fold(word: str) -> str:
    words = cut(word).words
    return words[0] if words else ""


def _german(word: str) -> set[str]:
    lower = word.lower()
    if lower in _IRREGULAR_DE:
        return set(_IRREGULAR_DE[lower].split())
    is_noun = word[0].isupper() and not word.isupper()
    if len(lower) < (3 if is_noun else 4) or lower in _FIXED_DE or not lower.isalpha():
        return {lower}
    if word[0].isupper():
        return _german_noun(lower)
    stems = {lower}
    for ending, shortest in (("en", 3), ("et", 3), ("te", 4), ("e", 3), ("t", 3)):
        if lower.endswith(ending) and len(lower) - len(ending) >= shortest:
            stems.add(lower.removesuffix(ending))
    made = {stem + ending for stem in stems for ending in _VERB_DE}
    if not lower.startswith(("ge", "be", "ver", "er", "ent")):
        made |= {"ge" + stem + ending for stem in stems for ending in _PARTICIPLE_DE}
    # "bucht" from "gebucht": the participle in the lexicon finds the participle in the text only.
    return made


def _german_noun(lower: str) -> set[str]:
    made = {lower + ending for ending in _NOUN_DE}
    place = max(lower.rfind(vowel) for vowel in "aou")
    if place > 0 and lower[place : place + 2] not in ("au", "ou") and lower[place - 1] not in "aeiou":
        umlaut = lower[:place] + "äöü"["aou".index(lower[place])] + lower[place + 1 :]  # Ausfall, Ausfälle
        made |= {umlaut + ending for ending in ("e", "er", "en", "ern")}
    return made


def _english(lower: str) -> set[str]:
    if len(lower) < 4 or lower in _FIXED_EN or not lower.isalpha():
        return {lower}
    made = {lower, lower + "s", lower + "es"}
    if lower.endswith("y") and lower[-2] not in "aeiou":
        made |= {lower[:-1] + "ies", lower[:-1] + "ied", lower + "ing"}
    elif lower.endswith("e"):
        made |= {lower + "d", lower[:-1] + "ing"}
    else:
        made |= {lower + "ed", lower + "ing"}
        if lower[-1] in "bdglmnprt" and lower[-2] in "aeiou" and lower[-3] not in "aeiou":
            made |= {lower + lower[-1] + "ed", lower + lower[-1] + "ing"}
    return made
