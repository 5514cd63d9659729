"""``python -m trueup.traps FILE``: every scenario of a file through the real product, a line each.

Belongs here: the command, its lines, its exit code, the raw documents for other judges (``TRAPS_JSON``).
Does not belong here: playing and judging.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resources.settings import environment
from trueup.traps.judge import Judgement, TrapVerdict, judge
from trueup.traps.playing import PlayError, play
from trueup.traps.schema import Scenario, TrapFileError, read_traps


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Play the scenarios of a file. The answer is 0 only when all came out right, 2 when the file is unusable."""
    if len(arguments) != 1:
        print("usage: make traps FILE=path.yaml", file=sys.stderr)
        return 2
    try:
        scenarios = read_traps(Path(arguments[0]).read_text(encoding="utf-8")).traps
    except (OSError, UnicodeDecodeError, TrapFileError) as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 2
    played = [_played(scenario) for scenario in scenarios]
    if environ.get("TRAPS_JSON"):
        documents = [document for _, document in played]
        Path(environ["TRAPS_JSON"]).write_text(json.dumps(documents, indent=2, ensure_ascii=False), encoding="utf-8")
    right = sum(judgement.is_right for judgement, _ in played)
    wrong = sum(judgement.verdict is TrapVerdict.WRONG_WRITE for judgement, _ in played)
    print(f"{right} right, {wrong} wrong writes, {len(played)} scenarios")
    return 0 if right == len(played) else 1


def _played(scenario: Scenario) -> tuple[Judgement, dict[str, Any]]:
    try:
        said = play(scenario)
    except PlayError as error:
        judgement = Judgement(scenario.id, TrapVerdict.MISSED, str(error))
        document: dict[str, Any] = {"run": None, "changes": [], "findings": [], "psa_after": {}}
    else:
        judgement = judge(scenario, said.run, said.changes, said.findings, said.psa_after)
        document = vars(said)
    print(f"{scenario.id}  {judgement.verdict:<14} {scenario.title}: {judgement.words}", flush=True)
    return judgement, {"id": scenario.id, "verdict": str(judgement.verdict), "words": judgement.words, **document}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], environment()))
