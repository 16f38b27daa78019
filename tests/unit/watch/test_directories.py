import os
from pathlib import Path

from spectest.watch.directories import Directory


def test_names_and_contents_are_seen(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("pear")
    (tmp_path / "b.bin").write_bytes(b"\xff" * 5)
    (tmp_path / "link").symlink_to("b.bin")
    found = Directory("out", str(tmp_path)).look()
    assert found is not None
    assert found["out/in/"] == "a directory"
    assert found["out/in/a.txt"] == "'pear'"
    assert found["out/b.bin"].startswith("5 bytes, ")
    assert found["out/link"] == "a symbolic link"
    assert list(found) == ["out/b.bin", "out/in/", "out/in/a.txt", "out/link"]


def test_another_content_of_the_same_size_at_the_same_moment_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("pear")
    moment = file.stat().st_mtime_ns
    directory = Directory("out", str(tmp_path))
    before = directory.look()
    file.write_text("plum")
    os.utime(file, ns=(moment, moment))
    assert before == {"out/a.txt": "'pear'"}
    assert directory.look() == {"out/a.txt": "'plum'"}


def test_an_old_file_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("pear")
    os.utime(file, ns=(0, 0))
    directory = Directory("out", str(tmp_path))
    directory.look()
    file.chmod(0)
    file.write_text("plum") if os.access(file, os.W_OK) else None
    os.utime(file, ns=(0, 0))
    assert directory.look() == {"out/a.txt": "'pear'"}


def test_a_directory_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    directory = Directory("out", str(folder))
    assert directory.look() == {}
    folder.rmdir()
    assert directory.look() is None
