"""Lines of a file: ends, byte order mark, positions, and lines that are too long."""

import io
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from listeners.ndjson import KEPT, MAX_LINE, Splitter, read_lines


def lines(data: bytes) -> list[tuple[int, bytes]]:
    return [(line.number, line.data) for line in read_lines(io.BytesIO(data))]


def test_line_ends_of_both_kinds_and_a_missing_last_one_are_read():
    assert lines(b'{"a":1}\r\n{"a":2}\n{"a":3}') == [(1, b'{"a":1}'), (2, b'{"a":2}'), (3, b'{"a":3}')]


def test_empty_lines_are_passed_over_but_counted():
    assert lines(b"\n\r\n  \na\n\nb\n") == [(4, b"a"), (6, b"b")]


def test_a_byte_order_mark_is_taken_off_the_first_line_only():
    assert lines(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n") == [(1, b"a"), (2, b"\xef\xbb\xbfb")]


def test_a_file_read_on_in_the_middle_keeps_its_bytes():
    splitter = Splitter(offset=10, number=4)
    assert splitter.feed(b"\xef\xbb\xbfa\n")[0][:3] == (5, b"\xef\xbb\xbfa", 15)


def test_a_half_line_waits_for_its_end():
    splitter = Splitter()
    assert splitter.feed(b'{"id"') == []
    assert [line.data for line in splitter.feed(b":1}\n")] == [b'{"id":1}']
    assert splitter.finish() == []


def test_an_endless_line_comes_cut_and_the_next_one_whole():
    size = MAX_LINE + 5
    first, second = read_lines(io.BytesIO(b"x" * size + b"\nnext"))
    assert (first.too_long, first.size, len(first.data), first.end) == (True, size, KEPT, size + 1)
    assert (second.too_long, second.number, second.data) == (False, 2, b"next")


def test_a_line_of_exactly_the_bound_is_whole():
    (line,) = read_lines(io.BytesIO(b"x" * MAX_LINE + b"\n"))
    assert not line.too_long
    assert len(line.data) == MAX_LINE


def test_an_endless_line_does_not_fill_the_memory():
    splitter = Splitter()
    chunk = b"x" * 65536
    tracemalloc.start()
    for _ in range(1000):
        splitter.feed(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * MAX_LINE
    assert splitter.finish()[0].size == 65_536_000


@given(st.lists(st.binary(max_size=12)), st.integers(1, 7))
def test_the_cut_of_the_chunks_changes_nothing(parts, step):
    data = b"\n".join(parts)
    splitter = Splitter()
    found = [line for at in range(0, len(data), step) for line in splitter.feed(data[at : at + step])]
    assert found + splitter.finish() == list(read_lines(io.BytesIO(data)))


@given(st.lists(st.binary(max_size=12)))
def test_reading_on_behind_any_line_gives_the_rest(parts):
    data = b"\n".join(parts)
    found = list(read_lines(io.BytesIO(data)))
    for index, line in enumerate(found):
        rest = Splitter(line.end, line.number)
        assert rest.feed(data[line.end :]) + rest.finish() == found[index + 1 :]
