"""The linter: what in a lexicon has no effect, contradicts itself, is never tested, or finds more or less than it seems."""

from collections.abc import Iterable, Iterator

from lexicons.language import told
from lexicons.lint.breadth import Breadth, check_breadth, check_weight
from lexicons.lint.checked import Checked
from lexicons.lint.ordinary import packaged_posts
from lexicons.lint.reach import check_reach
from lexicons.lint.remark import RULES, Remark, remark
from lexicons.lint.tests import check_tests
from lexicons.lint.wording import check_wording
from records.mention import Language, Mention


def lint(checked: Checked, mentions: Iterable[Mention] | None = None) -> list[Remark]:
    """Every remark on these files, by file and line. mentions: ordinary ones, to say what is too broad; default: the packaged
    posts that need no answer."""
    breadth = Breadth(checked)
    if mentions is None:
        for post in packaged_posts():
            if not post.need:
                breadth.add_post(post)
    else:
        for mention in mentions:
            breadth.add_mention(mention)
    found = [
        *_unread(checked),
        *check_reach(checked),
        *check_tests(checked),
        *check_wording(checked),
        *check_breadth(checked, breadth),
        *check_weight(checked),
    ]
    order = {source.document.file: place for place, source in enumerate(checked.sources)}
    return sorted(found, key=lambda each: (order[each.file], each.line or 0, each.rule))


def _unread(checked: Checked) -> Iterator[Remark]:
    """`unread-language`: a tag that no post is ever said to be in, because another one is used for it."""
    for source in checked.sources:
        language = source.content.language
        used = told(Language(tag=language, source="platform"))
        if language not in ("any", used) and source.content.triggers:
            yield remark(
                "unread-language",
                f"no post is read as `{language}`, so its triggers count only where the language is unknown",
                f"write `{used}`" if used else "write the language's two-letter code, or `any`",
                file=source.document.file,
                line=source.document.line(("language",)),
                field="language",
            )


__all__ = ["RULES", "Checked", "Remark", "lint"]
