"""Tests the dashboards' page and the check of Grafana's JSON. Runs in `cargo xtask lint`."""

import json
import pathlib
import unittest

import counted
import described
import evaluated
import expressions
import grafana_check
import page

FOLDER = pathlib.Path(__file__).parent
NOON = 1_795_867_200
COST = "Cost per million accepted, at the prices of infra/dashboards/prices.json"
DESCRIPTIONS = {
    "CloudWatch": list(described.cloudwatch((FOLDER / "cloudwatch.yaml").read_text())),
    "Grafana": list(described.grafana((FOLDER / "grafana.json").read_text())),
}
START = json.dumps({"type": "platform.start", "record": {"functionName": "webhooks-intake"}})


def emf(service, at=NOON, by=None, **metrics):
    """A line in the functions' format. Durations are lists."""
    dimensions = [["service"]] + ([["service", *by]] if by else [])
    named = [{"Name": name, "Unit": "Count"} for name in metrics]
    directive = {"Namespace": "VismaNetWebhooks/webhooks", "Dimensions": dimensions, "Metrics": named}
    aws = {"Timestamp": at * 1000, "CloudWatchMetrics": [directive]}
    return json.dumps({"level": "INFO", "_aws": aws, "service": service, **(by or {}), **metrics})


def report(function, at=NOON, status="success", milliseconds=20):
    record = {"functionName": f"webhooks-{function}", "time": at, "status": status, "durationMs": milliseconds}
    return json.dumps({"type": "platform.report", "record": record})


def whole(*lines):
    return counted.read("\n".join([START, *lines, report("intake")]))


def shown(run, title, of="CloudWatch"):
    [panel] = [panel for panel in DESCRIPTIONS[of] if panel.title == title]
    return {line.label: line for line in evaluated.drawn(panel, run)}


class Panels(unittest.TestCase):
    def test_both_descriptions_have_the_same_panels_and_lines(self):
        depending = ("Alarms of the operations API", "Console")
        cloudwatch = [panel for panel in DESCRIPTIONS["CloudWatch"] if panel.title not in depending]
        self.assertGreater(len(cloudwatch), 20)
        for one, other in zip(cloudwatch, DESCRIPTIONS["Grafana"], strict=True):
            self.assertEqual((one.title, one.width, one.unit), (other.title, other.width, other.unit))
            self.assertEqual(one.lines, other.lines)
            # Grafana has a text instead of CloudWatch's alarms.
            self.assertEqual(one.view.replace("alarms", "text"), other.view)

    def test_adds_up_counts_by_the_minute(self):
        run = whole(emf("intake", Accepted=2), emf("intake", Accepted=1), emf("intake", NOON + 120, Accepted=4))
        for of in DESCRIPTIONS:
            self.assertEqual(shown(run, "Accepted, processed, fed back", of)["Accepted"].values, [3, 0, 4])

    def test_percentiles_and_levels_are_measured_values(self):
        run = whole(emf("intake", AckDuration=[*range(1, 101)]))
        found = shown(run, "Acknowledged after")
        self.assertEqual([found[label].values for label in ("p50", "p90", "p99")], [[50], [90], [99]])
        run = whole(emf("intake", AckDuration=[30, 10, 20]))
        self.assertEqual(shown(run, "Acknowledged after")["p50"].values, [20])
        run = whole(emf("feedback", FeedbackQuotaLeft=7), emf("feedback", FeedbackQuotaLeft=5))
        self.assertEqual(shown(run, "Feedback quota left")["FeedbackQuotaLeft"].values, [5])

    def test_each_reason_has_its_own_line(self):
        run = whole(emf("processor", by={"reason": "b"}, Parked=1), emf("processor", by={"reason": "a"}, Parked=2))
        found = shown(run, "Parked and dead, by reason")
        self.assertEqual(list(found), ["Parked a", "Parked b", "Dead, of any reason"])
        self.assertEqual([line.values for line in found.values()], [[2], [1], [0]])
        self.assertEqual(shown(run, "How notifications ended")["Parked"].values, [3])

    def test_invocations_give_errors_and_durations(self):
        run = whole(emf("processor", Processed=1), report("processor", status="error", milliseconds=900))
        found = shown(run, "Errors and throttles")
        self.assertEqual(found["processor errors"].values, [1])
        self.assertEqual(found["feedback errors"].values, [0])
        self.assertIn("made by AWS", found["processor throttles"].reason)
        self.assertEqual(shown(run, "Duration, p99")["processor"].values, [900])

    def test_aws_own_metrics_have_a_reason_instead_of_values(self):
        run = whole(emf("intake", Accepted=1))
        for title in ("In flight", "Time to drain", "Dead letters", "API latency", "Table throttles and errors"):
            for line in shown(run, title).values():
                self.assertFalse(line.has_values(), f"{title}: {line}")
                self.assertRegex(line.reason, "^Metrics of AWS/.* are made by AWS")
        self.assertIn("AWS/ApiGateway", shown(run, COST)["API"].reason)

    def test_without_traffic_counts_and_costs_are_0(self):
        run = whole(emf("reconciler", ListsSwept=0))
        for panels in DESCRIPTIONS.values():
            for panel in panels:
                for line in evaluated.drawn(panel, run):
                    self.assertTrue(line.has_values() or line.reason, line)
                    self.assertTrue(all(value in (0, 20, None) for value in line.values), line)
        for title in ("In the time shown", "How notifications ended", "Rejected, by cause", COST):
            for line in shown(run, title).values():
                self.assertEqual((line.values, line.reason), ([0], ""), title)

    def test_a_log_without_intake_gives_a_reason_instead_of_0(self):
        run = counted.read(emf("processor", Processed=3))
        found = shown(run, "In the time shown")
        self.assertEqual(found["Processed"].values, [3])
        self.assertIn("no lines of intake", found["Accepted"].reason)

    def test_a_short_run_has_shorter_periods(self):
        run = whole(emf("intake", Accepted=2), emf("intake", NOON + 3, Accepted=1))
        run.look_closer()
        self.assertEqual(shown(run, "In the time shown")["Accepted"].values, [2, 0, 0, 1])
        # The cost covers one hour.
        self.assertEqual(len(shown(run, COST)["Functions"].values), 1)
        run = whole(emf("intake", Accepted=2), emf("intake", NOON + 3600, Accepted=1))
        run.look_closer()
        self.assertEqual(len(shown(run, "In the time shown")["Accepted"].values), 61)

    def test_shows_the_last_eight_hours_of_a_long_run(self):
        run = whole(emf("intake", NOON - 9 * 3600, Accepted=5), emf("intake", Accepted=1))
        values = shown(run, "In the time shown")["Accepted"].values
        self.assertEqual((len(values), sum(values)), (8 * 60 + 1, 1))

    def test_skips_an_incomplete_line(self):
        run = whole(emf("intake", Accepted=1), emf("intake", Accepted=1)[:40])
        self.assertEqual(shown(run, "In the time shown")["Accepted"].values, [1])

    def test_the_log_panel_shows_the_lines_of_its_query(self):
        lines = [
            {"timestamp": "2026-11-28T12:00:01Z", "level": "INFO", "message": "processed"},
            {"timestamp": "2026-11-28T12:00:02Z", "level": "WARN", "message": "parked: x", "reason": "tenant_unknown"},
            {"timestamp": "2026-11-28T12:00:03Z", "level": "ERROR", "message": "no answer"},
        ]
        other = START.replace("intake", "repair")
        run = whole(*map(json.dumps, lines), other, json.dumps(lines[2] | {"message": "of repair"}))
        for panels in DESCRIPTIONS.values():
            [panel] = [panel for panel in panels if panel.view == "log"]
            names, rows = evaluated.found_by(panel.content, run)
            self.assertEqual([row[names.index("message")] for row in rows], ["no answer", "parked: x"])
            self.assertEqual(rows[1][names.index("reason")], "tenant_unknown")


class Expressions(unittest.TestCase):
    def value(self, text, **operands):
        return expressions.parse(text)(operands)

    def test_arithmetic_has_its_usual_order(self):
        self.assertEqual(self.value("2 + 3 * (a - 1) / 4", a=5), 5)
        self.assertEqual(self.value("SUM([a, 2 * b, c])", a=1, b=2, c=None), 5)
        self.assertIsNone(self.value("a / b", a=1, b=0))

    def test_fills_missing_values_but_not_unknown_ones(self):
        drain = "60 * FILL(b, 0) / IF(FILL(d, 0) > 0, d, 1)"
        self.assertEqual(self.value(drain, b=None, d=None), 0)
        self.assertEqual(self.value(drain, b=4, d=2), 120)
        unknown = self.value(drain, b=expressions.UNKNOWN, d=2)
        self.assertNotEqual(unknown, unknown)

    def test_rejects_other_functions(self):
        for text in ("RATE(a)", "FILL(a)", "a +", "a b", "a ~ b"):
            with self.assertRaises(ValueError):
                expressions.parse(text)


class Page(unittest.TestCase):
    def test_every_panel_has_a_table_or_a_reason(self):
        run = whole(emf("intake", Accepted=1, AckDuration=[3]), emf("processor", by={"reason": "a"}, Parked=1))
        text, told = page.page(DESCRIPTIONS, run, "functions.log")
        panels = text.split('<section class="panel"')[1:]
        self.assertEqual(len(panels), sum(map(len, DESCRIPTIONS.values())))
        for panel in panels:
            self.assertTrue("<details>" in panel or 'class="quiet"' in panel or "0 lines" in panel, panel)
            self.assertTrue("<svg" not in panel or "<table" in panel, panel)
        self.assertNotIn("nan", "".join(panels).lower().replace("tenant", ""))
        self.assertEqual(len(told), 2)

    def test_the_page_loads_nothing_and_escapes_text(self):
        hostile = json.dumps({"level": "ERROR", "timestamp": "t", "message": "<script src=//x></script>"})
        reason = {"reason": '"><img src=x>'}
        text, _ = page.page(DESCRIPTIONS, whole(hostile, emf("processor", by=reason, Parked=1)), "<b>")
        for loaded in ("<script", "<img", "<link", "<iframe", "@import", "url(", "<b>functions"):
            self.assertNotIn(loaded, text)
        self.assertIn("&lt;script", text)
        self.assertIn("default-src 'none'", text)


class Schema(unittest.TestCase):
    def complaints(self, change):
        dashboard = json.loads((FOLDER / "grafana.json").read_text())
        change(dashboard)
        return grafana_check.complaints(dashboard)

    def test_the_dashboard_matches_grafanas_schema(self):
        self.assertEqual(self.complaints(lambda dashboard: None), [])

    def test_refuses_unknown_names_wrong_types_and_duplicates(self):
        lines = 3
        for change in (
            lambda dashboard: dashboard.pop("annotations"),
            lambda dashboard: dashboard.update(panel=[]),
            lambda dashboard: dashboard["panels"][lines]["gridPos"].update(w=25),
            lambda dashboard: dashboard["panels"][lines]["targets"][0].update(period=60),
            lambda dashboard: dashboard["panels"][lines]["targets"][0].pop("namespace"),
            lambda dashboard: dashboard["panels"][lines].update(id=1),
            lambda dashboard: dashboard["panels"][lines]["targets"][1].update(refId="Q0"),
        ):
            self.assertEqual(len(self.complaints(change)), 1)


if __name__ == "__main__":
    unittest.main()
