"""The commands as a person and a script meet them: separate processes, standard input and output."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BRAND = """\
lexicon: 1
brands: [{id: acme, names: [Acme], handles: [acme], hashtags: [acme]}]
"""


def hilferuf(
    *arguments: str, given: str | bytes = "", cwd: Path = ROOT, **env: str
) -> subprocess.CompletedProcess[bytes]:
    clean = {key: value for key, value in os.environ.items() if key != "HILFERUF_CONFIG"}
    return subprocess.run(
        [sys.executable, "-c", "from hilferuf.cli import main; main()", *arguments],
        input=given.encode() if isinstance(given, str) else given,
        capture_output=True,
        cwd=cwd,
        env={**clean, **env, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )


def lines(run: subprocess.CompletedProcess[bytes]) -> list[dict]:
    assert run.returncode == 0, run.stderr.decode()
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.fixture
def desk(tmp_path):
    """A folder with settings, a brand and a file of mentions, after one `run --drain`."""
    (tmp_path / "acme.yaml").write_text(BRAND)
    (tmp_path / "hilferuf.yaml").write_text(
        "lexicons: [de, en, acme.yaml]\nlisteners:\n  files: [{path: heard.ndjson, kind: mentions}]\nserver: {port: 0}\n"
    )
    (tmp_path / "heard.ndjson").write_text(
        '{"id": "x:1", "text": "@acme Hilfe, kein Netz!", "author": {"id": "7", "handle": "anna"}}\n'
        '{"id": "x:2", "text": "Kuchen gebacken", "author": {"id": "8"}}\n'
        '{"id": "x:3", "text": 5}\n'
    )
    run = hilferuf("run", "--drain", cwd=tmp_path)
    assert run.returncode == 0, run.stderr.decode()
    return tmp_path


def test_screen_answers_line_by_line_in_order_with_errors_in_place():
    given = '{"id":"x:1","text":"Hilfe, mein Internet geht nicht"}\n{"id":\n{"id":"x:3","text":"Kuchen gebacken"}\n'
    first, error, last = lines(hilferuf("screen", given=given))
    assert (first["id"], first["kept"], first["dropped"]) == ("x:1", True, None)
    assert error["error"]["origin"] == "stdin:2" and "reason" in error["error"]
    assert (last["id"], last["kept"], last["dropped"]) == ("x:3", False, "no_need")


def test_an_error_names_the_mention_where_its_id_can_be_made_out():
    typo, broken = lines(hilferuf("screen", given='{"id":"x:7","text":"Hilfe","txet":1}\n{"id":"x:8"'))
    assert typo["id"] == "x:7" and "text" in typo["error"]["reason"]
    assert broken["id"] is None


def test_screen_gives_every_promised_field():
    (verdict,) = lines(hilferuf("screen", given='{"id":"x:1","text":"help, my phone is broken"}'))
    promised = "id kept dropped brand need service_request urgency anger sentiment language triggers lexicon_version"
    assert set(promised.split()) <= set(verdict)
    assert set(verdict["triggers"][0]) == {"id", "text", "start", "end", "weight"}
    assert 0 <= verdict["need"] <= 1 and 0 <= verdict["urgency"] <= 3 and 0 <= verdict["anger"] <= 3


def test_a_broken_emoji_loses_no_call_for_help():
    (verdict,) = lines(hilferuf("screen", given='{"id":"x:1","text":"Hilfe \\ud83d mein Router ist kaputt"}'))
    assert verdict["kept"]


def test_screen_never_reads_a_settings_file_that_happens_to_lie_here(tmp_path):
    (tmp_path / "hilferuf.yaml").write_text("nonsense: true\n")
    assert lines(hilferuf("screen", given='{"id":"x:1","text":"Hilfe"}', cwd=tmp_path))


def test_screen_takes_its_settings_from_the_environment(tmp_path):
    (tmp_path / "acme.yaml").write_text(BRAND)
    (tmp_path / "mine.yaml").write_text("lexicons: [de, acme.yaml]\n")
    given = '{"id":"x:1","text":"Hilfe, mein Auto ist kaputt"}\n{"id":"x:2","text":"@acme Hilfe"}'
    other, ours = lines(hilferuf("screen", given=given, HILFERUF_CONFIG=str(tmp_path / "mine.yaml")))
    assert (other["dropped"], ours["kept"], ours["brand"]) == ("no_brand", True, "acme")


def test_replay_prints_the_ranked_queue_with_every_promised_field(tmp_path):
    mentions = tmp_path / "m.ndjson"
    mentions.write_text(
        '{"id":"x:1","text":"Wann kommt mein Paket?","occurred_at":"2026-03-01T10:00:00Z","author":{"id":"1"}}\n'
        '{"id":"x:2","text":"Hilfe, der Akku brennt!","occurred_at":"2026-03-01T11:00:00Z","author":{"id":"2"}}\n'
    )
    first, second = lines(hilferuf("replay", str(mentions), "--until", "2026-03-01T12:00:00Z", "--json"))
    promised = "ticket rank score league due_at status channel author mentions factors strategy lexicon_version"
    assert set(promised.split()) <= set(first)
    assert (first["rank"], first["author"], first["mentions"]) == (1, "x:2", ["x:2"])
    assert second["author"] == "x:1"
    for ticket in (first, second):
        assert round(sum(factor["points"] for factor in ticket["factors"]), 1) == ticket["score"]
        assert set(ticket["factors"][0]) == {"name", "points", "cap", "why"}


def test_replay_knows_what_a_customer_bought(tmp_path):
    (tmp_path / "m.ndjson").write_text(
        '{"id":"x:1","text":"Wann kommt mein Paket?","occurred_at":"2026-03-01T10:00:00Z","author":{"id":"1"}}\n'
    )
    (tmp_path / "f.ndjson").write_text(
        '{"id":"l","kind":"link","customer":"c","at":"2026-02-01T00:00:00Z","author":"x:1","evidence":"verified"}\n'
        '{"id":"p","kind":"purchase","customer":"c","at":"2026-02-20T00:00:00Z","amount":1200,"currency":"EUR"}\n'
    )
    arguments = ["replay", str(tmp_path / "m.ndjson"), "--until", "2026-03-01T12:00:00Z", "--json"]
    (stranger,) = lines(hilferuf(*arguments))
    (customer,) = lines(hilferuf(*arguments, "--facts", str(tmp_path / "f.ndjson")))
    assert customer["score"] > stranger["score"]


def test_replay_gives_the_same_bytes_for_any_order_and_any_duplicates(tmp_path):
    posts = [
        f'{{"id":"x:{n}","text":"{text}","occurred_at":"2026-03-0{1 + n % 5}T10:00:0{n}Z","author":{{"id":"{n % 3}"}}}}'
        for n, text in enumerate(["Hilfe", "kein Netz", "Kuchen", "Router kaputt", "immer noch nichts", "danke"])
    ]
    (tmp_path / "a").write_text("\n".join(posts))
    (tmp_path / "b").write_text("\n".join([*reversed(posts), posts[2], posts[0]]))
    arguments = ["--until", "2026-03-10T00:00:00Z", "--json"]
    assert (
        hilferuf("replay", str(tmp_path / "a"), *arguments).stdout
        == hilferuf("replay", str(tmp_path / "b"), *arguments).stdout
        != b""
    )


def test_replay_takes_until_for_a_missing_time(tmp_path):
    (ticket,) = lines(
        hilferuf("replay", "-", "--until", "2026-03-01T12:00:00Z", "--json", given='{"id":"x:1","text":"Hilfe!"}')
    )
    assert ticket["due_at"] > "2026-03-01T12:00:00"


def test_replay_tells_lines_that_cannot_be_read_and_goes_on(tmp_path):
    given = '{"id":"x:1","text":"Hilfe!"}\nnonsense\n'
    run = hilferuf("replay", "-", "--json", given=given)
    assert len(lines(run)) == 1 and b"stdin:2" in run.stderr


def test_run_delivers_and_queue_shows_where(desk):
    (ticket,) = lines(hilferuf("queue", "--json", cwd=desk))
    assert ticket["mentions"] == ["x:1"] and ticket["rank"] == 1
    assert [(d["sink"], d["state"]) for d in ticket["delivered"]] == [("queue", "settled")]
    assert b"kein Netz" in hilferuf("queue", cwd=desk, COLUMNS="160").stdout


def test_explain_says_why_by_ticket_and_by_mention(desk):
    (ticket,) = lines(hilferuf("queue", "--json", cwd=desk))
    by_ticket = hilferuf("explain", ticket["ticket"], cwd=desk).stdout.decode()
    by_mention = hilferuf("explain", "x:1", cwd=desk).stdout.decode()
    assert by_ticket == by_mention and "content" in by_ticket and "rank 1" in by_ticket


def test_what_a_person_solves_in_the_local_queue_leaves_it(desk):
    (ticket,) = lines(hilferuf("queue", "--json", cwd=desk))
    settings = (desk / "hilferuf.yaml").read_text() + "sinks: {queue: {observe_seconds: 0.05}}\n"
    (desk / "hilferuf.yaml").write_text(settings)
    assert hilferuf("queue", "--solve", ticket["ticket"], cwd=desk).returncode == 0
    service = subprocess.Popen(
        [sys.executable, "-c", "from hilferuf.cli import main; main()", "run"],
        cwd=desk,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        while lines(hilferuf("queue", "--json", cwd=desk)):
            assert service.poll() is None
    finally:
        service.terminate()
        service.wait()
    (solved,) = lines(hilferuf("queue", "--all", "--json", cwd=desk))
    assert solved["status"] == "solved"


def test_explain_judges_a_dropped_mention_again_and_says_so(desk):
    told = hilferuf("explain", "x:2", cwd=desk).stdout.decode()
    assert "Judged again" in told and "dropped: no_brand" in told


def test_explain_of_something_unknown_is_one_clear_line(desk):
    run = hilferuf("explain", "x:999", cwd=desk)
    assert run.returncode == 1 and run.stderr.decode().count("\n") == 1


def test_a_dead_letter_is_listed_shown_and_dropped(desk):
    (letter,) = lines(hilferuf("dlq", "list", "--json", cwd=desk))
    assert letter["origin"].endswith("heard.ndjson:3") and letter["field"] == "text"
    assert b'{"id": "x:3", "text": 5}' in hilferuf("dlq", "show", letter["id"], cwd=desk).stdout
    assert hilferuf("dlq", "redrive", cwd=desk).returncode == 1
    assert hilferuf("dlq", "drop", letter["id"], cwd=desk).returncode == 0
    assert lines(hilferuf("dlq", "list", "--json", cwd=desk)) == []


def test_running_again_over_the_same_file_doubles_nothing(desk):
    before = lines(hilferuf("queue", "--json", cwd=desk))
    assert hilferuf("run", "--drain", cwd=desk).returncode == 0
    assert lines(hilferuf("queue", "--json", cwd=desk)) == before


def test_a_misspelt_setting_stops_the_start_with_the_nearest_key(tmp_path):
    (tmp_path / "hilferuf.yaml").write_text("version: 1\nlisteners:\n  webhok: {port: 1}\n")
    run = hilferuf("run", cwd=tmp_path)
    assert run.returncode == 2
    assert b"hilferuf.yaml:3" in run.stderr and b"did you mean `webhook`?" in run.stderr


def test_a_typo_in_a_lexicon_names_file_line_and_field(tmp_path):
    (tmp_path / "acme.yaml").write_text("lexicon: 1\nbrands:\n  - id: acme\n    handels: [acme]\n")
    (tmp_path / "hilferuf.yaml").write_text("lexicons: [acme.yaml]\n")
    run = hilferuf("config", "check", cwd=tmp_path)
    assert run.returncode == 2 and b"acme.yaml:4" in run.stderr and b"handles" in run.stderr


def test_config_init_writes_files_that_check_accepts_and_overwrites_nothing(tmp_path):
    assert hilferuf("config", "init", "--brand", "Müller & Söhne", cwd=tmp_path).returncode == 0
    assert hilferuf("config", "check", cwd=tmp_path).returncode == 0
    assert hilferuf("config", "init", cwd=tmp_path).returncode == 1


def test_config_schema_is_a_json_schema_of_the_settings():
    schema = json.loads(hilferuf("config", "schema").stdout)
    assert "listeners" in json.dumps(schema)


def test_doctor_says_one_line_a_check_and_what_to_do(tmp_path):
    hilferuf("config", "init", cwd=tmp_path)
    run = hilferuf("doctor", cwd=tmp_path)
    assert run.returncode == 1 and b"HILFERUF_WEBHOOK_SECRET" in run.stdout
    assert hilferuf("doctor", cwd=tmp_path, HILFERUF_WEBHOOK_SECRET="s").returncode == 0


def test_two_runs_on_one_data_folder_are_refused(desk):
    (desk / "hilferuf.yaml").write_text(
        "lexicons: [de]\nlisteners:\n  files: [{path: heard.ndjson, kind: mentions, follow: true}]\nserver: {port: 0}\n"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", "from hilferuf.cli import main; main()", "run"],
        cwd=desk,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        while b"started" not in first.stderr.readline():
            pass
        second = hilferuf("run", cwd=desk)
        assert second.returncode == 1 and b"another process" in second.stderr
    finally:
        first.terminate()
        first.communicate()
    assert first.returncode == 0


def test_the_version_is_told():
    assert hilferuf("--version").stdout.startswith(b"hilferuf ")


@pytest.mark.parametrize("brand", ['Foo "Bar"', "No", "1234", "a\\b", "O'Neil: #1"])
def test_config_init_writes_files_that_check_accepts_for_every_name(tmp_path, brand):
    assert hilferuf("config", "init", "--brand", brand, cwd=tmp_path).returncode == 0
    check = hilferuf("config", "check", cwd=tmp_path)
    assert check.returncode == 0, check.stderr.decode()


def test_config_init_refuses_an_empty_name(tmp_path):
    refused = hilferuf("config", "init", "--brand", " ", cwd=tmp_path)
    assert refused.returncode == 1 and b"--brand" in refused.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", [("screen",), ("replay", "-", "--json"), ("config", "schema"), ("--version",)])
def test_a_full_disk_under_the_output_is_one_clear_line(command):
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(
            [sys.executable, "-c", "from hilferuf.cli import main; main()", *command],
            input=b'{"id":"x:1","text":"Hilfe"}\n',
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            timeout=60,
            check=False,
        )
    assert run.returncode == 1
    assert run.stderr.decode().splitlines() == ["hilferuf: No space left on device"]


def test_a_data_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "hilferuf.yaml").write_text("data_dir: taken\nserver: {port: 0}\n")
    (tmp_path / "taken").write_text("a file")
    run = hilferuf("run", "--drain", cwd=tmp_path)
    assert run.returncode == 1
    assert run.stderr.decode().splitlines() == [f"hilferuf: {tmp_path / 'taken'}: File exists"]


def test_a_closed_standard_input_is_an_empty_one():
    run = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "from hilferuf.cli import main; main()" screen <&-', sys.executable],
        capture_output=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")


def test_a_wrong_word_in_a_setting_names_the_nearest_right_one(tmp_path):
    (tmp_path / "hilferuf.yaml").write_text("log:\n  level: INFO\n")
    run = hilferuf("config", "check", cwd=tmp_path)
    assert b"hilferuf.yaml:2: log.level" in run.stderr and b"did you mean `info`?" in run.stderr


def test_a_missing_secret_is_told_with_file_line_and_field(tmp_path):
    (tmp_path / "mine.yaml").write_text("listeners:\n  webhook: {port: 0, secrets: [{env: NOT_SET_HERE}]}\n")
    run = hilferuf("run", "--config", "mine.yaml", cwd=tmp_path)
    assert run.returncode == 2
    assert b"mine.yaml:2: listeners.webhook" in run.stderr and b"NOT_SET_HERE" in run.stderr


def test_doctor_checks_every_part_though_one_is_wrong(tmp_path):
    (tmp_path / "hilferuf.yaml").write_text(
        "listeners:\n  webhook: {port: 0, secrets: [{env: NOT_SET_HERE}]}\n"
        "  files: [{path: missing.ndjson, kind: mentions}]\n"
        "sinks:\n  zendesk: {url: 'https://x.example', email: a@x.example, token: {env: NOT_SET_EITHER}}\n  queue: {}\n"
        "server: {host: 0.0.0.0, port: 0}\n"
    )
    run = hilferuf("doctor", cwd=tmp_path)
    told = run.stdout.decode()
    assert run.returncode == 1
    for fault in ("NOT_SET_HERE", "missing.ndjson", "NOT_SET_EITHER"):
        assert any(line.startswith("WRONG") and fault in line for line in told.splitlines())
    assert "ok    queue" in told and "open to others" in told


def test_listening_ranking_and_delivering_work_in_three_processes_of_one_data_folder(tmp_path):
    (tmp_path / "acme.yaml").write_text(BRAND)
    (tmp_path / "heard.ndjson").write_text('{"id": "x:1", "text": "@acme Hilfe, kein Netz!", "author": {"id": "7"}}\n')
    (tmp_path / "hilferuf.yaml").write_text(
        "lexicons: [de, acme.yaml]\nlisteners:\n  files: [{path: heard.ndjson, kind: mentions, follow: true}]\n"
    )
    parts = (["run", "--no-listen", "--no-deliver"], ["listen"], ["deliver"])
    command = [sys.executable, "-c", "from hilferuf.cli import main; main()"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    services = [
        subprocess.Popen([*command, *part, "--health-port", "0"], cwd=tmp_path, env=env, stderr=subprocess.DEVNULL)
        for part in parts
    ]
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and all(service.poll() is None for service in services):
            queue = hilferuf("queue", "--json", cwd=tmp_path)
            if b"settled" in queue.stdout:
                break
        assert b'"x:1"' in queue.stdout and b"settled" in queue.stdout
    finally:
        for service in services:
            service.terminate()
    assert [service.wait(30) for service in services] == [0, 0, 0]


def test_run_hears_standard_input_at_a_multiple_of_real_time(tmp_path):
    (tmp_path / "hilferuf.yaml").write_text(
        "lexicons: [de]\nlisteners:\n  files: [{path: '-', kind: mentions, speed: 3600}]\nserver: {port: 0}\n"
    )
    posts = [
        f'{{"id":"x:{n}","text":"Hilfe!","occurred_at":"2026-03-01T1{n}:00:00Z","author":{{"id":"{n}"}}}}'
        for n in (0, 1)
    ]
    began = time.monotonic()
    assert hilferuf("run", "--drain", given="\n".join(posts), cwd=tmp_path).returncode == 0
    assert time.monotonic() - began >= 1.0  # an hour of the story takes a second
    assert len(lines(hilferuf("queue", "--json", cwd=tmp_path))) == 2
