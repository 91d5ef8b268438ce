"""The check of words finds what has a plainer word, in texts, docstrings and comments.

'make lint' runs it over all documents and programs.
"""

from __future__ import annotations

import pytest

from tools.prose import faults, notes, strings


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It waits for ever.", ["for ever"]),
        ("One line.\nA key steers the\nserver anew.", ["anew", "steers"]),
        ("A format that the camera has not.", ["has not"]),
        ("It has not ended.", []),
        ("`steer` and [a](steer.md)", []),
        ("```\nsteer anew\n```\nIt stops.", []),
    ],
)
def test_words_are_found(text: str, found: list[str]) -> None:
    assert sorted(words for _, words, _ in faults(text)) == found


def test_the_line_is_told() -> None:
    assert next(faults("One.\n```\ncode\n```\nIt begins anew."))[0] == 5


def test_docstrings_and_names_are_no_texts_for_users() -> None:
    source = '"""Steer anew."""\nA = "steer"\nB = f"it begins anew {A}"\n'
    assert [text for _, text in strings(source)] == ["it begins anew "]


def test_docstrings_and_comments_are_read_as_sentences_also_across_lines() -> None:
    source = '''"""Waits
for ever."""

class A:
    """One line."""

    #: It begins
    #: anew.
    b = "anew"  # again
    #: Another block.
'''
    found = list(notes(source))
    assert found == [
        (1, "Waits for ever."),
        (5, "One line."),
        (7, "It begins anew. again Another block."),
    ]
    assert [words for _, text in found for _, words, _ in faults(text)] == ["for ever", "anew"]
