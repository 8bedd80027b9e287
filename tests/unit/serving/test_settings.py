"""deploy.toml is read strictly, and tokens as well; what is wrong is named with file and key."""

from __future__ import annotations

import pytest

from fieldfare.exceptions import ConfigError, RequestError
from fieldfare.serving.settings import read_settings, settings_of
from fieldfare.serving.tokens import Right, read_tokens

WHOLE = """\
host = "0.0.0.0"
port = 9000
tokens = "tokens.txt"
default = "films"
shadow = "next"

[models.films]
model = "films.ff"
index = "films.index"
watch = true

[models.next]
model = "/elsewhere/next.ff"
index = "next.index"
ranker = "ranker.ff"

[split]
salt = "2026"
shares = { films = 90, next = 10 }

[limits]
deadline_ms = 50
"""


def test_a_file_is_read_with_paths_beside_it(tmp_path):
    (tmp_path / "deploy.toml").write_text(WHOLE)
    found = read_settings(tmp_path / "deploy.toml")
    assert found.models["films"].model == str(tmp_path / "films.ff")
    assert found.models["next"].model == "/elsewhere/next.ff"
    assert found.models["next"].ranker == str(tmp_path / "ranker.ff")
    assert found.tokens == str(tmp_path / "tokens.txt")
    assert (found.limits.deadline_ms, found.limits.queue) == (50, 512)
    assert found.split is not None and found.split.shares == {"films": 90, "next": 10}
    over = settings_of(tmp_path / "deploy.toml", None, port=1234, workers=None)
    assert (over.port, over.workers) == (1234, 1)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("port = 9000", "port = 90000", r"deploy\.toml: port: Expected `int` <= 65535"),
        ("port = 9000", 'port = "x"', r"deploy\.toml: port: Expected `int`, got `str`"),
        ("watch = true", "wach = true", r"deploy\.toml: models.*unknown field `wach`"),
        ('model = "films.ff"', "", r"deploy\.toml: models.*missing required field `model`"),
        ("deadline_ms = 50", "deadline_ms = 0", r"deploy\.toml: limits\.deadline_ms: Expected"),
        ('shadow = "next"', 'shadow = "nxt"', r"shadow must be one of.*Did you mean 'next'"),
        ("next = 10", "nothing = 10", r"split\.shares must be one of"),
        ("films = 90, next = 10", "films = 0, next = 0", r"split\.shares must not all be 0"),
        ("[limits]", "[limits", r"deploy\.toml cannot be read as TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, before, after, message):
    assert before in WHOLE
    (tmp_path / "deploy.toml").write_text(WHOLE.replace(before, after, 1))
    with pytest.raises(ConfigError, match=message):
        read_settings(tmp_path / "deploy.toml")


def test_targets_and_what_goes_with_them(tmp_path):
    (tmp_path / "a.index").mkdir()
    assert settings_of("my model (2).ff", None).default_model == "my-model--2"
    (tmp_path / "m.ff").touch()
    for target, model, more, message in (
        (tmp_path / "a.index", None, {}, "Name its model"),
        (tmp_path / "m.ff", "other.ff", {}, "leave them out"),
        (tmp_path / "b.index", "m.ff", {}, "There is no folder"),
        ("m.ff", None, {"ranker": "r.ff"}, "leave them out"),
        (tmp_path / "deploy.toml", "m.ff", {}, "names its own models"),
        (tmp_path / "nothing.toml", None, {}, "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=message):
            settings_of(target, model, **more)


def test_tokens_are_read_and_never_repeated(tmp_path):
    path = tmp_path / "tokens.txt"
    path.write_text("# comment\n\nread " + "r" * 16 + "\nadmin " + "a" * 16 + "\n")
    tokens = read_tokens(path)
    tokens.check("Bearer " + "r" * 16, Right.READ)
    tokens.check("bearer " + "a" * 16, Right.ADMIN)
    with pytest.raises(RequestError):
        tokens.check("Bearer " + "r" * 16, Right.ADMIN)
    for text in ("", "owner " + "t0ken" * 4, "read t0ken", "read " + "t0ken" * 4 + " x"):
        path.write_text(text)
        with pytest.raises(ConfigError) as caught:
            read_tokens(path)
        assert "t0ken" not in str(caught.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_tokens(tmp_path / "nothing.txt")
