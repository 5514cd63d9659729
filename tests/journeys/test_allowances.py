"""An allowance that the PSA subtracts by itself is shown with a change, and never subtracted again."""

import json
from pathlib import Path

from tests.journeys.desk import USAGE, Desk


def test_an_allowance_is_shown_as_the_copy_of_the_month_has_it(desk: Desk, tmp_path: Path) -> None:
    desk.psa.merge({"lines": [{"id": "1", "psa_included": "3"}]})
    desk.drop("generic/2026-10/usage.csv", USAGE.replace("beta,M365 BP,8", "beta,M365 BP,9"))
    desk.run()
    desk.psa.merge({"lines": [{"id": "1", "psa_included": "5"}]})
    desk.run("2026-09")
    changes = desk.every_change()
    words = "the PSA subtracts 3 by itself when it bills; the quantity is the whole count"

    assert changes["1"]["quantity_after"] == "12"
    explained = desk.say("explain", changes["1"]["id"], "--json").json
    assert explained["psa_included"] == {"quantity": "3", "words": words}
    assert f"\n  included  {words}\n" in desk.say("explain", changes["1"]["id"]).out
    assert desk.say("explain", changes["2"]["id"], "--json").json["psa_included"] is None
    assert "included" not in desk.say("explain", changes["2"]["id"]).out

    file = tmp_path / "plan.json"
    assert desk.say("plan", "--period", "2026-10", "--out", str(file)).code == 0
    planned = {each["line_id"]: each for each in json.loads(file.read_text())["changes"]}
    assert [planned[line]["psa_included"] for line in ("1", "2")] == [{"quantity": "3", "words": words}, None]
    assert planned["1"]["request"]["body"] == '[{"op":"replace","path":"quantity","value":12}]'
