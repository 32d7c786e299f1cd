import io
import json
import logging
import logging.config

import pytest
import structlog

from crm import logs


@pytest.fixture
def lines(monkeypatch):
    """Log lines as written with a configuration of our own; the suite's is put back."""
    old, kept, level = structlog.get_config(), list(logging.root.handlers), logging.root.level
    sink = io.StringIO()

    def configure(*, as_json: bool):
        config = logs.configure(level="INFO", as_json=as_json)
        config["handlers"]["lines"]["stream"] = sink
        del config["loggers"]
        logging.config.dictConfig(config)
        return lambda: sink.getvalue().splitlines()

    yield configure
    structlog.configure(**old)
    logging.root.handlers[:] = kept
    logging.root.setLevel(level)


SECRET = "hunter-2"


def fail_with_a_secret(password: str) -> None:
    raise ValueError("no")


def test_production_lines_are_json_with_a_plain_traceback(lines):
    read = lines(as_json=True)
    try:
        fail_with_a_secret(SECRET)
    except ValueError:
        structlog.get_logger("facet.test").exception("went_wrong", account=7)
    logging.getLogger("elsewhere").warning("%s of %s", 1, 2)

    ours, theirs = (json.loads(line) for line in read())
    assert (ours["event"], ours["level"], ours["logger"], ours["account"]) == ("went_wrong", "error", "facet.test", 7)
    assert "ValueError: no" in ours["exception"]
    assert SECRET not in ours["exception"]
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("1 of 2", "warning", "elsewhere")


def test_lines_for_a_person_hide_local_variables(lines):
    read = lines(as_json=False)
    try:
        fail_with_a_secret(SECRET)
    except ValueError:
        structlog.get_logger("facet.test").exception("went_wrong")
    text = "\n".join(read())
    assert "went_wrong" in text
    assert "ValueError: no" in text
    assert SECRET not in text


def test_request_id_of_the_caller_comes_back(client):
    assert client.get("/healthz", headers={"X-Request-ID": "trace-7"})["X-Request-ID"] == "trace-7"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "日志"])
def test_request_id_that_is_not_sane_is_replaced(client, given):
    answered = client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]
    assert len(answered) == 36
    assert answered != given


def test_failure_is_logged_once_with_its_request_id(client, monkeypatch):
    from crm.web import health

    client.raise_request_exception = False
    monkeypatch.setattr(health, "HttpResponse", lambda *args, **options: 1 / 0)
    with structlog.testing.capture_logs() as seen:
        answer = client.get("/healthz", headers={"X-Request-ID": "trace-8"})
    assert (answer.status_code, answer["X-Request-ID"]) == (500, "trace-8")
    assert [entry["event"] for entry in seen if entry["log_level"] == "error"] == ["request_failed"]
