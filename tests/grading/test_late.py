"""What late work is worth: a pure function of times, and a file that is understood or refused in a sentence."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from course_utils.grading.intake.hand_in_time import HandInTime, parse_time
from course_utils.grading.records import NotebookResult, Result, TaskResult
from course_utils.grading.reports import late, report
from course_utils.grading.reports.late import Rules

DUE = datetime(2026, 3, 1, 22, 59, tzinfo=UTC)
RULES = Rules({"05_ddpm": DUE}, percent_per_day=10, most_percent=50, most_days=7, grace=timedelta(minutes=30),
              extensions={"ada": 2, "123": {"05_ddpm": 1, "06_unet": 5}},
              handed_in={"eve": DUE + timedelta(days=1.5)})


def at(**late):
    return HandInTime((DUE + timedelta(**late)).isoformat(), "file")


@pytest.mark.parametrize(("student", "handed_in", "factor"), [
    ("ben", at(minutes=-1), 1), ("ben", at(), 1), ("ben", at(minutes=30), 1), ("ben", at(minutes=31), 0.9),
    ("ben", at(hours=24), 0.9), ("ben", at(hours=24, seconds=1), 0.8), ("ben", at(days=4.5), 0.5),
    ("ben", at(days=7), 0.5), ("ben", at(days=7, seconds=1), 0), ("ada", at(days=2, minutes=30), 1),
    ("ada", at(days=2, hours=1), 0.9), ("123", at(days=1), 1), ("123", at(days=1, hours=1), 0.9),
    ("eve", at(), 0.8), ("eve", HandInTime("", "Moodle"), 0.8), ("ben", HandInTime("", "Moodle"), 1),
    ("ben", HandInTime("", "Canvas"), 1), ("ben", HandInTime("", "Canvas", late=True), 0.9),
    ("ada", HandInTime("", "Canvas", late=True), 1), ("ben", None, 1)])
def test_the_factor(student, handed_in, factor):
    found, sentence = RULES.compute_factor("05_ddpm", [student], handed_in)
    assert found == pytest.approx(factor) and bool(sentence) == (factor < 1)
    assert RULES.compute_factor("06_unet", [student], handed_in) == (1, "")


def test_the_sentence_says_how_late_by_what_and_what_it_costs():
    said = lambda *who, **late: RULES.compute_factor("05_ddpm", who, at(**late))[1]  # noqa: E731
    assert said("ben", days=1, hours=3, minutes=5) == (
        "Handed in 1 day 3 hours after it was due by its file's time: 20 % less for 2 days begun.")
    assert said("ben", minutes=31).startswith("Handed in 31 minutes after it was due by its file's time: 10 % less")
    assert "after its extension ended" in said("ada", days=3)
    assert "more than 7 days late does not count" in said("ben", days=8)
    assert "Canvas" in RULES.compute_factor("05_ddpm", ["ben"], HandInTime("", "Canvas", True))[1]


FILE = """
percent_per_day = 10
grace_minutes = 15
zone = "Europe/Berlin"
[due]
05_ddpm = 2026-03-01T23:59:00
06 = 2026-07-01T23:59:00
[extensions]
ada = 3
123456 = { 05_ddpm = 1.5 }
[handed_in]
"Ben Li_7" = 2026-03-02T10:00:00Z
"""


def rules(tmp_path, text):
    (tmp_path / "late.toml").write_text(text)
    return late.read(tmp_path / "late.toml")


def test_a_file_is_read(tmp_path):
    found = rules(tmp_path, FILE)
    assert found.due == {"05_ddpm": datetime(2026, 3, 1, 22, 59, tzinfo=UTC),
                         "06_unet": datetime(2026, 7, 1, 21, 59, tzinfo=UTC)}  # summer
    assert (found.percent_per_day, found.most_percent, found.grace) == (10, 100, timedelta(minutes=15))
    assert found.extensions == {"ada": 3, "123456": {"05_ddpm": 1.5}}
    assert found.handed_in == {"Ben Li_7": datetime(2026, 3, 2, 10, tzinfo=UTC)}


@pytest.mark.parametrize(("due", "handed_in", "factor"), [
    ("2026-03-28T12:00", "2026-03-29T12:00", 0.9), ("2026-03-28T12:00", "2026-03-29T12:01", 0.8),  # a day of 23 hours
    ("2026-10-24T12:00", "2026-10-25T12:00", 0.9), ("2026-10-24T12:00", "2026-10-25T12:01", 0.8),  # and one of 25
    ("2026-03-29T01:50", "2026-03-29T03:04", 1), ("2026-03-29T01:50", "2026-03-29T03:06", 0.9)])  # 14 and 16 minutes
def test_a_day_is_one_of_the_wall_clock_and_minutes_are_minutes(tmp_path, due, handed_in, factor):
    text = FILE.replace("2026-03-01T23:59:00", f"{due}:00").replace("2026-03-02T10:00:00Z", f"{handed_in}:00")
    assert rules(tmp_path, text).compute_factor("05_ddpm", ["Ben Li_7"], None)[0] == factor


@pytest.mark.parametrize("day", ["2026-03-27", "2026-10-23"])
def test_an_extension_ends_at_the_same_hour_when_clocks_are_changed(tmp_path, day):
    text = FILE.replace("2026-03-01T23:59:00", f"{day}T23:59:00").replace("grace_minutes = 15", "")
    ends = datetime.fromisoformat(f"{day}T23:59:00") + timedelta(days=3)
    for minutes, factor in ((0, 1), (1, 0.9)):
        given = (ends + timedelta(minutes=minutes)).isoformat()
        found = rules(tmp_path, text.replace('"Ben Li_7" = 2026-03-02T10:00:00Z', f"ada = {given}"))
        assert found.compute_factor("05_ddpm", ["ada"], None)[0] == factor


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "late.toml").write_text(FILE, encoding="utf-8-sig")
    assert late.read(tmp_path / "late.toml").percent_per_day == 10


@pytest.mark.parametrize(("text", "said"), [
    ("x = 1", "x means nothing here"), ("percent_per_day = -1", "percent_per_day"), ("no toml", "late.toml"),
    ("grace_minutes = true", "grace_minutes"), ("percent_per_day = nan", "percent_per_day"), ("due = 1", "is a table"),
    ("[due]\n05_ddpm = 2026-03-01T23:59:00", "no time zone"), ("[due]\n05_ddpm = 2026-03-01", "a day and a time"),
    ("[due]\n99_x = 2026-03-01T23:59:00Z", "There is no notebook 99_x"), ('zone = "Europe/Nowhere"', "Nowhere"),
    ("zone = 1", "late.toml"), ("[extensions]\nada = -1", "ada"), ("[handed_in]\nada = 3", "ada"),
    ("most_percent = 101", "at most 100"),
    ("[extensions]\nada = { 05_ddpm = 'x' }", "ada, 05_ddpm"), ('zone = ""', "no time zone ''"),
    ("[extensions]\nada = { 05_dpm = 2 }", "no notebook 05_dpm"), ("[extensions]\nada = 2", "name one under [due]"),
    ("[weights]\n05_ddpm = -1", "05_ddpm"), ("[weights]\n99_x = 1", "There is no notebook 99_x"),
    ("weights = 3", "is a table")])
def test_a_faulty_file_is_one_sentence(tmp_path, text, said):
    with pytest.raises(ValueError, match="late.toml: ") as e:
        rules(tmp_path, text)
    assert said in str(e.value)


@pytest.mark.parametrize(("text", "offset"), [
    ("2026-03-01 23:59:00.123456 UTC", 0), ("2026-03-01 23:59:00.123456", 0), ("2026-03-01T23:59:00.123456Z", 0),
    ("2026-03-01 23:59:00.123456+01:00", 1), ("2026-03-01 23:59:00.123456 Europe/Berlin", 1),
    ("2026-03-01 23:59:00.123456 GMT", 0), ("2026-03-01 23:59:00.123456 -03", -3),
    ("2026-03-01 23:59:00.123456 UTC+05:30", 5.5), (" 2026-03-01 23:59:00,123456 (+0200) ", 2)])
def test_nbgraders_times(text, offset):
    assert parse_time(text) == datetime(2026, 3, 1, 23, 59, 0, 123456, timezone(timedelta(hours=offset)))


@pytest.mark.parametrize(("said", "zone", "offset"), [
    ("2026-07-01 23:59:00 CEST", "Europe/Berlin", 2), ("2026-01-01 23:59:00 CET", "Europe/Berlin", 1),
    ("2026-07-01 23:59:00 CET", "Europe/Berlin", 1), ("2026-07-01 23:59:00 EDT", "America/New_York", -4),
    ("2026-01-01 23:59:00 PST", "America/Los_Angeles", -8), ("2026-07-01 23:59:00 BST", "Europe/London", 1),
    ("2026-07-01 23:59:00 IST", "Asia/Kolkata", 5.5), ("2026-07-01 23:59:00 IST", "Europe/Dublin", 1),
    ("2026-01-01 23:59:00 IST", "Asia/Jerusalem", 2), ("2026-07-01 23:59:00 JST", "Asia/Tokyo", 9),
    ("2026-10-25 02:30:00 CEST", "Europe/Berlin", 2), ("2026-10-25 02:30:00 CET", "Europe/Berlin", 1),
    ("2026-07-01 23:59:00 EDT", "Europe/Berlin", None), ("2026-07-01 23:59:00 CEST", None, None)])
def test_an_abbreviation_is_what_the_rules_zone_calls_its_hours(said, zone, offset):
    time = HandInTime.from_timestamp(f"{said}\n").resolve(zone and ZoneInfo(zone))
    wall = datetime.fromisoformat(said.rpartition(" ")[0])
    assert time == (None if offset is None else wall.replace(tzinfo=timezone(timedelta(hours=offset))))
    assert HandInTime.from_timestamp(said).when is None


@pytest.mark.parametrize("text", ["", "yesterday", "2026-03-01 23:59 ../../etc", "2026-03-01 23:59 Europe/Nowhere",
                                  "2026-13-01", "0001-01-01 00:00:00 UTC", "2026-03-01 23:59 +99", "9999-12-31 23:59"])
def test_what_is_no_time(text):
    assert parse_time(text, ZoneInfo("Europe/Berlin")) is None
    assert HandInTime.from_timestamp(text).said == (text or "nothing")


def result(student, earned=10, ids=None, **handed_in):
    return Result(student, "digest", [NotebookResult("05_ddpm", [TaskResult("ddpm.q_sample", 10, earned)])],
                  ids=ids or {}, handed_in={"05_ddpm": HandInTime(**handed_in)})


def test_a_class_keeps_what_was_recorded_and_counts_less():
    ada = result("Ada_123", ids={"moodle": "123"}, time=at(days=2).time, told_by="file")
    ben = result("ben", told_by="Moodle")
    (ada, ben), notes = late.apply([ada, ben], RULES)
    assert (ada.total, ada.notebooks[0].tasks[0].earned, ada.max) == (9, 10, 10)
    assert "10 % less" in ada.notebooks[0].late and ben.total == 10
    assert any("'eve' under handed_in" in n for n in notes) and any("Moodle" in n and "1 students" in n for n in notes)


def test_what_is_not_understood_is_a_sentence_and_never_late():
    ada, ben = (result(name, told_by="timestamp.txt", said=f"2026-05-01 23:59:00 {zone}") for name, zone in
                (("ada", "CEST"), ("ben", "EDT")))
    (ada, ben), notes = late.apply([ada, ben], Rules({"05_ddpm": DUE}, 10, zone=ZoneInfo("Europe/Berlin")))
    assert ada.total < ben.total == 10 and not ben.notebooks[0].late
    assert notes == ["ben, 05_ddpm: timestamp.txt says '2026-05-01 23:59:00 EDT', which is not understood in the "
                     "rules' zone. It counts as in time unless [handed_in] names the time."]


def test_a_notebook_brings_its_weight_to_the_total(tmp_path):
    found = rules(tmp_path, "[weights]\n05 = 30\n03_vae = 1\n")
    one = NotebookResult("05_ddpm", [TaskResult("ddpm.q_sample", 10, 5)])
    other = NotebookResult("06_unet", [TaskResult("unet.x", 20, 20)])
    (ada,), notes = late.apply([Result("ada", "", [one, other])], found)
    assert (ada.total, ada.max, ada.notebooks[0].earned, ada.notebooks[0].points) == (35, 50, 5, 10)
    assert notes == ["The late rules weigh 03_vae, which is not graded here."]
    assert "Weighs 30 points of the total." in report.render_student(ada)
    (ada,), _ = late.apply([Result("ada", "", [one, other])], rules(tmp_path, "[weights]\n05 = 0\n"))
    assert (ada.total, ada.max) == (20, 20)


def test_one_letter_written_in_two_ways_is_the_same_student(tmp_path):
    text = 'percent_per_day = 10\n[due]\n05_ddpm = 2026-03-01T22:59:00Z\n[extensions]\n"Jose\u0301" = 9\n'
    (jose,), notes = late.apply([result("José", time=at(days=2).time, told_by="file")], rules(tmp_path, text))
    assert jose.total == 10 and not notes
