"""The settings file: what is accepted, what is refused and where that is said to stand, and secrets that are never shown."""

from pathlib import Path

import pytest

from config.section import Secret
from config.settings import load_settings, packaged
from config.yaml_file import ConfigError

FULL = """
version: 1
strategy: balanced
need_threshold: 0.4
listeners:
  x:
    bearer_token: {env: X_TOKEN}
    rules:
      - {value: "@nordfunk -from:nordfunk", tag: brand}
  facebook:
    app_secret: {env: APP_SECRET}
    pages:
      - {id: "1", access_token: {file: page.token}, brand: nordfunk}
  webhook:
    secrets: [{env: HOOK_SECRET}]
  files:
    - {path: posts.ndjson, kind: mentions, follow: true}
sinks:
  queue: {}
  request_tracker: {url: "https://rt.example.org", token: {env: RT_TOKEN}, queue: Social}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "hilferuf.yaml"
    file.write_text(text, "utf-8")
    return file


def refused(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(folder, text))
    return caught.value


def test_a_whole_file_is_read(tmp_path):
    settings = load_settings(write(tmp_path, FULL)).settings
    assert settings.listeners.x is not None
    assert settings.listeners.x.rules[0].tag == "brand"
    assert settings.listeners.files[0].follow
    assert settings.sinks.request_tracker is not None
    assert settings.sinks.zendesk is None


def test_paths_start_at_the_files_folder(tmp_path):
    loaded = load_settings(write(tmp_path, "data_dir: state\n"))
    assert loaded.data_dir == tmp_path / "state"
    assert loaded.path("/abs/lexicon.yaml") == Path("/abs/lexicon.yaml")


@pytest.mark.parametrize(
    ("text", "line", "field", "near"),
    [
        ("lexikons: [de]\n", 1, "lexikons", "lexicons"),
        ("sinks:\n  zendesc: {}\n", 2, "sinks.zendesc", "zendesk"),
        ("listeners:\n  files:\n    - path: a\n      folow: true\n", 4, "listeners.files[0].folow", "follow"),
        ("sinks:\n  queue:\n    pth: q.db\n", 3, "sinks.queue.pth", "path"),
    ],
)  # fmt: skip
def test_a_misspelt_setting_stops_the_start_with_the_nearest_right_key(tmp_path, text, line, field, near):
    error = refused(tmp_path, text)
    assert (error.line, error.field) == (line, field)
    assert error.hint == f"did you mean `{near}`?"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("need_threshold: 1.5\n", 1),
        ("need_threshold: .nan\n", 1),
        ("version: 2\n", 1),
        ("server:\n  port: 70000\n", 2),
        ("listeners:\n  files:\n    - {path: a, kind: tweets}\n", 3),
        ("sinks:\n  request_tracker:\n    url: rt.example.org\n    token: {env: T}\n    queue: q\n", 3),
    ],
)
def test_a_value_out_of_bounds_is_named_with_its_line(tmp_path, text, line):
    assert refused(tmp_path, text).line == line


@pytest.mark.parametrize("text", ["- a\n", "just text\n", "5\n"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    assert "must be a mapping" in str(refused(tmp_path, text))


def test_the_packaged_defaults_have_no_listener_and_no_helpdesk():
    settings = packaged().settings
    assert settings.listeners.x is settings.listeners.facebook is settings.listeners.webhook is None
    assert settings.sinks.request_tracker is settings.sinks.zendesk is None


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TEST_TOKEN", "geheim")
    file = tmp_path / "token"
    file.write_text("auch geheim\n")
    assert Secret(env="HF_TEST_TOKEN").reveal() == "geheim"
    assert Secret(file=str(file)).reveal() == "auch geheim"


def test_a_secrets_file_lies_beside_the_settings(tmp_path, monkeypatch):
    (tmp_path / "page.token").write_text("geheim")
    path = write(tmp_path, FULL)
    monkeypatch.chdir("/")
    settings = load_settings(path).settings
    assert settings.listeners.facebook is not None
    assert settings.listeners.facebook.pages[0].access_token.reveal() == "geheim"


def test_a_secret_never_shows_in_a_text_about_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("X_TOKEN", "geheim-1")
    (tmp_path / "page.token").write_text("geheim-2")
    loaded = load_settings(write(tmp_path, FULL))
    assert loaded.settings.listeners.x is not None
    loaded.settings.listeners.x.bearer_token.reveal()
    assert "geheim" not in repr(loaded) + repr(loaded.settings) + str(loaded.settings.listeners.x.bearer_token)


def test_a_secret_written_into_the_file_itself_is_refused_without_showing_it(tmp_path):
    error = refused(tmp_path, "listeners:\n  webhook:\n    secrets: [hush-hush-1234]\n")
    assert error.line == 3
    assert "hush" not in str(error)


def test_a_missing_secret_names_its_place_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("HF_TEST_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="HF_TEST_TOKEN is not set"):
        Secret(env="HF_TEST_TOKEN").reveal()
    with pytest.raises(ConfigError, match="cannot be read"):
        Secret(file=str(tmp_path / "none")).reveal()
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        Secret(file=str(tmp_path / "empty")).reveal()


@pytest.mark.parametrize("secret", [Secret(), Secret(env="A", file="b")])
def test_a_secret_has_exactly_one_source(secret):
    with pytest.raises(ConfigError, match="either"):
        secret.reveal()


@pytest.mark.parametrize("secret", ["{}", "{env: A, file: b}"])
def test_a_secret_without_one_source_stops_the_start_with_its_place(tmp_path, secret):
    error = refused(tmp_path, f"listeners:\n  webhook:\n    secrets:\n      - {secret}\n")
    assert (error.line, error.field) == (4, "listeners.webhook.secrets[0]")


def test_a_line_end_after_a_secret_is_no_part_of_it(monkeypatch):
    """A secret that a deployment took from a file with its line end cannot stand in an HTTP header."""
    monkeypatch.setenv("HF_TEST_TOKEN", "geheim\n")
    assert Secret(env="HF_TEST_TOKEN").reveal() == "geheim"


def test_a_secret_of_two_lines_is_refused_without_showing_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TEST_TOKEN", "geheim\nX-Other: 1")
    file = tmp_path / "token"
    file.write_text("geheim\nsecond")
    for secret in (Secret(env="HF_TEST_TOKEN"), Secret(file=str(file))):
        with pytest.raises(ConfigError, match="line end") as caught:
            secret.reveal()
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("value", [".inf", "9.0e+300"])
@pytest.mark.parametrize("field", ["retention: {log_days", "conversation: {gap_hours", "retention: {author_days"])
def test_an_endless_time_is_refused_at_the_start(tmp_path, field, value):
    refused(tmp_path, f"{field}: {value}}}\n")


def test_a_folder_with_a_null_byte_in_its_name_is_refused(tmp_path):
    assert refused(tmp_path, 'data_dir: "a\\0b"\n').field == "data_dir"
