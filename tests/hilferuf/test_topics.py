"""Topics, lag and doctor on Kafka, as a person and a script meet them."""

import json

import pytest
from typer.testing import CliRunner

from config.yaml_file import ConfigError
from hilferuf.cli import app
from hilferuf.deployment import fingerprint
from hilferuf.rules import rules_of, settings_of
from records.errors import HilferufError
from tests.hilferuf.test_cli import hilferuf

KAFKA = (
    "kafka: {{bootstrap: {bootstrap}, prefix: '{prefix}', partitions: {partitions}, replication: 1, min_insync: 1}}\n"
)
BRAND = "lexicon: 1\nbrands: [{id: acme, names: [Acme], handles: [acme], hashtags: [acme]}]\n"


@pytest.fixture
def desk(tmp_path, kafka, prefix):
    """A folder with settings; call it to write them with another partition count."""

    def write(partitions=2, more=""):
        section = KAFKA.format(bootstrap=json.dumps(kafka), prefix=prefix, partitions=partitions)
        (tmp_path / "hilferuf.yaml").write_text(section + "server: {port: 0}\nsinks: {queue: {}}\n" + more)
        return str(tmp_path / "hilferuf.yaml")

    write()
    return write


def run(*arguments):
    """In this process: quick, and errors of ours come as they are raised."""
    done = CliRunner().invoke(app, [*arguments], catch_exceptions=False)
    return done.exit_code, done.stdout.splitlines()


def test_plan_apply_and_check_tell_one_story(desk, prefix):
    config = desk()
    code, planned = run("topics", "plan", "-c", config)
    assert code == 0 and len(planned) == 11
    assert planned[0] == f"create   {prefix}mentions        2 partitions x 1 copies, 7 days"
    assert run("topics", "check", "-c", config)[0] == 1
    assert run("topics", "apply", "-c", config) == (0, [line.replace("create ", "created", 1) for line in planned])
    for command in ("plan", "apply", "check"):
        assert run("topics", command, "-c", config) == (0, ["all 11 topics are as planned"])


def test_what_cannot_be_changed_is_one_line_and_fails_apply_and_check(desk, prefix):
    run("topics", "apply", "-c", desk())
    config = desk(partitions=3)
    code, lines = run("topics", "apply", "-c", config)
    assert code == 1 and len(lines) == 1
    assert lines[0].startswith(f"CANNOT   topics {prefix}mentions, ") and "set kafka.partitions to 2" in lines[0]
    assert run("topics", "plan", "-c", config) == (0, lines)
    assert run("topics", "check", "-c", config) == (1, [lines[0].removeprefix("CANNOT   ")])


def test_lag_is_a_table_for_people_and_json_for_scripts(desk, prefix):
    config = desk()
    run("topics", "apply", "-c", config)
    code, (head, *rows) = run("lag", "-c", config)
    assert code == 0 and head.split() == ["group", "topic", "partitions", "records", "worst", "members"]
    assert [row.split() for row in rows][-1] == [f"{prefix}deliver-queue", f"{prefix}tickets", "2", "0", "0", "0"]
    _, lines = run("lag", "-c", config, "--json")
    assert [json.loads(line)["group"] for line in lines] == [row.split()[0] for row in rows]


@pytest.mark.parametrize("command", [("topics", "plan"), ("topics", "apply"), ("topics", "check"), ("lag",)])
def test_without_kafka_there_are_no_topics(tmp_path, command):
    (tmp_path / "hilferuf.yaml").write_text("sinks: {queue: {}}\n")
    with pytest.raises(ConfigError, match="there is no section `kafka`"):
        run(*command, "-c", str(tmp_path / "hilferuf.yaml"))


def test_doctor_asks_the_brokers_and_leaves_the_embedded_engine_out(desk):
    config = desk()
    run("topics", "apply", "-c", config)
    _, lines = run("doctor", "-c", config)
    told = {line[6:18].strip(): line[:5] for line in lines}
    assert {told[name] for name in ("kafka", "topics", "rights", "clock", "groups")} == {"ok   "}
    assert "engine file" not in told


def test_doctor_without_kafka_looks_at_the_engine_file(tmp_path):
    (tmp_path / "hilferuf.yaml").write_text("server: {port: 0}\n")
    _, lines = run("doctor", "-c", str(tmp_path / "hilferuf.yaml"))
    told = [line[6:18].strip() for line in lines]
    assert "engine file" in told and "kafka" not in told


def test_doctor_on_a_broker_that_is_away_is_one_line_and_goes_on(tmp_path):
    (tmp_path / "hilferuf.yaml").write_text("kafka: {bootstrap: ['127.0.0.1:1']}\nserver: {port: 0}\n")
    code, lines = run("doctor", "-c", str(tmp_path / "hilferuf.yaml"))
    assert code == 1
    assert [line for line in lines if " kafka " in line] == [
        "WRONG kafka        Kafka at 127.0.0.1:1 cannot be reached: Connection refused; is it up? see kafka.bootstrap"
    ]
    assert lines[-1] == "ok    queue        takes tickets"


def test_a_broker_that_is_away_is_one_line_and_exit_code_1(tmp_path):
    (tmp_path / "hilferuf.yaml").write_text("kafka: {bootstrap: ['127.0.0.1:1']}\n")
    done = hilferuf("topics", "apply", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == b""
    assert done.stderr.decode() == (
        "hilferuf: Kafka at 127.0.0.1:1 cannot be reached: Connection refused; is it up? see kafka.bootstrap\n"
    )


def test_topics_and_lag_pass_through_tls_and_login_by_the_settings_file(tmp_path, secure_kafka, prefix):
    config = tmp_path / "hilferuf.yaml"
    config.write_text(secure_kafka.yaml(prefix) + "server: {port: 0}\n")
    assert run("topics", "apply", "-c", str(config))[0] == 0
    assert run("lag", "-c", str(config))[0] == 0
    right, wrong = secure_kafka.sasl.password.file, secure_kafka.wrong_password.password.file
    config.write_text(config.read_text().replace(right, wrong))
    with pytest.raises(HilferufError, match="refuses the password of user hilferuf"):
        run("topics", "check", "-c", str(config))


def test_the_fingerprint_is_of_rules_and_helpdesks_and_nothing_else(tmp_path):
    (tmp_path / "acme.yaml").write_text(BRAND)

    def of(text, brand=BRAND):
        (tmp_path / "acme.yaml").write_text(brand)
        (tmp_path / "hilferuf.yaml").write_text(text)
        return fingerprint(rules_of(settings_of(tmp_path / "hilferuf.yaml")))

    desk = "sinks: {{request_tracker: {{url: 'http://{host}', token: {{env: RT}}, queue: Social}}}}\n".format
    base = of("lexicons: [de, en, acme.yaml]\n" + desk(host="a"))
    same = of("lexicons: [de, en, acme.yaml]\nserver: {port: 1}\nlog: {level: debug}\n" + desk(host="a"))
    others = {
        of("lexicons: [de, en, acme.yaml]\n" + desk(host="b")),
        of("lexicons: [de, acme.yaml]\n" + desk(host="a")),
        of("lexicons: [de, en, acme.yaml]\nstrategy: key-accounts\n" + desk(host="a")),
        of("lexicons: [de, en, acme.yaml]\n" + desk(host="a"), BRAND.replace("acme", "other")),
    }
    assert base == same and len(others - {base}) == 4 and "-" not in base
