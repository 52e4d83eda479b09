"""What agents read, in English and German: one method a phrase, so that a translation cannot miss an argument."""

from typing import ClassVar

from records.times import DAY, HOUR, MINUTE


class Words:
    """English. Durations in milliseconds."""

    language = "en"
    content, purchases, contacts, influence = "Content", "Purchases", "Contacts", "Influence"
    nothing_unanswered = "everything is answered"
    without_text = "no text to judge"
    no_purchase = "no purchase on record"
    no_contact = "no earlier contact on record"
    escalation = "escalation: turned to us before, now posts"
    minute, hour, days = "min", "h", "days"
    quotes = "“{}”"
    channels: ClassVar[dict[str, str]] = {}
    a_bot = "a bot"
    verified_account = "verified account"
    unknown = "unknown"
    need_unknown = "need (no text)"
    followers_unknown = "followers"
    customer_unknown = "customer (no verified link)"
    unreadable_time = "a customer fact without a readable time"
    future_fact = "a customer fact dated in the future"
    priorities: ClassVar[dict[str, str]] = {"urgent": "urgent", "high": "high", "normal": "normal", "low": "low"}
    leagues: ClassVar[dict[str, str]] = {"safety": "safety", "vulnerable": "vulnerable person", "legal": "legal"}
    weekdays = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    date = "{weekday} {day:%Y-%m-%d %H:%M %Z}"

    def number(self, value: float) -> str:
        """With one decimal; below 1,000."""
        return f"{value:.1f}"

    def count(self, value: float) -> str:
        """Without a decimal."""
        return f"{value:,.0f}"

    def cap(self, value: float) -> str:
        """A cap: one decimal only where it has one."""
        return self.count(value) if value == int(value) else self.number(value)

    def duration(self, ms: int) -> str:
        """In the one unit that fits."""
        if ms < HOUR:
            return f"{ms // MINUTE} {self.minute}"
        if ms < 2 * DAY:
            return f"{ms // HOUR} {self.hour}"
        return f"{ms // DAY} {self.days}"

    def target(self, minutes: int) -> str:
        """A target, to the minute."""
        hours, rest = divmod(minutes, 60)
        return " ".join((*((f"{hours} {self.hour}",) if hours else ()), *((f"{rest} {self.minute}",) if rest else ())))

    def readings(self, urgency: float, anger: float) -> str:
        """Urgency and anger of the worst post, 0-3."""
        return f"urgency {self.number(urgency)} of 3, anger {self.number(anger)} of 3"

    def further(self, posts: int) -> str:
        """More unanswered posts of one conversation."""
        return f"{posts} further unanswered post{'s' if posts > 1 else ''}"

    def again(self, posts: int) -> str:
        """Later posts of a conversation that still waits."""
        return f"asks again: {posts} more post{'s' if posts > 1 else ''}"

    def channel(self, name: str) -> str:
        """A contact's channel, as the company names it."""
        return self.channels.get(name) or short(name, 30)

    def contact(self, channel: str, ms: int, resolved: bool | None) -> str:
        """One contact on another channel; ms below 0: it came after the post."""
        when = f"{self.duration(ms)} before the post" if ms >= 0 else f"{self.duration(-ms)} after the post"
        state = {True: "resolved", False: "unresolved", None: "outcome unknown"}[resolved]
        return f"{channel} {when}, {state}"

    def more(self, contacts: int) -> str:
        """Contacts that are not spelt out."""
        return f"{contacts} more contact{'s' if contacts > 1 else ''}"

    def outcome_unknown(self, channel: str) -> str:
        """A contact of which nobody said whether it was resolved."""
        return f"outcome of {channel}"

    def bought(self, amount: float, currency: str) -> str:
        """Purchases in one currency, refunds off, the old ones discounted."""
        return f"bought for {self.count(amount)} {currency} (older counts less)"

    def pieces(self, quantity: float, product: str) -> str:
        """Pieces of one product."""
        return f"{self.count(quantity)} × {product}"

    def tag(self, tag: str) -> str:
        """A label of the company."""
        return f"tagged {tag}"

    def no_rate(self, currency: str) -> str:
        """An amount that could not be converted."""
        return f"purchases in {currency} (no rate in the strategy)"

    def followers(self, count: int) -> str:
        """Reach."""
        return f"{self.count(count)} follower{'' if count == 1 else 's'}"

    def ask(self, customer: str) -> str:
        """A link without verification."""
        return f"customer: may be {customer}: ask"

    def two_customers(self, customers: str) -> str:
        """Two verified links that exclude each other."""
        return f"customer: verified for {customers}, so none counts: check the links"

    def strange_league(self, league: str) -> str:
        """A league that the lexicon names and the strategy does not."""
        return f"league {league} (not in the strategy; ranked as the lowest league)"

    def head(self, points: float, priority: str) -> str:
        """First line."""
        return f"Score {self.number(points)} of 100, priority {self.priorities[priority]}"

    def league(self, name: str) -> str:
        """Line for a league."""
        return f"League: {self.leagues.get(name, name)} (stands above every score)"

    def due(self, when: str, target: str, always: bool) -> str:
        """Line for the due time."""
        return f"First answer due {when} (target {target}{', around the clock' if always else ' of opening hours'})"

    def unknowns(self, listed: str) -> str:
        """Line for what counted for nothing."""
        return f"Unknown, so it counts neither way: {listed}"

    def versions(self, strategy: str, lexicon: str | None) -> str:
        """Last line."""
        return f"Strategy {strategy}" + (f", lexicon {lexicon}" if lexicon else "")


class German(Words):
    """German."""

    language = "de"
    content, purchases, contacts, influence = "Inhalt", "Käufe", "Kontakte", "Reichweite"
    nothing_unanswered = "alles ist beantwortet"
    without_text = "kein Text zu beurteilen"
    no_purchase = "kein Kauf bekannt"
    no_contact = "kein früherer Kontakt bekannt"
    escalation = "Eskalation: hat sich schon gemeldet, schreibt jetzt"
    minute, hour, days = "Min.", "Std.", "Tage"
    quotes = "„{}“"
    channels: ClassVar[dict[str, str]] = {
        "hotline": "Hotline", "phone": "Telefon", "mail": "Mail", "email": "Mail", "chat": "Chat", "shop": "Laden",
    }  # fmt: skip
    a_bot = "ein Bot"
    verified_account = "verifiziertes Konto"
    unknown = "unbekannt"
    need_unknown = "Bedarf (kein Text)"
    followers_unknown = "Follower"
    customer_unknown = "Kunde (keine bestätigte Verknüpfung)"
    unreadable_time = "eine Kundenangabe ohne lesbare Zeit"
    future_fact = "eine Kundenangabe aus der Zukunft"
    priorities: ClassVar[dict[str, str]] = {"urgent": "dringend", "high": "hoch", "normal": "normal", "low": "niedrig"}
    leagues: ClassVar[dict[str, str]] = {"safety": "Gefahr", "vulnerable": "schutzbedürftige Person", "legal": "Recht"}
    weekdays = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
    date = "{weekday} {day:%d.%m.%Y %H:%M %Z}"

    def number(self, value: float) -> str:
        """With one decimal."""
        return f"{value:.1f}".replace(".", ",")

    def count(self, value: float) -> str:
        """Without a decimal."""
        return f"{value:,.0f}".replace(",", ".")

    def readings(self, urgency: float, anger: float) -> str:
        """Urgency and anger of the worst post, 0-3."""
        return f"Dringlichkeit {self.number(urgency)} von 3, Ärger {self.number(anger)} von 3"

    def further(self, posts: int) -> str:
        """More unanswered posts of one conversation."""
        return f"{posts} weitere unbeantwortete Posts" if posts > 1 else "1 weiterer unbeantworteter Post"

    def again(self, posts: int) -> str:
        """Later posts of a conversation that still waits."""
        return f"hakt nach: {posts} weitere{'' if posts > 1 else 'r'} Post{'s' if posts > 1 else ''}"

    def contact(self, channel: str, ms: int, resolved: bool | None) -> str:
        """One contact on another channel; ms below 0: it came after the post."""
        when = f"{self.duration(ms)} vor dem Post" if ms >= 0 else f"{self.duration(-ms)} nach dem Post"
        state = {True: "gelöst", False: "ungelöst", None: "Ausgang unbekannt"}[resolved]
        return f"{channel} {when}, {state}"

    def more(self, contacts: int) -> str:
        """Contacts that are not spelt out."""
        return f"{contacts} weitere{'' if contacts > 1 else 'r'} Kontakt{'e' if contacts > 1 else ''}"

    def outcome_unknown(self, channel: str) -> str:
        """A contact of which nobody said whether it was resolved."""
        return f"Ausgang von {channel}"

    def bought(self, amount: float, currency: str) -> str:
        """Purchases in one currency, refunds off, the old ones discounted."""
        return f"kaufte für {self.count(amount)} {currency} (Älteres zählt weniger)"

    def tag(self, tag: str) -> str:
        """A label of the company."""
        return f"Merkmal {tag}"

    def no_rate(self, currency: str) -> str:
        """An amount that could not be converted."""
        return f"Käufe in {currency} (kein Kurs in der Strategie)"

    def followers(self, count: int) -> str:
        """Reach."""
        return f"{self.count(count)} Follower"

    def ask(self, customer: str) -> str:
        """A link without verification."""
        return f"Kunde: vielleicht {customer}: nachfragen"

    def two_customers(self, customers: str) -> str:
        """Two verified links that exclude each other."""
        return f"Kunde: bestätigt für {customers}, darum zählt keiner: Verknüpfungen prüfen"

    def strange_league(self, league: str) -> str:
        """A league that the lexicon names and the strategy does not."""
        return f"Liga {league} (fehlt in der Strategie; gilt als unterste Liga)"

    def head(self, points: float, priority: str) -> str:
        """First line."""
        return f"{self.number(points)} von 100 Punkten, Priorität {self.priorities[priority]}"

    def league(self, name: str) -> str:
        """Line for a league."""
        return f"Liga: {self.leagues.get(name, name)} (steht über allen Punkten)"

    def due(self, when: str, target: str, always: bool) -> str:
        """Line for the due time."""
        return f"Erste Antwort bis {when} (Ziel {target}{', rund um die Uhr' if always else ' Öffnungszeit'})"

    def unknowns(self, listed: str) -> str:
        """Line for what counted for nothing."""
        return f"Unbekannt, zählt darum weder dafür noch dagegen: {listed}"

    def versions(self, strategy: str, lexicon: str | None) -> str:
        """Last line."""
        return f"Strategie {strategy}" + (f", Lexikon {lexicon}" if lexicon else "")


ENGLISH, GERMAN = Words(), German()


def words(language: str | None) -> Words:
    """The words of a BCP 47 tag: German for `de` and `de-…`, English for everything else."""
    return GERMAN if language is not None and language[:2].lower() == "de" and language[2:3] in ("", "-") else ENGLISH


def short(text: str, limit: int = 40) -> str:
    """One line of a foreign name, at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
