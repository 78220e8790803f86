"""The tests of the worker's edit rate, which torch computes."""

from __future__ import annotations

import random
import unicodedata

import pytest
import torch

from src.worker.pipeline import _calculate_edit_rate

# ASCII, Latin with accents, a combining accent, Thai, Han, and one character outside the BMP.
ALPHABET = "ab\u00e9e\u0301\u0e01\u0e34\u8a9e\U0001f600"


def plain_edit_rate(reference: str, hypothesis: str) -> float:
    """The textbook Levenshtein distance over the reference length, without torch."""
    ref, hyp = unicodedata.normalize("NFC", reference), unicodedata.normalize("NFC", hypothesis)
    if not ref:
        return 1.0 if hyp else 0.0
    row = list(range(len(hyp) + 1))
    for i, r in enumerate(ref, start=1):
        above, row = row, [i]
        for j, h in enumerate(hyp, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (r != h)))
    return row[-1] / len(ref)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        pytest.param("kitten", "sitting", 0.5, id="three-edits-of-six"),
        pytest.param("a", "abcd", 3.0, id="more-insertions-than-characters"),
        pytest.param("", "", 0.0, id="both-empty"),
        pytest.param("", "word", 1.0, id="empty-reference"),
    ],
)
def test_edit_rate_of_known_pairs(reference: str, hypothesis: str, expected: float) -> None:
    rate = _calculate_edit_rate(reference, hypothesis)
    assert type(rate) is float
    assert rate == expected


def test_composed_and_combining_characters_are_equal() -> None:
    assert _calculate_edit_rate("caf\u00e9", "cafe\u0301") == 0.0
    assert _calculate_edit_rate("cafe\u0301", "cafe") == 0.25  # four characters after NFC, not five


def test_random_unicode_batch_agrees_with_plain_python() -> None:
    generator = random.Random(7)
    texts = ["".join(generator.choices(ALPHABET, k=generator.randrange(13))) for _ in range(300)]
    references, hypotheses = texts[:150], texts[150:]
    expected = [plain_edit_rate(ref, hyp) for ref, hyp in zip(references, hypotheses)]
    assert _calculate_edit_rate(references, hypotheses) == expected


def test_batch_gives_what_its_pairs_give_one_by_one() -> None:
    references = ["speech", "", "a", "to be or not to be", "", "gone"]
    hypotheses = ["peach", "", "a much longer text", "two bee", "noise", ""]
    singles = [_calculate_edit_rate(ref, hyp) for ref, hyp in zip(references, hypotheses)]
    assert _calculate_edit_rate(references, hypotheses) == singles
    assert singles[0] == 2 / 6 and singles[-1] == 1.0


def test_batches_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="same length, got 2 and 1"):
        _calculate_edit_rate(["one", "two"], ["one"])


def test_long_text_is_exact_whatever_the_default_dtype() -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)  # holds no odd integer above 256
    try:
        rate = _calculate_edit_rate("a" * 259, "b" * 259 + "c" * 2)
    finally:
        torch.set_default_dtype(before)
    assert rate == 261 / 259
